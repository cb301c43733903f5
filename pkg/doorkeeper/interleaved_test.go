package doorkeeper_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

func (d *door) ban(user string) {
	d.t.Helper()
	if _, err := d.Service.Ban(context.Background(), "lesson", lesson.Ban{User: user, Actor: "admin"}); err != nil {
		d.t.Fatal(err)
	}
}

// Somebody who is banned while the platform says that they are gone, and who is not, goes.
func TestBannedWhileTakenForGone(t *testing.T) {
	for _, how := range []string{"by the list", "by a stream"} {
		t.Run(how, func(t *testing.T) {
			d := adopted(t, `{"foreignTokens":"accept"}`)
			d.come("A", "ann")
			d.come("B", "bea")
			d.Pass(10 * time.Second)
			a := d.Platform.Person("A")
			if err := d.Hear(lesson.Event{
				Name: "connectionDestroyed", Session: d.session, At: d.Now(), Received: d.Now(),
				Connection: "A", ConnectedAt: a.CameAt, Reason: "networkDisconnected",
			}); err != nil {
				t.Fatal(err)
			}
			d.Pass(time.Second)
			d.ban("ann")
			d.Pass(time.Second)
			if how == "by a stream" {
				d.Platform.Publish("A", "S", policy.Camera)
				d.Pass(time.Second)
			}
			d.Pass(20 * time.Minute)
			d.in("B")
		})
	}
}

// Of two who were never heard of, the second is taken for the user of the second promise,
// and held against the bans.
func TestSecondUnheardIsBanned(t *testing.T) {
	d := own(t, `{}`)
	d.mustJoin("ann")
	d.Pass(time.Second)
	d.mustJoin("bob")
	d.Pass(time.Second)
	d.ban("bob")
	d.Platform.Notify = func(lesson.Event) {} // their webhooks are lost
	d.Platform.Come(d.session, "A", "")
	d.Platform.Come(d.session, "B", "")
	d.Pass(20 * time.Minute)
	d.in("A")
}

// A ban that was lifted while a handler was about to keep it does not come back.
func TestLiftedBeforeItWasKept(t *testing.T) {
	var d *door
	lifted := false
	hook := func(ctx context.Context, c storetest.Call, do func() error) error {
		if c.Method == "Room" && !lifted && d != nil {
			l, err := d.Lesson(d.session)
			if err == nil && len(l.BansToKeep) > 0 {
				lifted = true
				other := doorOf(d, d.Store) // another process
				if err := other.LiftBan(ctx, "lesson", "ann", "admin"); err != nil {
					t.Error(err)
				}
			}
		}
		return do()
	}
	d = &door{World: simulation.NewWorld(storetest.Hooked{Under: openBolt(t), Hook: hook}), t: t, session: "1_adopted"}
	d.put(`{"rejoinSeconds":3600}`, d.session)
	d.Pass(time.Second)
	d.come("A", "ann")
	d.Pass(time.Second)
	if err := d.Service.Remove(context.Background(), "lesson", "A", "admin"); err != nil {
		t.Fatal(err)
	}
	d.Pass(time.Minute)
	if !lifted {
		t.Fatal("nobody lifted")
	}
	page, err := d.Service.Bans(context.Background(), "lesson", "", 10)
	if err != nil || len(page.Bans) != 0 {
		t.Errorf("lifted, and yet: %+v, %v\n%s", page.Bans, err, d.story())
	}
}

// A lesson that began before rooms had bans keeps those that it decides.
func TestBanOfAnOldLesson(t *testing.T) {
	d := adopted(t, `{"rejoinSeconds":3600}`)
	l, err := d.Lesson(d.session)
	if err != nil {
		t.Fatal(err)
	}
	l.RoomCreated = 0 // as it was stored by the version before
	if _, err := d.Store.Swap(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	d.Restart()
	d.come("A", "ann")
	if err := d.Service.Remove(context.Background(), "lesson", "A", "admin"); err != nil {
		t.Fatal(err)
	}
	d.Pass(time.Minute)
	d.come("A2", "ann")
	d.Pass(time.Minute)
	d.in()
}

// Two bans in a hall, of which the second comes while the first reads the hall's records.
func TestTwoBansInAHall(t *testing.T) {
	var d *door
	second := ""
	hook := func(ctx context.Context, c storetest.Call, do func() error) error {
		err := do()
		if c.Method == "Records" && second != "" {
			user := second
			second = ""
			// Another process bans, and has not read the records when the first is done.
			busy := storetest.Hooked{Under: d.Store, Hook: func(_ context.Context, c storetest.Call, do func() error) error {
				if c.Method == "Records" {
					return room.ErrUnavailable
				}
				return do()
			}}
			other := doorOf(&door{World: d.World}, busy)
			if _, err := other.Ban(ctx, "lesson", lesson.Ban{User: user, Actor: "admin"}); err != nil {
				t.Error(err)
			}
		}
		return err
	}
	d = &door{World: simulation.NewWorld(storetest.Hooked{Under: openBolt(t), Hook: hook}), t: t, session: "1_adopted"}
	d.put(`{}`, d.session)
	d.Pass(time.Second)
	for i := range 100 {
		d.come(fmt.Sprintf("c%03d", i), fmt.Sprintf("user%03d", i))
		d.Pass(time.Second)
	}
	l, err := d.Lesson(d.session)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range 100 {
		if _, here := l.Conns[fmt.Sprintf("c%03d", i)]; !here {
			out = append(out, fmt.Sprintf("user%03d", i))
		}
	}
	second = out[5]
	d.ban(out[4])
	d.Pass(time.Hour)
	if n := len(d.Platform.In(d.session)); n != 98 {
		t.Errorf("%d are in, want 98", n)
	}
}
