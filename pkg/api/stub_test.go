package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// The moment of all tests, and their secrets.
var (
	noon         = epoch.Of(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	apiSecret    = []byte("the secret that signs admin tokens")
	ticketSecret = []byte("the secret that signs tickets only")
	errInside    = errors.New("table usher-7 in account 1234 is on fire")
)

// stub is a service that remembers the last call and answers as it is told.
type stub struct {
	said    string // the method that was called
	name    string
	actor   string
	user    string
	role    string
	data    string
	after   string
	seq     int64
	limit   int
	status  journal.Status
	id      string
	session string
	seconds int
	endsAt  epoch.Instant
	put     room.Put
	ban     lesson.Ban
	record  attendance.Record // that Attendance gives
	opening room.Opening

	startedAt epoch.Instant // of the lesson that join lets into

	created bool
	err     error
	alive   error // of the last context
	bounded bool
}

func (s *stub) note(ctx context.Context, said, name, actor string) error {
	s.said, s.name, s.actor, s.alive = said, name, actor, ctx.Err()
	_, s.bounded = ctx.Deadline()
	return s.err
}

// tag is that of the stub's room.
var tag = etag(snapshotOf("").Room.Version())

// snapshotOf is that room with a lesson in which one connection is in, with one stream.
func snapshotOf(name string) doorkeeper.Snapshot {
	l := &lesson.Lesson{Session: "2_MX4x", Room: name, Status: journal.Running, StartedAt: noon, FixedEnd: noon.Add(time.Hour)}
	conn := lesson.Conn{
		ID: "c1", State: lesson.Seated, CreatedAt: noon,
		Streams: map[string]lesson.Stream{"s1": {Kind: policy.Camera, Made: true}},
	}
	l.Conns = map[string]lesson.Conn{"c1": conn}
	return doorkeeper.Snapshot{
		Room:   room.Room{Name: name, Session: l.Session, Created: noon, Revision: 7, Policy: policy.Stored(`{"maxSeats":2}`)},
		Lesson: l, Connections: []lesson.Conn{conn}, At: noon,
	}
}

func (s *stub) PutRoom(ctx context.Context, p room.Put) (doorkeeper.Snapshot, bool, error) {
	s.put = p
	return snapshotOf(p.Name), s.created, s.note(ctx, "put", p.Name, "")
}

func (s *stub) Room(ctx context.Context, name string) (doorkeeper.Snapshot, error) {
	return snapshotOf(name), s.note(ctx, "room", name, "")
}

func (s *stub) Rooms(ctx context.Context, after string, limit int, status journal.Status) (doorkeeper.RoomPage, error) {
	s.after, s.limit, s.status = after, limit, status
	return doorkeeper.RoomPage{Rooms: []doorkeeper.Snapshot{{Room: room.Room{Name: "a"}}}, Next: "a"}, s.note(ctx, "rooms", "", "")
}

func (s *stub) DeleteRoom(ctx context.Context, name, _ string) error {
	return s.note(ctx, "delete", name, "")
}

func (s *stub) Join(ctx context.Context, name string, who doorkeeper.Applicant) (doorkeeper.Admission, error) {
	s.user, s.role, s.data = who.User, who.Role, string(who.Data)
	c := room.Credentials{APIKey: "1", Session: "2_MX4x", Token: "t", Expires: noon}
	return doorkeeper.Admission{Credentials: c, Role: who.Role, StartedAt: s.startedAt, Now: noon}, s.note(ctx, "join", name, "")
}

func (s *stub) Extend(ctx context.Context, name string, seconds int, endsAt epoch.Instant, actor string) (doorkeeper.Snapshot, error) {
	s.seconds, s.endsAt = seconds, endsAt
	return snapshotOf(name), s.note(ctx, "extend", name, actor)
}

func (s *stub) End(ctx context.Context, name, actor string) (doorkeeper.Snapshot, error) {
	return snapshotOf(name), s.note(ctx, "end", name, actor)
}

func (s *stub) Reopen(ctx context.Context, name, actor string) (doorkeeper.Snapshot, error) {
	return snapshotOf(name), s.note(ctx, "reopen", name, actor)
}

func (s *stub) Connections(ctx context.Context, name, after string, limit int) (doorkeeper.ConnPage, error) {
	s.after, s.limit = after, limit
	return doorkeeper.ConnPage{Next: after}, s.note(ctx, "connections", name, "")
}

func (s *stub) Remove(ctx context.Context, name, connection, actor string) error {
	s.id = connection
	return s.note(ctx, "remove", name, actor)
}

func (s *stub) Events(ctx context.Context, name, session string, after int64, limit int) (doorkeeper.LinePage, error) {
	s.session, s.seq, s.limit = session, after, limit
	line := journal.Line{Seq: 1, At: noon, Event: "api", Action: journal.DidEnd}
	return doorkeeper.LinePage{Lines: []journal.Line{line}, Next: 1}, s.note(ctx, "events", name, "")
}

func (s *stub) Attendance(ctx context.Context, name, session string) (attendance.Record, error) {
	s.session = session
	r := s.record
	r.Room = name
	return r, s.note(ctx, "attendance", name, "")
}

func (s *stub) Chronicle(ctx context.Context, name, session string) (doorkeeper.Chronicle, error) {
	s.session = session
	r := s.record
	r.Room, r.At = name, noon.Add(2*time.Hour)
	log := []journal.Line{{Seq: 1, At: noon.Add(time.Minute), User: "eve", Action: journal.DidRefuse, Reason: journal.RoomFull}}
	return doorkeeper.Chronicle{Record: r, Log: log}, s.note(ctx, "chronicle", name, "")
}

func (s *stub) LessonsOf(ctx context.Context, name string, after room.Opening, limit int) (doorkeeper.LessonPage, error) {
	s.opening, s.limit = after, limit
	l := lesson.Lesson{Session: "2_MX4x", Created: noon, Status: journal.Ended, Outcome: journal.Completed, StartedAt: noon + 1, EndedAt: noon + 2}
	return doorkeeper.LessonPage{Lessons: []lesson.Lesson{l}, Next: room.Opening{At: noon, Session: l.Session}}, s.note(ctx, "lessons", name, "")
}

func (s *stub) Ban(ctx context.Context, name string, b lesson.Ban) (lesson.Ban, error) {
	s.ban, b.At = b, noon
	return b, s.note(ctx, "ban", name, b.Actor)
}

func (s *stub) Bans(ctx context.Context, name, after string, limit int) (doorkeeper.BanPage, error) {
	s.after, s.limit = after, limit
	return doorkeeper.BanPage{Bans: []lesson.Ban{{User: "ann", At: noon, Actor: "admin"}}, Next: "ann"}, s.note(ctx, "bans", name, "")
}

func (s *stub) LiftBan(ctx context.Context, name, user, actor string) error {
	s.user = user
	return s.note(ctx, "lift", name, actor)
}

// desk is a handler under test with its stub and its log.
type desk struct {
	t       *testing.T
	stub    *stub
	handler http.Handler
	log     *bytes.Buffer
}

func newDesk(t *testing.T, change ...func(*Options)) *desk {
	d := &desk{t: t, stub: &stub{}, log: &bytes.Buffer{}}
	o := Options{
		Service: d.stub, APISecret: apiSecret, TicketSecret: ticketSecret,
		Origins: []string{"https://school.example"}, Version: "v1",
		Now: func() epoch.Instant { return noon },
		Log: slog.New(slog.NewTextHandler(d.log, nil)),
	}
	for _, f := range change {
		f(&o)
	}
	d.handler = New(o)
	return d
}

// ask sends a request with a good token for its path; change may spoil it. The
// exchange must be as the description says.
func (d *desk) ask(method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+AdminToken(apiSecret, noon.Std(), time.Hour))
	if strings.HasSuffix(r.URL.Path, "/join") {
		r.Header.Set("Authorization", "Bearer "+Ticket(ticketSecret, "maths", "alice", "", noon.Std(), time.Hour))
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	described(d.t, r, body, w)
	return w
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// refused fails the test unless w is this refusal, in the form of a problem.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code problem.Code) problemBody {
	t.Helper()
	var p problemBody
	if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("answered %d %s %s, want a problem with %d", w.Code, w.Header().Get("Content-Type"), w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code != code || p.Status != status || p.Detail == "" {
		t.Fatalf("answered %s, want code %s (%v)", w.Body, code, err)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of a refusal is %q", got)
	}
	return p
}

func answered(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("answered %d %s, want %d", w.Code, w.Body, status)
	}
}

// The doorkeeper is what both handlers ask for.
var (
	_ Service  = (*doorkeeper.Service)(nil)
	_ Listener = (*doorkeeper.Service)(nil)
)
