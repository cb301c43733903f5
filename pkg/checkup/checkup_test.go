package checkup

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// platform answers each operation with an error, or well.
type platform struct {
	room.Platform
	create, list, disconnect error
}

func (p platform) CreateSession(context.Context, bool) (string, error) { return "1_s", p.create }

func (p platform) Connections(context.Context, string) (lesson.Reading, error) {
	return lesson.Reading{}, p.list
}

func (p platform) Disconnect(context.Context, string, string) error { return p.disconnect }

func ill(found []Finding) string {
	var names []string
	for _, f := range found {
		if !f.OK {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestVonage(t *testing.T) {
	no, away := &room.PlatformError{Operation: "x", Status: 403}, errors.New("inside: 10.0.0.1")
	for name, c := range map[string]struct {
		platform platform
		want     string
		words    string
	}{
		"well":                   {platform{disconnect: room.ErrGone}, "", ""},
		"nobody is disconnected": {platform{}, "", ""},
		"a wrong key":            {platform{create: no}, "vonage-session", "403"},
		"no list":                {platform{list: away, disconnect: room.ErrGone}, "vonage-list", "in time"},
		"no disconnect":          {platform{disconnect: &room.PlatformError{Status: 500}}, "vonage-disconnect", "500"},
	} {
		t.Run(name, func(t *testing.T) {
			found := Vonage(c.platform)(t.Context())
			if ill(found) != c.want {
				t.Fatalf("%+v", found)
			}
			for _, f := range found {
				if strings.Contains(f.Detail, "inside") || !f.OK && !strings.Contains(f.Detail, c.words) {
					t.Errorf("%s says %q", f.Name, f.Detail)
				}
			}
		})
	}
}

// book is a room.Marks in memory that can be broken.
type book struct {
	marks   map[string]epoch.Instant
	written int
	err     error
}

func (b *book) Mark(ctx context.Context, name string, at epoch.Instant) error {
	b.written++
	if _, bounded := ctx.Deadline(); !bounded || ctx.Err() != nil {
		return errors.New("a mark has no time of its own")
	}
	if b.err == nil {
		b.marks[name] = at
	}
	return b.err
}

func (b *book) Marks(context.Context) (map[string]epoch.Instant, error) {
	return maps.Clone(b.marks), b.err
}

const noon epoch.Instant = 1_796_126_400_000

func TestMarks(t *testing.T) {
	for name, c := range map[string]struct {
		book *book
		want string
	}{
		"nothing yet":      {&book{}, "callback sweep"},
		"well":             {&book{marks: map[string]epoch.Instant{"callback": noon - 9e9, "sweep": noon - 119_000}}, ""},
		"the sweep stands": {&book{marks: map[string]epoch.Instant{"callback": noon, "sweep": noon - 121_000}}, "sweep"},
		"no store":         {&book{err: errors.New("inside")}, "store"},
	} {
		t.Run(name, func(t *testing.T) {
			if found := Marks(c.book, func() epoch.Instant { return noon })(t.Context()); ill(found) != c.want {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestRecorderIsSeldom(t *testing.T) {
	var log strings.Builder
	now, b := noon, &book{marks: map[string]epoch.Instant{}}
	r := NewRecorder(b, SweepMark, func() epoch.Instant { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	gone, cancel := context.WithCancel(t.Context())
	cancel() // whoever called has hung up
	for range 121 {
		r.Record(gone)
		now = now.Add(time.Second)
	}
	if b.written != 3 || b.marks[SweepMark] != noon.Add(100*time.Second) || log.Len() > 0 {
		t.Errorf("%d marks, the last %v, log %s", b.written, b.marks, &log)
	}
	b.err = errors.New("away")
	now = now.Add(time.Hour)
	r.Record(t.Context())
	if !strings.Contains(log.String(), "a mark could not be written") {
		t.Errorf("log %s", &log)
	}
}

// Sweeps a moment short of a minute apart, and one that takes some seconds, are well.
func TestSweepsAreWell(t *testing.T) {
	now, b := noon, &book{marks: map[string]epoch.Instant{}}
	clock := func() epoch.Instant { return now }
	r := NewRecorder(b, SweepMark, clock, slog.New(slog.DiscardHandler))
	for _, after := range []time.Duration{0, 59_800 * time.Millisecond, 65 * time.Second, 59 * time.Second} {
		now = now.Add(after)
		if found := sweeps(b.marks[SweepMark], now); after > 0 && !found.OK {
			t.Errorf("before one at %v: %s", now, found.Detail)
		}
		r.Record(t.Context())
	}
}

func TestEmpty(t *testing.T) {
	for _, c := range []struct {
		n    int
		err  error
		want string
	}{{0, nil, ""}, {2, nil, "dead"}, {0, errors.New("inside"), "dead"}} {
		found := Empty("dead", "letters", func(context.Context) (int, error) { return c.n, c.err }, "Read them.")(t.Context())
		if ill(found) != c.want || strings.Contains(found[0].Detail, "inside") || c.n > 0 && !strings.HasSuffix(found[0].Detail, "letters: 2. Read them.") {
			t.Errorf("%d, %v: %+v", c.n, c.err, found)
		}
	}
}

func TestRunKeepsTheOrder(t *testing.T) {
	first := make(chan struct{})
	c := Checkup{
		func(context.Context) []Finding { <-first; return []Finding{{Name: "a"}, {Name: "b"}} },
		func(ctx context.Context) []Finding {
			close(first)
			_, bounded := ctx.Deadline()
			return []Finding{{Name: "c", OK: bounded}}
		},
	}
	found := c.Run(t.Context())
	if len(found) != 3 || found[0].Name != "a" || found[2].Name != "c" || !found[2].OK {
		t.Errorf("%+v", found)
	}
}
