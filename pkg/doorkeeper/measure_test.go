package doorkeeper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// meter adds up what it is told, by metric and label.
type meter struct {
	mu   sync.Mutex
	sums map[string]int64
}

func (m *meter) Record(of *metric.Metric, label string, value int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := of.Name
	if (label != "") != (of.Label != "") {
		name = "a wrong label: " + name
	}
	m.sums[strings.TrimSpace(name+" "+label)] += value
}

// measured gives a room over the session 1_adopted, what its program says and measures.
func measured(t *testing.T, policy string, change func(*doorkeeper.Settings)) (*door, *bytes.Buffer, *meter) {
	t.Helper()
	d := adopted(t, policy)
	log, m := &bytes.Buffer{}, &meter{sums: map[string]int64{}}
	d.Settings = func(set *doorkeeper.Settings) {
		set.Log, set.Metrics = slog.New(slog.NewJSONHandler(log, nil)), m
		if change != nil {
			change(set)
		}
	}
	d.Restart()
	return d, log, m
}

// said gives the lines of the program's log with that message, without their time.
func said(t *testing.T, log *bytes.Buffer, message string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		all := map[string]any{}
		if err := json.Unmarshal([]byte(line), &all); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if all["msg"] == message {
			delete(all, "time")
			delete(all, "level")
			delete(all, "msg")
			lines = append(lines, all)
		}
	}
	return lines
}

// TestDecisionsAreSaid: each line of a lesson's log is one of the program's, with ids and
// times and without the people.
func TestDecisionsAreSaid(t *testing.T) {
	d, log, m := measured(t, `{"maxSeats":1,"quorum":1,"lessonSeconds":60}`, nil)
	d.come("A", "alice")
	d.Pass(7 * time.Second) // A is heard of for long enough to be proven in
	late := d.Platform.Enter(d.session, "B", "bob", d.Now().Add(-250*time.Millisecond))
	if err := d.Hear(late.Event(journal.ConnectionCreated, late.CameAt)); err != nil {
		t.Fatal(err)
	}
	d.Pass(time.Minute)
	d.in()
	decided := said(t, log, "decided")
	if own := d.lines(); len(decided) != len(own)-1 { // the first one was written before
		t.Errorf("%d lines of a log of %d\n%s", len(decided), len(own), log)
	}
	for i, want := range []map[string]any{
		{"session": "1_adopted", "room": "lesson", "event": "connectionCreated", "connection": "A", "action": "seated", "vonageMs": 0.0},
		{"session": "1_adopted", "room": "lesson", "event": "connectionCreated", "action": "start"},
		{"session": "1_adopted", "room": "lesson", "event": "connectionCreated", "connection": "B", "action": "refused", "reason": "room-full", "vonageMs": 250.0},
	} {
		if d := cmp.Diff(want, decided[i]); d != "" {
			t.Error(d)
		}
	}
	gone := said(t, log, "disconnected")
	want := map[string]any{"session": "1_adopted", "room": "lesson", "connection": "B", "reason": "room-full", "decidedMs": 0.0, "vonageMs": 250.0}
	if d := cmp.Diff(want, gone[0]); d != "" {
		t.Error(d)
	}
	if text := log.String(); strings.Contains(text, "alice") || strings.Contains(text, "bob") {
		t.Errorf("the log names people:\n%s", text)
	}
	if m.sums["Refusals room-full"] != 1 || m.sums["Disconnected"] != 250 || m.sums["EndLate"] != 0 || m.sums["Readings read"] == 0 {
		t.Errorf("measured %v", m.sums)
	}
	if _, ended := m.sums["EndLate"]; !ended {
		t.Errorf("the end was not measured: %v", m.sums)
	}
}

// TestDecisionsAreSaidOnce: also where the store's answer to a write is lost, or the write.
func TestDecisionsAreSaidOnce(t *testing.T) {
	for name, spoil := range map[string]func(do func() error) error{
		"the answer comes":   func(do func() error) error { return do() },
		"the answer is lost": func(do func() error) error { return errors.Join(do(), room.ErrUnavailable) },
		"the write is lost":  func(func() error) error { return room.ErrUnavailable },
	} {
		t.Run(name, func(t *testing.T) {
			d, log, m := measured(t, `{"allowedUsers":["alice"],"quorum":1}`, nil)
			before := len(d.lines())
			var spoilt sync.Map // the first write of each kind
			d.Store = storetest.Hooked{Under: d.Store, Hook: func(_ context.Context, c storetest.Call, do func() error) error {
				if _, again := spoilt.LoadOrStore(c.Method, true); !c.Write || again {
					return do()
				}
				return spoil(do)
			}}
			d.Restart()
			d.come("A", "alice")
			d.come("B", "bob")
			d.put(`{"allowedUsers":["alice"],"quorum":1,"lessonSeconds":600}`, d.session)
			if decided, own := said(t, log, "decided"), d.lines()[before:]; len(decided) != len(own) {
				t.Errorf("%d lines of a log of %d\n%s", len(decided), len(own), log)
			}
			if m.sums["Refusals not-allowed"] != 1 {
				t.Errorf("measured %v", m.sums)
			}
			for _, method := range []string{"Swap", "Commit"} {
				if _, written := spoilt.Load(method); !written {
					t.Errorf("nothing was written by a %s", method)
				}
			}
		})
	}
}

// TestLateEnd: an end that nobody was there to keep in time says how late it is.
func TestLateEnd(t *testing.T) {
	d, _, m := measured(t, `{"quorum":1,"lessonSeconds":90}`, nil)
	d.WakeTimes = func(string, epoch.Instant) []epoch.Instant { return nil }
	d.come("A", "alice")
	d.Pass(3 * time.Minute)
	if late := m.sums["EndLate"]; late <= 1000 {
		t.Errorf("%d ms late: %v", late, m.sums)
	}
}

// TestStrangersAndRepairsAreCounted: also what decides nothing, or corrects.
func TestStrangersAndRepairsAreCounted(t *testing.T) {
	d, _, m := measured(t, `{}`, nil)
	if err := d.Hear(lesson.Event{Name: journal.ConnectionCreated, Session: "1_other", Connection: "X"}); err != nil {
		t.Fatal(err)
	}
	d.come("A", "alice")
	d.Platform.Vanish("A")
	d.Pass(15 * time.Minute)
	if m.sums["Strangers"] != 1 || m.sums["Repairs"] != 1 || m.sums["Unheard"] != 0 {
		t.Errorf("measured %v", m.sums)
	}
}

// TestNobodyIsHeardOf: a process that hears all callbacks calls an operator where people
// are in and not one has come, and no other does.
func TestNobodyIsHeardOf(t *testing.T) {
	for name, c := range map[string]struct {
		hearsAll, heard, adopted bool
		unheard                  int64
		alarm                    bool
	}{
		"all come here":             {hearsAll: true, unheard: 1, alarm: true},
		"they come to others":       {unheard: 1},
		"one came":                  {hearsAll: true, heard: true, unheard: 1},
		"it was in when it was put": {hearsAll: true, adopted: true},
	} {
		t.Run(name, func(t *testing.T) {
			d, log, m := measured(t, `{}`, func(set *doorkeeper.Settings) { set.HearsAll = c.hearsAll })
			if c.heard {
				d.come("A", "alice")
			}
			came := d.Now()
			if c.adopted {
				came = came.Add(-time.Hour)
			}
			d.Platform.Enter(d.session, "B", "bob", came)
			d.Pass(15 * time.Minute)
			if m.sums["Unheard"] != c.unheard || strings.Contains(log.String(), `"alarm":"no-callback"`) != c.alarm {
				t.Errorf("measured %v, and the log says\n%s", m.sums, log)
			}
		})
	}
}
