package vonage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// Errors of Decode.
var (
	// ErrMalformed: the body is not one JSON object.
	ErrMalformed = errors.New("the body is not a JSON object")
	// ErrIncomplete: the object has no sessionId or event that is a text.
	ErrIncomplete = errors.New("the body has no sessionId or no event")
)

const (
	// maxID is the length of the longest id that is one, in bytes; longer
	// names and reasons are cut to it.
	maxID = 255
	// ahead is how far in the future a time may lie.
	ahead = 5 * time.Second
)

// Decode reads one webhook of session monitoring that came at received, as
// leniently as nobody can be hurt by it:
//
//   - a byte order mark is read past, numbers may be texts and the project a
//     number, fields of other types and unknown ones are ignored, bytes that
//     are not UTF-8 become U+FFFD;
//   - a missing timestamp is received, a missing createdAt the timestamp, and
//     any time more than 5 s after received is received; times before 1973
//     (those in seconds are) or after the year 9999 are missing;
//   - an event that ends something is never before the createdAt in it;
//   - a stream's connection is in it, else at the top level.
//
// Only the four events of connections and streams carry ids. One that lacks
// any of its ids, or has one that the platform could not be asked for (over 255
// bytes, or with a step in it like ".."), carries none: it can be recorded under
// its Digest, and decides nothing.
func Decode(body []byte, received epoch.Instant) (lesson.Event, error) {
	w, err := parseCallback(body)
	if err != nil {
		return lesson.Event{}, err
	}
	if w.Session == "" || w.Name == "" {
		return lesson.Event{}, ErrIncomplete
	}
	e := lesson.Event{
		Name:        cut(w.Name),
		Session:     w.Session,
		Project:     cut(string(w.Project)),
		Application: cut(string(w.Application)),
		At:          known(received, w.Timestamp),
		Received:    received,
		Reason:      cut(w.Reason),
		Digest:      digest(body),
	}
	switch e.Name {
	case journal.ConnectionCreated, journal.ConnectionDestroyed:
		w.connect(&e, w.Connection)
	case journal.StreamCreated, journal.StreamDestroyed:
		w.stream(&e)
	}
	if e.Name == journal.ConnectionDestroyed || e.Name == journal.StreamDestroyed {
		e.At = max(e.At, e.ConnectedAt, e.StreamAt)
	}
	return e, nil
}

// connect puts a connection into the event.
func (w *callback) connect(e *lesson.Event, c wireConnection) {
	if !isID(c.ID) {
		return
	}
	e.Connection, e.Data = c.ID, c.Data
	e.ConnectedAt = known(e.Received, c.CreatedAt, w.Timestamp)
}

// stream puts a stream and its connection into the event, or neither.
func (w *callback) stream(e *lesson.Event) {
	c := w.Stream.Connection
	if c.ID == "" {
		c = w.Connection
	}
	if !isID(w.Stream.ID) || !isID(c.ID) {
		return
	}
	w.connect(e, c)
	e.Stream, e.Kind = w.Stream.ID, kind(w.Stream.VideoType)
	e.StreamAt = known(e.Received, w.Stream.CreatedAt, w.Timestamp)
}

// known is the first of the times that is not missing, by the rules of Decode:
// the one way in for a time from outside.
func known(received epoch.Instant, times ...moment) epoch.Instant {
	t := epoch.Instant(cmp.Or(times...))
	if t == 0 || t > received.Add(ahead) {
		return received
	}
	return t
}

// kind reads a videoType. Vonage leaves it out where a stream has audio only.
// One that nobody knows is custom, the kind that is governed along with the
// screen: to let it pass as free for all would open the door that the policy
// closed.
func kind(videoType string) policy.Kind {
	switch k := policy.Kind(strings.ToLower(videoType)); k {
	case policy.Camera, policy.Screen, policy.Audio:
		return k
	case "":
		return policy.Audio
	}
	return policy.Custom
}

// isID reports whether the platform can be asked for s: 1 to 255 bytes without
// a step in them, which a server or proxy may follow also where it is escaped.
func isID(s string) bool {
	return s != "" && len(s) <= maxID && !slices.ContainsFunc(strings.FieldsFunc(s, isSlash), isStep)
}

func isSlash(r rune) bool { return r == '/' || r == '\\' }

func isStep(segment string) bool { return segment == "." || segment == ".." }

func cut(s string) string {
	if len(s) <= maxID {
		return s
	}
	return strings.ToValidUTF8(s[:maxID], "")
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
