package doorkeeper_test

import (
	"context"
	"testing"
	"time"

	"usher/pkg/lesson"
)

// A removal keeps nobody out for a shorter time than a ban that is there already.
func TestRemovalShortensNoBan(t *testing.T) {
	ctx := context.Background()
	for name, until := range map[string]time.Duration{"for ever": 0, "for an hour": time.Hour, "for a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			d := adopted(t, `{"rejoinSeconds":600}`)
			d.come("A", "ann")
			d.Platform.Go("A")
			d.Pass(0)
			b := lesson.Ban{User: "ann", Actor: "admin"}
			if until > 0 {
				b.Until = d.Now().Add(until)
			}
			if _, err := d.Service.Ban(ctx, "lesson", b); err != nil {
				t.Fatal(err)
			}
			if err := d.Service.Remove(ctx, "lesson", "A", "admin"); err != nil {
				t.Fatal(err)
			}
			want := b.Until
			if until == time.Minute {
				want = d.Now().Add(10 * time.Minute)
			}
			d.Pass(time.Minute)
			page, err := d.Service.Bans(ctx, "lesson", "", 10)
			if err != nil || len(page.Bans) != 1 || page.Bans[0].Until != want {
				t.Errorf("the bans are %+v, %v; want one until %v", page.Bans, err, want)
			}
			if l, err := d.Lesson(d.session); err != nil || len(l.BansToKeep) > 0 {
				t.Errorf("bans are still to be kept: %+v, %v", l.BansToKeep, err)
			}
		})
	}
}
