package lesson_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// Between irrevocable acts the order of events does not matter: in a room that
// refuses nobody, any order of the same webhooks gives the same state.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		text := rapid.SampledFrom([]string{
			`{"quorum":2}`, `{"quorum":3,"duplicateUser":"allow"}`, `{"lessonSeconds":80000}`, `{"maxSeats":20,"quorum":1}`,
			`{"lessonSeconds":80000,"clock":"pause"}`, `{"lessonSeconds":80000,"clock":"pause","quorumRoles":{"t":1,"s":1}}`,
		}).Draw(t, "policy")
		first := tell(t, text, events)
		second := tell(t, text, rapid.Permutation(events).Draw(t, "order"))
		if diff := differ(first, second); diff != "" {
			t.Fatalf("%s\n%v\n%v", diff, first.Logged(), second.Logged())
		}
		if paused, since := stoodStill(first, events); paused != first.PausedMillis || since != first.PausedAt {
			t.Fatalf("it stood still for %d ms, and since %d; in truth for %d, and since %d", first.PausedMillis, first.PausedAt, paused, since)
		}
	})
}

// drawEvents draws the webhooks of a few people: each comes, may publish, and
// may leave; some webhooks come twice.
func drawEvents(t *rapid.T) []lesson.Event {
	var events []lesson.Event
	for i := range rapid.IntRange(1, 6).Draw(t, "people") {
		came := epoch.Instant(1_000_000 + rapid.IntRange(0, 20).Draw(t, "came"))
		e := lesson.Event{
			Name: journal.ConnectionCreated, Session: "s", At: came, Received: 1_000_100,
			Connection: fmt.Sprintf("c%d", i), ConnectedAt: came,
			Data: rapid.SampledFrom([]string{"ann", "bea", "", `{"user":"ann","role":"s"}`, `{"user":"cem","role":"t"}`, `{"user":"dan","role":"s"}`}).Draw(t, "data"),
		}
		events = append(events, e)
		if rapid.Bool().Draw(t, "publishes") {
			s := e
			s.Name, s.Stream, s.StreamAt, s.Kind = journal.StreamCreated, "s"+e.Connection, came, policy.Camera
			events = append(events, s)
		}
		if rapid.Bool().Draw(t, "leaves") {
			e.Name, e.At = journal.ConnectionDestroyed, came+epoch.Instant(rapid.IntRange(0, 20).Draw(t, "stayed"))
			events = append(events, e)
		}
		if rapid.Bool().Draw(t, "twice") {
			events = append(events, e)
		}
	}
	return events
}

func tell(t *rapid.T, text string, events []lesson.Event) lesson.Lesson {
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l := lesson.New(lesson.Begin{Room: "r", Session: "s", Policy: p, PolicyVersion: 1}, journal.FromAPI, "", 999_000)
	for _, e := range events {
		d := lesson.Decide(l, lesson.Webhook{Event: e}, 1_000_100)
		if d.Verdict != nil {
			t.Fatal(d.Verdict)
		}
		l = d.Lesson
	}
	return l
}

// differ says in what two lessons differ, whatever their logs say.
func differ(a, b lesson.Lesson) string {
	if a.Status != b.Status || a.StartedAt != b.StartedAt || a.PausedMillis != b.PausedMillis || a.PausedAt != b.PausedAt {
		return fmt.Sprintf("%s since %d, paused for %d, since %d, or %s since %d, paused for %d, since %d",
			a.Status, a.StartedAt, a.PausedMillis, a.PausedAt, b.Status, b.StartedAt, b.PausedMillis, b.PausedAt)
	}
	if !slices.Equal(slices.Sorted(maps.Keys(a.Conns)), slices.Sorted(maps.Keys(b.Conns))) {
		return "other connections"
	}
	for id, x := range a.Conns {
		y := b.Conns[id]
		// Who is heard of only after leaving never had a seat; that is all that may differ.
		same := x.LeftAt == y.LeftAt && x.User == y.User && x.CreatedAt == y.CreatedAt && (x.State == y.State || x.LeftAt != 0)
		if !same {
			return fmt.Sprintf("%s is %+v or %+v", id, x, y)
		}
	}
	return ""
}

// stoodStill looks at every millisecond: for how long the quorum was broken in pauses that
// are over, and since when it is now. Zero where the clock does not pause.
func stoodStill(l lesson.Lesson, events []lesson.Event) (paused int64, since epoch.Instant) {
	rule := l.Rules.At(l.StartedAt)
	if l.StartedAt == 0 || !rule.Pauses {
		return 0, 0
	}
	for at := l.StartedAt; at <= 1_000_101; at++ {
		switch met := rule.Met(whoIsIn(l, events, at)); {
		case !met && since == 0:
			since = at
		case met && since != 0:
			paused += int64(at - since)
			since = 0
		}
	}
	return paused, since
}

// whoIsIn counts the distinct users who are in at that moment, in all and by role.
func whoIsIn(l lesson.Lesson, events []lesson.Event, at epoch.Instant) (users int, ofRole map[string]int) {
	left := map[string]epoch.Instant{}
	for _, e := range events {
		if e.Name == journal.ConnectionDestroyed {
			left[e.Connection] = max(e.At, e.ConnectedAt+1) // impossible times say only that it left
			if e.At <= e.ConnectedAt {
				left[e.Connection] = l.Conns[e.Connection].DepartureHeardAt + 1
			}
		}
	}
	seen, byRole := map[string]bool{}, map[string]map[string]bool{}
	for id, c := range l.Conns {
		gone, over := left[id]
		if c.CreatedAt > at || over && gone <= at || c.State == lesson.Refused {
			continue
		}
		who := c.User
		if who == "" {
			who = "of " + id
		}
		if seen[who] = true; byRole[c.Role] == nil {
			byRole[c.Role] = map[string]bool{}
		}
		byRole[c.Role][who] = true
	}
	ofRole = map[string]int{}
	for role, some := range byRole {
		ofRole[role] = len(some)
	}
	return len(seen), ofRole
}
