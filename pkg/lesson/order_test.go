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
		}).Draw(t, "policy")
		first := tell(t, text, events)
		second := tell(t, text, rapid.Permutation(events).Draw(t, "order"))
		if diff := differ(first, second); diff != "" {
			t.Fatalf("%s\n%v\n%v", diff, first.Logged(), second.Logged())
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
			Data: rapid.SampledFrom([]string{"ann", "bea", ""}).Draw(t, "data"),
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
	if a.Status != b.Status || a.StartedAt != b.StartedAt {
		return fmt.Sprintf("%s since %d, or %s since %d", a.Status, a.StartedAt, b.Status, b.StartedAt)
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
