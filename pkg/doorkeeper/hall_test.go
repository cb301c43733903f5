package doorkeeper_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

const (
	inHall    = 300
	recorders = 30
)

// fullHall is a hall of three hundred people, of whom every third is a student and every
// third a teacher, and thirty recorders who need no seat. Most do not stand in the
// lesson's item.
func fullHall(t *testing.T) *door {
	t.Helper()
	return fullHallOver(t, openBolt(t))
}

func fullHallOver(t *testing.T, store room.Store) *door {
	t.Helper()
	d := &door{World: simulation.NewWorld(store), t: t, session: "1_adopted"}
	d.put(`{"quorum":1,"observers":["recorder"]}`, "1_adopted")
	for i := range recorders {
		d.observe(i)
	}
	for i := range inHall {
		d.come(guest(i), guestData(i))
		d.Forward(d.Now() + 100)
	}
	d.Pass(30 * time.Second)
	d.exact(inHall, inHall+recorders)
	if l := d.stored(); l.PresentOutside < inHall-100 || l.ObserversOutside < recorders-10 {
		t.Fatalf("%d people stand outside, of whom %d observe", l.PresentOutside, l.ObserversOutside)
	}
	return d
}

func guest(i int) string { return fmt.Sprintf("c%03d", i) }

func guestRole(i int) string { return []string{"student", "teacher", ""}[i%3] }

func guestData(i int) string { return fmt.Sprintf(`{"user":"u%03d","role":%q}`, i, guestRole(i)) }

func (d *door) observe(i int) {
	d.t.Helper()
	c, err := d.Service.Join(context.Background(), "lesson", doorkeeper.Applicant{User: fmt.Sprintf("r%03d", i), Role: "recorder"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.come(fmt.Sprintf("r%03d", i), c.Token)
	d.Forward(d.Now() + 100)
}

func (d *door) stored() lesson.Lesson {
	d.t.Helper()
	l, err := d.Lesson(d.session)
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

// exact holds that room, platform and log agree, that the counts of people outside are
// those of the records, and that nothing is left undone.
func (d *door) exact(seats, in int) {
	d.t.Helper()
	if err := d.Agree(d.session); err != nil {
		d.t.Error(err)
	}
	l := d.stored()
	records, err := d.Store.Records(context.Background(), d.session, "", 10_000)
	if err != nil {
		d.t.Fatal(err)
	}
	var observers int64
	roles := map[string]int64{}
	for _, r := range records {
		switch _, here := l.Conns[r.ID]; {
		case here || r.Conn == nil || !r.Conn.In():
		case r.Conn.Observer:
			observers++
		default:
			roles[r.Conn.Role]++
		}
	}
	if l.ObserversOutside != observers || !maps.Equal(l.OutsideByRole, roles) {
		d.t.Errorf("outside are %d observers and %v, counted as %d and %v", observers, roles, l.ObserversOutside, l.OutsideByRole)
	}
	if l.Seats() != seats || len(d.Platform.In(d.session)) != in {
		d.t.Errorf("%d seats and %d people in, want %d and %d", l.Seats(), len(d.Platform.In(d.session)), seats, in)
	}
	if e := l.Outstanding(d.Now()); len(e.Disconnect) > 0 || e.DismissOutside || e.ReviewOutside || len(e.KeepBans) > 0 || e.ReadStreams || e.Wake {
		d.t.Errorf("something is left undone: %+v", e)
	}
	if l.Size() > lesson.FullSize || len(l.Conns) > 128 {
		d.t.Errorf("the lesson has %d connections and %d bytes", len(l.Conns), l.Size())
	}
}

// told gives the connections about which the log has a line of that action and reason,
// and fails where it has two.
func (d *door) told(action journal.Action, reason journal.Reason) []string {
	d.t.Helper()
	_, lines, err := d.Log(d.session)
	if err != nil {
		d.t.Fatal(err)
	}
	var ids []string
	for _, l := range lines {
		if l.Action == action && l.Reason == reason {
			ids = append(ids, l.Connection)
		}
	}
	slices.Sort(ids)
	if n := len(ids); n != len(slices.Compact(slices.Clone(ids))) {
		d.t.Errorf("some of %d lines %s/%s are about the same connection", n, action, reason)
	}
	return ids
}

// A list that is put on a hall reaches those who do not stand in its item.
func TestListForAHall(t *testing.T) {
	d := fullHall(t)
	var stay, users []string
	for i := range inHall {
		if i%6 == 0 {
			stay, users = append(stay, guest(i)), append(users, fmt.Sprintf("%q", fmt.Sprintf("u%03d", i)))
		}
	}
	stay, users = append(stay, "r002"), append(users, `"r002"`)
	d.put(fmt.Sprintf(`{"quorum":1,"observers":["recorder"],"allowedUsers":[%s]}`, strings.Join(users, ",")), "")
	d.Pass(30 * time.Second)
	d.in(stay...)
	d.exact(len(stay)-1, len(stay))
	if n := len(d.told(journal.DidDisconnect, journal.NotAllowed)); n != inHall+recorders-len(stay) {
		t.Errorf("%d lines, want one for each of %d who went", n, inHall+recorders-len(stay))
	}
}

// A ban reaches somebody who does not stand in the item, an observer too, and each
// connection of its user; and two bans at once do.
func TestBanInAHall(t *testing.T) {
	d := fullHall(t)
	for _, user := range []string{"u004", "r003", "u299"} {
		if _, err := d.Service.Ban(context.Background(), "lesson", lesson.Ban{User: user, Actor: "admin"}); err != nil {
			t.Fatal(err)
		}
	}
	d.Pass(30 * time.Second)
	if gone := d.told(journal.DidDisconnect, journal.Removed); !slices.Equal(gone, []string{"c004", "c299", "r003"}) {
		t.Errorf("%v were disconnected", gone)
	}
	d.exact(inHall-2, inHall+recorders-3)
	if l := d.stored(); len(l.BansToKeep) > 0 {
		t.Errorf("bans stay in the item: %+v", l.BansToKeep)
	}
}

// A rule for streams reaches those who published before and do not stand in the item:
// they are asked, and go where the stream is still there after the grace.
func TestRuleForStreamsInAHall(t *testing.T) {
	d := adopted(t, `{"quorum":1}`)
	for i := range inHall {
		d.come(guest(i), guestData(i))
		if i < 30 {
			d.Platform.Publish(guest(i), "s"+guest(i), policy.Screen)
		}
		d.Pass(100 * time.Millisecond)
	}
	d.Pass(30 * time.Second)
	if _, here := d.stored().Conns[guest(20)]; here {
		t.Fatal("who published stands in the item")
	}
	d.put(`{"quorum":1,"publish":{"screen":["teacher"]}}`, "")
	d.Pass(2 * time.Second)
	asked := d.told(journal.DidAskAway, "screen-not-allowed")
	if len(asked) != 20 || len(d.Platform.Words) != 20 {
		t.Errorf("%d were asked, and %d told, want the 20 who are no teachers: %v", len(asked), len(d.Platform.Words), asked)
	}
	for i := range 9 { // 6 of them no teachers
		d.Platform.Stop(guest(i), "s"+guest(i), i%2 == 0)
	}
	d.Pass(30 * time.Second)
	if gone := d.told(journal.DidDisconnect, "screen-not-allowed"); len(gone) != 14 || gone[0] < guest(9) {
		t.Errorf("%d went, want the 14 whose streams stayed: %v", len(gone), gone)
	}
	d.exact(inHall-14, inHall-14)
}

// A cap that is put on a hall counts the people who do not stand in the item: nobody
// goes, and a newcomer is refused once the list was read.
func TestCapForAHall(t *testing.T) {
	for name, c := range map[string]struct {
		cap     string
		refused []string
		seated  []string
	}{
		"of all":    {`"maxSeats":60`, []string{`{"user":"new","role":"student"}`, "other"}, nil},
		"of a role": {`"maxByRole":{"student":5,"tutor":1}`, []string{`{"user":"new","role":"student"}`}, []string{`{"user":"tom","role":"teacher"}`, `{"user":"tim","role":"tutor"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			d := fullHall(t)
			d.put(fmt.Sprintf(`{"quorum":1,"observers":["recorder"],%s}`, c.cap), "")
			d.Pass(10 * time.Second)
			d.exact(inHall, inHall+recorders)
			read := len(d.Platform.Readings[d.session])
			for i, data := range c.refused {
				d.come(fmt.Sprintf("n%03d", i), data)
				d.Pass(2 * time.Second)
				d.says(1, fmt.Sprintf("n%03d", i), journal.DidRefuse, journal.RoomFull)
			}
			if n := len(d.Platform.Readings[d.session]); n == read {
				t.Error("the list was not read")
			}
			for i, data := range c.seated {
				d.come(fmt.Sprintf("y%03d", i), data)
				d.Pass(2 * time.Second)
				d.says(1, fmt.Sprintf("y%03d", i), journal.DidSeat, "")
			}
			d.Pass(30 * time.Second)
			d.exact(inHall+len(c.seated), inHall+recorders+len(c.seated))
		})
	}
}

// A hundred observers in a room of two seats leave its item bounded, take no seat, and
// are counted where they stand.
func TestManyObservers(t *testing.T) {
	d := adopted(t, `{"maxSeats":2,"observers":["recorder"]}`)
	d.come("A", "ann")
	d.come("B", "bob")
	for i := range 100 {
		d.observe(i)
	}
	d.Pass(10 * time.Second)
	d.exact(2, 102)
	if l := d.stored(); l.ObserversOutside == 0 || len(l.Conns) > 80 {
		t.Errorf("%d connections stand in the item, %d observers do not", len(l.Conns), l.ObserversOutside)
	}
	d.come("C", "cem")
	d.Pass(3 * time.Second)
	d.says(1, "C", journal.DidRefuse, journal.RoomFull)
	for i := range 60 {
		d.Platform.Go(fmt.Sprintf("r%03d", i))
	}
	d.Pass(10 * time.Second)
	d.exact(2, 42)
}

// Who leaves while the people outside are being looked at, and whose record another
// process changes by that, is not brought back.
func TestDeparturesDuringAReviewOfAHall(t *testing.T) {
	const leavers = 40
	bolt, leaving := openBolt(t), false
	var d *door
	d = fullHallOver(t, storetest.Hooked{Under: bolt, Hook: func(_ context.Context, c storetest.Call, do func() error) error {
		err := do()
		if c.Method == "Records" && leaving {
			leaving = false
			for i := range leavers {
				d.leaveElsewhere(bolt, guest(10+i)) // the first are witnesses of the start
			}
		}
		return err
	}})
	leaving = true
	d.put(`{"quorum":1,"observers":["recorder"],"allowedUsers":["u100"]}`, "")
	if leaving {
		t.Fatal("the records were not read")
	}
	d.Pass(30 * time.Second)
	d.in("c100")
	d.exact(1, 1)
	if n := len(d.told(journal.DidDisconnect, journal.NotAllowed)); n != inHall+recorders-leavers-1 {
		t.Errorf("%d were disconnected, want %d", n, inHall+recorders-leavers-1)
	}
}

// leaveElsewhere lets somebody leave, of which another process hears.
func (d *door) leaveElsewhere(store room.Store, id string) {
	d.t.Helper()
	ctx := context.Background()
	d.Platform.Vanish(id)
	q := d.Platform.Person(id)
	e := q.Event(journal.ConnectionDestroyed, q.LeftAt)
	e.Received, e.Reason = d.Now(), "clientDisconnected"
	l, records, err := store.Lesson(ctx, d.session, id)
	if err == nil {
		l, err = store.Swap(ctx, lesson.Decide(l, lesson.Webhook{Event: e, Records: records}, d.Now()).Lesson)
	}
	if out, full := l.ToShed(); err == nil && full {
		_, err = store.Shed(ctx, l, out)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}
