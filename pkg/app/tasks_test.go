package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// scribe records what a desk asks for. Errors are by session.
type scribe struct {
	mu     sync.Mutex
	start  time.Time
	done   []string
	fails  map[string]error
	noSend bool
}

func (s *scribe) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, fmt.Sprintf("%v ", time.Since(s.start))+fmt.Sprintf(format, args...))
}

func (s *scribe) Work(_ context.Context, session string) error {
	s.note("work %s", session)
	if session == "panics" {
		panic("on purpose")
	}
	return s.fails[session]
}

func (s *scribe) Replay(_ context.Context, e lesson.Event) error {
	s.note("replay %s", e.Session)
	return s.fails[e.Session]
}

func (s *scribe) Tell(_ context.Context, session string) error {
	s.note("tell %s", session)
	return s.fails[session]
}

func (s *scribe) Forward(_ context.Context, c room.Callback) error {
	s.note("forward %s", c.Body)
	return s.fails["s"]
}

func (s *scribe) again(_ context.Context, body string, delay time.Duration) error {
	if s.noSend {
		return errors.New("no queue")
	}
	s.note("again %v %s", delay, body)
	return nil
}

func (s *scribe) desk(log *bytes.Buffer) *desk {
	s.start = time.Now()
	return &desk{
		worker:    func(context.Context) (worker, error) { return s, nil },
		teller:    func(context.Context) (teller, error) { return s, nil },
		forwarder: func(context.Context) (forwarder, error) { return s, nil },
		again:     s.again,
		now:       func() epoch.Instant { return epoch.Of(time.Now()) },
		ahead:     8 * time.Second,
		log:       slog.New(slog.NewTextHandler(log, nil)),
		metrics:   metric.Nobody{},
	}
}

func wakeIn(session string, d time.Duration) string {
	return fmt.Sprintf(`{"wake":{"session":%q,"at":%d}}`, session, epoch.Of(time.Now().Add(d)))
}

func deadlineIn(session string, d time.Duration) string {
	return strings.Replace(wakeIn(session, d), "}}", `,"deadline":true}}`, 1)
}

func tellIn(session string, d time.Duration) string {
	return strings.Replace(wakeIn(session, d), "wake", "tell", 1)
}

// bubble is when a synctest bubble begins.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// forwardOf is a callback of that age which could not be forwarded that often.
func forwardOf(age time.Duration, failures int) string {
	body := fmt.Sprintf(`{"forward":{"received":%d,"header":{"X-A":["1"]},"body":"e30="`, epoch.Of(bubble.Add(-age)))
	if failures > 0 {
		body += fmt.Sprintf(`,"failures":%d`, failures)
	}
	return body + "}}"
}

func TestMessages(t *testing.T) {
	away := fmt.Errorf("throttled: %w", room.ErrUnavailable)
	for _, c := range []struct {
		name   string
		body   func() string
		err    error
		noSend bool
		want   []string // BODY is the message's own
		failed bool
	}{
		{name: "a wake that is due", body: func() string { return wakeIn("s", -time.Second) }, want: []string{"0s work s"}},
		{name: "a wake waits out its part of a second", body: func() string { return wakeIn("s", 740*time.Millisecond) }, want: []string{"740ms work s"}},
		{name: "a wake that came early goes back", body: func() string { return wakeIn("s", 8500*time.Millisecond) }, want: []string{"0s again 8.5s BODY"}},
		{name: "a wake that came far too early", body: func() string { return wakeIn("s", time.Hour) }, want: []string{"0s again 1h0m0s BODY"}},
		{name: "a deadline's wake waits for it", body: func() string { return deadlineIn("s", 8740*time.Millisecond) }, want: []string{"8.74s work s"}},
		{name: "a deadline's wake that came early goes back", body: func() string { return deadlineIn("s", time.Minute) }, want: []string{"0s again 52s BODY"}},
		{name: "a deadline's wake that is late", body: func() string { return deadlineIn("s", -time.Minute) }, want: []string{"0s work s"}},
		{name: "the store is away for a wake", body: func() string { return wakeIn("s", 0) }, err: away, want: []string{"0s work s", "0s again 10s BODY"}},
		{name: "a wake fails", body: func() string { return wakeIn("s", 0) }, err: errors.New("broken"), want: []string{"0s work s"}, failed: true},
		{name: "a panic is one message's failure", body: func() string { return wakeIn("panics", 0) }, want: []string{"0s work panics"}, failed: true},
		{name: "a parked event", body: func() string { return `{"event":{"event":"connectionCreated","sessionId":"s"}}` }, want: []string{"0s replay s"}},
		{name: "the store is away for an event", body: func() string { return `{"event":{"event":"e","sessionId":"s"}}` }, err: away, want: []string{"0s replay s", "0s again 10s BODY"}},
		{name: "and the queue too", body: func() string { return `{"event":{"event":"e","sessionId":"s"}}` }, err: away, noSend: true, want: []string{"0s replay s"}, failed: true},
		{name: "telling", body: func() string { return tellIn("s", 600*time.Millisecond) }, want: []string{"600ms tell s"}},
		{name: "telling that came early", body: func() string { return tellIn("s", time.Minute) }, want: []string{"0s again 1m0s BODY"}},
		{name: "the store is away for telling", body: func() string { return tellIn("s", 0) }, err: away, want: []string{"0s tell s", "0s again 10s BODY"}},
		{name: "a callback goes on", body: func() string { return forwardOf(0, 0) }, want: []string{"0s forward {}"}},
		{
			name: "the other listener is away", body: func() string { return forwardOf(0, 0) }, err: errors.New("it answered 500"),
			want: []string{"0s forward {}", "0s again 5s " + forwardOf(0, 1)},
		},
		{
			name: "away for long", body: func() string { return forwardOf(23*time.Hour, 40) }, err: errors.New("it answered 500"),
			want: []string{"0s forward {}", "0s again 15m0s " + forwardOf(23*time.Hour, 41)},
		},
		{name: "away for a day", body: func() string { return forwardOf(24*time.Hour, 90) }, err: errors.New("it answered 500"), want: []string{"0s forward {}"}},
		{name: "away, and the queue too", body: func() string { return forwardOf(0, 0) }, err: errors.New("it answered 500"), noSend: true, want: []string{"0s forward {}"}, failed: true},
		{name: "poison: not JSON", body: func() string { return `{"wake":` }, failed: true},
		{name: "poison: another type", body: func() string { return `{"wake":"now"}` }, failed: true},
		{name: "poison: neither", body: func() string { return `{}` }, failed: true},
		{name: "poison: both", body: func() string { return `{"wake":{"session":"s"},"event":{"sessionId":"s"}}` }, failed: true},
		{name: "poison: no session", body: func() string { return `{"wake":{"at":1}}` }, failed: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := &scribe{fails: map[string]error{"s": c.err}, noSend: c.noSend}
				body := c.body()
				got := s.desk(&log).batch(t.Context(), Batch{Records: []Message{{ID: "m1", Body: body}}})
				want := Failures{Items: []Failure{}}
				if c.failed {
					want.Items = append(want.Items, Failure{ID: "m1"})
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				for i := range s.done {
					s.done[i] = strings.ReplaceAll(s.done[i], body, "BODY")
				}
				if d := cmp.Diff(c.want, s.done); d != "" {
					t.Error(d)
				}
				if c.failed != strings.Contains(log.String(), "level=ERROR msg=\"task failed\" alarm=task-failed message=m1") {
					t.Errorf("the log says:\n%s", &log)
				}
			})
		})
	}
}

func TestBatchIsConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scribe{fails: map[string]error{"b": errors.New("broken")}}
		d := s.desk(&bytes.Buffer{})
		got := d.batch(t.Context(), Batch{Records: []Message{
			{"1", wakeIn("a", time.Second)}, {"2", wakeIn("b", time.Second)}, {"3", wakeIn("c", time.Second)},
		}})
		if took := time.Since(s.start); took != time.Second {
			t.Errorf("three waits of a second took %v", took)
		}
		if d := cmp.Diff(Failures{Items: []Failure{{"2"}}}, got); d != "" {
			t.Error(d)
		}
	})
}

func TestNotJoinedIsNoFailedTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scribe{}
		d := s.desk(&bytes.Buffer{})
		d.worker = func(context.Context) (worker, error) { return nil, errors.New("no secret") }
		got := d.batch(t.Context(), Batch{Records: []Message{{"1", wakeIn("a", 0)}}})
		if len(got.Items) != 0 || len(s.done) != 1 || !strings.Contains(s.done[0], "again 10s") {
			t.Errorf("failed %v, did %q", got.Items, s.done)
		}
	})
}

func TestNothingFailedIsAnEmptyList(t *testing.T) {
	s := &scribe{}
	raw, err := json.Marshal(s.desk(&bytes.Buffer{}).batch(t.Context(), Batch{}))
	if err != nil || string(raw) != `{"batchItemFailures":[]}` {
		t.Errorf("got %s, %v", raw, err)
	}
}
