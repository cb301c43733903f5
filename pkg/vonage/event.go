package vonage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"usher/pkg/room"
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
	// ahead is how far in the future a createdAt may lie.
	ahead = 5 * room.Second
)

// Decode reads one webhook of session monitoring that came at received, as
// leniently as nobody can be hurt by it:
//
//   - numbers may be texts and the project a number, fields of other types and
//     unknown ones are passed over, bytes that are not UTF-8 become U+FFFD;
//   - a missing timestamp is received, a missing createdAt the timestamp, and a
//     createdAt more than 5 s after received is received; times before 1970 or
//     after the year 9999 are missing;
//   - an event that ends something is never before the createdAt in it;
//   - a stream's connection is in it, else at the top level.
//
// Only the four events of connections and streams carry ids. One that lacks
// any of its ids, or has one over 255 bytes, carries none: it can be recorded
// under its Digest, and decides nothing.
func Decode(body []byte, received room.Time) (room.Event, error) {
	w, err := parseCallback(body)
	if err != nil {
		return room.Event{}, err
	}
	if w.Session == "" || w.Name == "" {
		return room.Event{}, ErrIncomplete
	}
	e := room.Event{
		Name:     cut(w.Name),
		Session:  w.Session,
		Project:  string(cmp.Or(w.Project, w.Application)),
		At:       cmp.Or(room.Time(w.Timestamp), received),
		Received: received,
		Reason:   cut(w.Reason),
		Digest:   digest(body),
	}
	switch e.Name {
	case room.ConnectionCreated, room.ConnectionDestroyed:
		w.connect(&e, w.Connection)
	case room.StreamCreated, room.StreamDestroyed:
		w.stream(&e)
	}
	if e.Name == room.ConnectionDestroyed || e.Name == room.StreamDestroyed {
		e.At = max(e.At, e.ConnectedAt, e.StreamAt)
	}
	return e, nil
}

// connect puts a connection into the event.
func (w *callback) connect(e *room.Event, c wireConnection) {
	if !isID(c.ID) {
		return
	}
	e.Connection, e.Data = c.ID, c.Data
	e.ConnectedAt = w.created(c.CreatedAt, e.Received)
}

// stream puts a stream and its connection into the event, or neither.
func (w *callback) stream(e *room.Event) {
	c := w.Stream.Connection
	if c.ID == "" {
		c = w.Connection
	}
	if !isID(w.Stream.ID) || !isID(c.ID) {
		return
	}
	w.connect(e, c)
	e.Stream, e.Kind = w.Stream.ID, kind(w.Stream.VideoType)
	e.StreamAt = w.created(w.Stream.CreatedAt, e.Received)
}

// created is when something came into being, by the rules of Decode.
func (w *callback) created(at moment, received room.Time) room.Time {
	t := cmp.Or(room.Time(at), room.Time(w.Timestamp), received)
	if t > received+ahead {
		return received
	}
	return t
}

// kind reads a videoType. Vonage leaves it out where a stream has audio only.
// One that nobody knows is custom, the kind that is governed along with the
// screen: to let it pass as free for all would open the door that the policy
// closed.
func kind(videoType string) room.Kind {
	switch k := room.Kind(strings.ToLower(videoType)); k {
	case room.Camera, room.Screen, room.Audio:
		return k
	case "":
		return room.Audio
	}
	return room.Custom
}

func isID(s string) bool { return s != "" && len(s) <= maxID }

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
