package api

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/attendance/picture"
	"usher/pkg/doorkeeper"
)

// Attendance is the record of a lesson, but for its users, which follow one by one.
type Attendance struct {
	Room            string      `json:"room"`
	SessionID       *string     `json:"sessionId"`
	StartedAt       *string     `json:"startedAt"`
	EndedAt         *string     `json:"endedAt"`
	Outcome         *string     `json:"outcome"`
	TogetherSeconds float64     `json:"togetherSeconds"` // to the millisecond
	Users           []Attendant `json:"users"`
}

// Attendant is a row of it: a user, or a connection of somebody unknown.
type Attendant struct {
	User           *string `json:"user"`
	Role           *string `json:"role"`
	Observer       bool    `json:"observer"`
	FirstIn        string  `json:"firstIn"`
	LastOut        *string `json:"lastOut"`        // null while it is in
	SecondsPresent float64 `json:"secondsPresent"` // to the millisecond
	Connections    int     `json:"connections"`
	Exact          bool    `json:"exact"`
}

// format is a form in which a record can be written. Write begins before it knows that it
// can end: what fails then is the connection.
type format struct {
	name, mediaType string
	log             bool // it needs the lesson's log, too
	write           func(w io.Writer, c doorkeeper.Chronicle, zone *time.Location) error
}

// formats are those of GET attendance, by ?format= and by the Accept header; the first is
// for whoever takes anything.
var formats = []format{
	{"json", "application/json", false, func(w io.Writer, c doorkeeper.Chronicle, _ *time.Location) error {
		return writeAttendance(w, c.Record)
	}},
	{"csv", "text/csv; charset=utf-8", false, func(w io.Writer, c doorkeeper.Chronicle, _ *time.Location) error {
		return writeCSV(w, c.Record)
	}},
	{"svg", "image/svg+xml", true, func(w io.Writer, c doorkeeper.Chronicle, zone *time.Location) error {
		return picture.Draw(w, picture.Lesson{Record: c.Record, Log: c.Log, Cut: c.Cut, Zone: zone})
	}},
}

func (s *server) attendance(w http.ResponseWriter, c call) error {
	q := queryOf(c.Request)
	session, zone := q.id("sessionId"), q.zone()
	f, err := formatFor(q, c.Header)
	if err != nil {
		return err
	}
	record, err := s.chronicle(c, session, f)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Content-Security-Policy", recordPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	out := bufio.NewWriterSize(w, 32<<10)
	if f.write(out, record, zone) == nil {
		_ = out.Flush() // whoever asked has gone
	}
	return nil
}

// recordPolicy is for whoever opens a record as a document of its own: it may have the
// style of a picture, and load and run nothing.
var recordPolicy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; frame-ancestors 'none'; sandbox", styleHash())

func styleHash() string {
	sum := sha256.Sum256([]byte(picture.Style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// chronicle asks for what the format shows.
func (s *server) chronicle(c call, session string, f format) (doorkeeper.Chronicle, error) {
	if f.log {
		return s.Service.Chronicle(c.Context(), c.room, session)
	}
	record, err := s.Service.Attendance(c.Context(), c.room, session)
	return doorkeeper.Chronicle{Record: record}, err
}

// formatFor is the format that the request asks for: by its query, else by its header. A
// name that is none is 400, a header that takes none of them 406.
func formatFor(q *query, h http.Header) (f format, err error) {
	name, named := q.one("format")
	if q.err != nil {
		return f, q.err
	}
	if !named {
		return accepted(strings.Join(h.Values("Accept"), ","))
	}
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if i < 0 {
		return f, refuseField("format", "format must be %s, not %q", formatNames(), clip(name))
	}
	return formats[i], nil
}

func formatNames() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// accepted is the format that an Accept header likes best (RFC 9110, section 12.5.1); of
// several that it likes as much, the first of formats.
func accepted(accept string) (best format, err error) {
	if strings.TrimSpace(accept) == "" {
		return formats[0], nil
	}
	most := 0.0
	for _, f := range formats {
		if q := liked(accept, f.mediaType); q > most {
			best, most = f, q
		}
	}
	if most == 0 {
		return best, refuse(codeNotAcceptable, "the record comes as application/json, text/csv or image/svg+xml, and the Accept header takes none of them")
	}
	return best, nil
}

// liked is the weight that the header gives to the media type, by the range that names it
// most closely.
func liked(accept, mediaType string) (weight float64) {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	kind, _, _ := strings.Cut(mediaType, "/")
	closest := 0
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		close := 1 + slices.Index([]string{"*/*", kind + "/*", mediaType}, strings.ToLower(strings.TrimSpace(name)))
		if close > closest {
			closest, weight = close, weightIn(params)
		}
	}
	return weight
}

// weightIn reads the q of a media range; 1 where it has none that can be read.
func weightIn(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "q") {
			if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
				return q
			}
		}
	}
	return 1
}

// showAttendance shows the record without its users.
func showAttendance(r attendance.Record) Attendance {
	return Attendance{
		Room: r.Room, SessionID: orNull(r.Session), StartedAt: stamp(r.StartedAt), EndedAt: stamp(r.EndedAt),
		Outcome: (*string)(orNull(r.Outcome)), TogetherSeconds: toSeconds(r.Together), Users: []Attendant{},
	}
}

func showAttendant(u attendance.User) Attendant {
	return Attendant{
		User: orNull(u.User), Role: orNull(u.Role), Observer: u.Observer, FirstIn: u.FirstIn.String(), LastOut: stamp(u.LastOut),
		SecondsPresent: toSeconds(u.Present), Connections: u.Connections, Exact: u.Exact,
	}
}

// toSeconds gives whole milliseconds in seconds, as they are written with three places.
func toSeconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// writeAttendance writes one row after another.
func writeAttendance(w io.Writer, r attendance.Record) error {
	const end = "]}"
	head, err := json.Marshal(showAttendance(r))
	if err != nil {
		panic(err) // only values of this package's own types come here
	}
	if _, err := w.Write(bytes.TrimSuffix(head, []byte(end))); err != nil {
		return err
	}
	for i, u := range r.Users {
		row, err := json.Marshal(showAttendant(u))
		if err != nil {
			panic(err)
		}
		if i > 0 {
			row = append([]byte(",\n"), row...)
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, end+"\n")
	return err
}

// writeCSV writes the users, and of the lesson nothing (RFC 4180).
func writeCSV(w io.Writer, r attendance.Record) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	err := out.Write([]string{"user", "role", "observer", "firstIn", "lastOut", "secondsPresent", "connections", "exact"})
	for _, u := range r.Users {
		if err != nil {
			return err
		}
		v := showAttendant(u)
		err = out.Write([]string{
			cell(orEmpty(v.User)), cell(orEmpty(v.Role)), strconv.FormatBool(v.Observer), v.FirstIn, orEmpty(v.LastOut),
			strconv.FormatFloat(v.SecondsPresent, 'f', -1, 64), strconv.Itoa(v.Connections), strconv.FormatBool(v.Exact),
		})
	}
	out.Flush()
	return out.Error()
}

// cell is other people's text in a cell. One that a spreadsheet would run as a formula
// gets a quote before it (OWASP, "CSV injection").
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
