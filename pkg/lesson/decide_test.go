package lesson_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// arrives is the webhook of somebody who came just now.
func arrives(id, user string, now epoch.Instant) lesson.Webhook {
	return lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionCreated, Session: "s", At: now, Received: now,
		Connection: id, ConnectedAt: now, Data: user,
	}}
}

// An arrival is an Add only where it is all that was decided: one that comes
// when somebody is given up, who was asked to go a day ago, writes that too.
func TestAddStoresAllThatWasDecided(t *testing.T) {
	x := begin(t, `{"quorum":9,"maxSeats":9}`)
	x.came("A", "ann", 0, 100)
	x.decide(lesson.Remove{Connection: "A"}, 1_000)
	x.decide(lesson.DisconnectFailed{Connection: "A"}, 1_100)
	now := (noon + 1_000).Add(25 * time.Hour)
	d := lesson.Decide(x.l, arrives("B", "ben", now), now)
	if d.Write != lesson.Swap || d.Lesson.Conns["A"].RetryAt != 0 || !cmp.Equal(d.Effects.GivenUp, []string{"A"}) {
		t.Errorf("write %d, A is tried again at %s, given up are %q", d.Write, d.Lesson.Conns["A"].RetryAt, d.Effects.GivenUp)
	}
}

// What an Add stores is what was decided, entry by entry.
func TestAddIsTheDecision(t *testing.T) {
	x := begin(t, `{"quorum":9,"maxSeats":9}`)
	x.came("A", "ann", 0, 100)
	now := noon + 2_000
	for name, in := range map[string]lesson.Webhook{
		"seated": arrives("B", "ben", now), "unknown user": arrives("B", "", now),
	} {
		d := lesson.Decide(x.l, in, now)
		if d.Write != lesson.Add {
			t.Fatalf("%s: write %d, want an Add", name, d.Write)
		}
		added := d.Add.Into(x.l)
		added.Added = d.Lesson.Added
		if diff := cmp.Diff(d.Lesson, added); diff != "" {
			t.Errorf("%s: what was decided and what is stored differ:\n%s", name, diff)
		}
	}
}
