package doorkeeper_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// bubble is a service on the clock of a synctest bubble. It keeps what was
// parked and when it asked to be woken.
type bubble struct {
	*doorkeeper.Service
	store room.Store
	log   *record

	mu     sync.Mutex
	parked []lesson.Event
	wakes  []epoch.Instant
}

func newBubble(store room.Store, platform room.Platform) *bubble {
	b := &bubble{store: store, log: &record{}}
	b.Service = doorkeeper.NewService(store, platform, b, doorkeeper.Settings{
		TokenLife: time.Minute, Project: "123456", Now: clockNow, Queue: b,
		NewID: func() string { return "id" }, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	return b
}

func clockNow() epoch.Instant { return epoch.Of(time.Now()) }

// Wake is room.Timer's.
func (b *bubble) Wake(_ context.Context, _ string, at epoch.Instant) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wakes = append(b.wakes, at)
	return nil
}

// Park is room.Queue's.
func (b *bubble) Park(_ context.Context, e lesson.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked = append(b.parked, e)
	return nil
}

func (b *bubble) put(t *testing.T, text, session string) {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.PutRoom(t.Context(), room.Put{Name: "lesson", Policy: p, Session: session}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // an adopted session's list has been read, and may be again
}

// came is the webhook of a connection that came just now.
func (b *bubble) came(session, id string) lesson.Event {
	now := clockNow()
	return lesson.Event{
		Name: journal.ConnectionCreated, Session: session, Project: "123456", At: now, Received: now,
		Connection: id, ConnectedAt: now, Data: "user-" + id, Digest: "came-" + id,
	}
}

// record is a log that can be read.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.text.String(), text)
}

// stuck is a platform that does not answer before the caller gives up, or
// answers what it is told to.
type stuck struct {
	mu                    sync.Mutex
	disconnects, listings bool // hang
	disconnectError       error
	asked                 map[string][]epoch.Instant
	in                    []lesson.Presence
	out                   int
	readings              []epoch.Instant
}

func (s *stuck) note(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = map[string][]epoch.Instant{}
	}
	s.asked[id] = append(s.asked[id], clockNow())
}

// when gives the moments at which id was to be disconnected.
func (s *stuck) when(id string) []epoch.Instant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[id]
}

func (s *stuck) count(id string) int { return len(s.when(id)) }

func (s *stuck) enter(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = append(s.in, lesson.Presence{ID: id, Since: clockNow()})
}

// left is how many were disconnected.
func (s *stuck) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out
}

func (s *stuck) CreateSession(context.Context, bool) (string, error) { return "2_made", nil }

func (s *stuck) Connections(ctx context.Context, _ string) (lesson.Reading, error) {
	if s.listings {
		<-ctx.Done()
		return lesson.Reading{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readings = append(s.readings, clockNow())
	return lesson.Reading{Began: clockNow(), Whole: true, Present: slices.Clone(s.in)}, nil
}

func (s *stuck) Disconnect(ctx context.Context, _, id string) error {
	s.note(id)
	if s.disconnects {
		<-ctx.Done()
		return ctx.Err()
	}
	if s.disconnectError != nil {
		return s.disconnectError
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.in)
	s.in = slices.DeleteFunc(s.in, func(p lesson.Presence) bool { return p.ID == id })
	if len(s.in) == n {
		return room.ErrGone
	}
	s.out++
	return nil
}

func (s *stuck) Signal(ctx context.Context, _, _, _ string, _ []byte) error {
	if s.disconnects {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (s *stuck) Credentials(session, data string, _, expires epoch.Instant) (room.Credentials, error) {
	return room.Credentials{APIKey: "123456", Session: session, Token: data, Expires: expires}, nil
}

// arrive lets n people in and hears of them.
func (b *bubble) arrive(t *testing.T, p *stuck, session string, n int) {
	t.Helper()
	for i := range n {
		id := fmt.Sprintf("c%03d", i)
		p.enter(id)
		if err := b.Hear(t.Context(), b.came(session, id)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ring waits for the next wake, at most a minute, which is the sweep's, and
// works the lesson.
func (b *bubble) ring(t *testing.T, session string) {
	t.Helper()
	b.mu.Lock()
	now := clockNow()
	next := now.Add(time.Minute)
	b.wakes = slices.DeleteFunc(b.wakes, func(at epoch.Instant) bool { return at < now })
	if len(b.wakes) > 0 {
		next = min(next, slices.Min(b.wakes))
	}
	b.wakes = slices.DeleteFunc(b.wakes, func(at epoch.Instant) bool { return at <= next })
	b.mu.Unlock()
	time.Sleep(next.Sub(now))
	if err := b.Work(t.Context(), session); err != nil {
		t.Error(err)
	}
}
