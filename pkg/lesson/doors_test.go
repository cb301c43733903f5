package lesson_test

import (
	"slices"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// lost lets the webhook of a departure, for that reason, be heard at once.
func (x *tale) lost(id, reason string, at epoch.Instant) {
	x.t.Helper()
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionDestroyed, Session: "s", At: noon + at, Received: noon + at,
		Connection: id, ConnectedAt: noon, Reason: reason,
	}}, at)
}

// published lets the webhook of a stream be heard later than it was made.
func (x *tale) published(id, stream string, kind policy.Kind, made, heard epoch.Instant) {
	x.t.Helper()
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: journal.StreamCreated, Session: "s", At: noon + made, Received: noon + heard,
		Connection: id, ConnectedAt: noon, Stream: stream, StreamAt: noon + made, Kind: kind,
	}}, heard)
}

// A forbidden stream of somebody who was taken for gone is asked away when a reading
// shows that it is there.
func TestStreamOfSomebodyWhoIsBack(t *testing.T) {
	x := begin(t, `{"publish":{"screen":["teacher"]}}`)
	x.came("A", "ann", 0, 0)
	x.lost("A", "networkDisconnected", 2_000)
	x.published("A", "S", policy.Screen, 1_000, 3_000)
	if s := x.l.Conns["A"].Streams["S"]; s.AskedAt != 0 {
		t.Fatalf("the stream of somebody who left was asked away: %+v", s)
	}
	x.read(40_000, 40_100, map[string]epoch.Instant{"A": 0})
	if s := x.l.Conns["A"].Streams["S"]; s.AskedAt != noon+40_100 {
		t.Errorf("the stream of somebody who is there after all is %+v", s)
	}
}

// seatedUnheard is a lesson in which S sits as a stranger, by the list alone, while
// A, a student, has the only seat for students.
func seatedUnheard(t *testing.T) *tale {
	t.Helper()
	x := begin(t, `{"maxByRole":{"student":1}}`)
	x.came("A", `{"user":"ann","role":"student"}`, 0, 0)
	x.read(2_000, 2_000, map[string]epoch.Instant{"A": 0, "S": 1_000})
	x.read(63_000, 63_000, map[string]epoch.Instant{"A": 0, "S": 1_000})
	x.is("S", lesson.Seated)
	return x
}

// Who was seated before anybody knew who it is, does not fill a full role beyond its
// cap: it stays what it was seated as. Where the role has a seat, it takes that.
func TestRoleHeardAfterTheSeat(t *testing.T) {
	for _, full := range []bool{true, false} {
		x, want := seatedUnheard(t), ""
		if !full {
			x.lost("A", "clientDisconnected", 64_000)
			want = "student"
		}
		x.came("S", `{"user":"sam","role":"student"}`, 1_000, 65_000)
		x.is("S", lesson.Seated)
		if c := x.l.Conns["S"]; c.Role != want || c.User != "sam" {
			t.Errorf("full: %t; it is %q, a %q, want a %q", full, c.User, c.Role, want)
		}
		if g := x.l.Gate().Roles["student"]; g.Live != 1 {
			t.Errorf("full: %t; %d students sit", full, g.Live)
		}
	}
}

// Who was seated before anybody knew who it is, goes when it turns out to be banned.
func TestBannedUserHeardAfterTheSeat(t *testing.T) {
	x := seatedUnheard(t)
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: "sam", At: noon + 64_000}}, 64_000)
	x.is("S", lesson.Seated)
	e := lesson.Event{
		Name: journal.ConnectionCreated, Session: "s", At: noon + 1_000, Received: noon + 65_000,
		Connection: "S", ConnectedAt: noon + 1_000, Data: "sam",
	}
	key := lesson.BanKey("sam")
	if ids := x.l.RecordsFor(e); !slices.Equal(ids, []string{key}) {
		t.Fatalf("the records that are wanted are %q", ids)
	}
	x.decide(lesson.Webhook{Event: e, Records: []lesson.Record{{ID: key, Ban: &lesson.Ban{User: "sam", At: noon + 64_000}}}}, 65_000)
	x.is("S", lesson.Evicted)
	if x.l.Conns["S"].Reason != journal.Removed {
		t.Errorf("it went as %s", x.l.Conns["S"].Reason)
	}
}

// Before a reading is decided, the bans are looked up of everybody about whom it
// decides: of all users whose promises strangers may have come by, and of people who
// were taken for gone.
func TestBansForAReading(t *testing.T) {
	x := begin(t, `{}`)
	for i, user := range []string{"ann", "bea", "cem"} {
		x.decide(lesson.Join{User: user, ID: "id" + user, Since: noon, Expires: noon + 60_000}, epoch.Instant(i))
	}
	x.came("D", "dan", 0, 10)
	x.lost("D", "networkDisconnected", 20)
	s := lesson.Reconcile{Reading: &lesson.Reading{Began: noon + 40_000, Whole: true, Present: []lesson.Presence{{ID: "D"}, {ID: "X", Since: noon + 100}, {ID: "Y", Since: noon + 100}}}}
	if ids := s.BansFor(&x.l); len(ids) > 0 {
		t.Errorf("a room without bans: %q", ids)
	}
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: "eve", At: noon + 30}}, 30)
	x.decide(s, 40_000)
	want := []string{lesson.BanKey("ann"), lesson.BanKey("bea"), lesson.BanKey("cem")}
	s.Reading.Began += 61_000
	if ids := s.BansFor(&x.l); !slices.Equal(ids, want) {
		t.Errorf("for the next reading: %q, want %q", ids, want)
	}
	x.lost("D", "networkDisconnected", 50_000)
	if ids := s.BansFor(&x.l); !slices.Contains(ids, lesson.BanKey("dan")) {
		t.Errorf("for somebody taken for gone: %q", ids)
	}
}

// A rule that comes while people outside are being looked at has all of them looked at
// again: they were picked by the rules before.
func TestRuleDuringAReviewOfAHall(t *testing.T) {
	x := begin(t, `{"quorum":1}`)
	x.came("A", "ann", 0, 0)
	x.l.PresentOutside = 2
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: "bob", At: noon + 100}}, 100)
	picked := x.l.Doors()
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: "cem", At: noon + 200}}, 200)
	x.decide(lesson.OutsideReviewed{Last: true, By: picked}, 300)
	if x.l.OutsideReviewAt == 0 || !x.l.KeepsOut("cem") {
		t.Errorf("the ban of %d is not held against those outside: %+v", x.l.OutsideReviewAt, x.l.BansToKeep)
	}
	x.decide(lesson.OutsideReviewed{Last: true, By: x.l.Doors()}, 400)
	if x.l.OutsideReviewAt != 0 {
		t.Error("everybody was looked at, and they are looked at again")
	}
}

// While readings of the streams do not say whether some have stopped, they are made less
// and less often, however many streams there are.
func TestStreamsThatNoReadingTellsOf(t *testing.T) {
	for _, streams := range []int{1, 2} {
		x := begin(t, `{"publish":{"screen":["teacher"]}}`)
		x.came("A", "ann", 0, 0)
		for _, id := range []string{"S1", "S2"}[:streams] {
			x.published("A", id, policy.Screen, 1_000, 1_000)
		}
		var gaps []epoch.Instant
		for at := x.l.Outstanding(noon + 1_000).NextAt; len(gaps) < 4; {
			x.decide(lesson.StreamsRead{Reading: &lesson.StreamReading{Began: at}}, at-noon)
			next := x.l.Outstanding(at).NextAt
			gaps, at = append(gaps, next-at), next
		}
		if !slices.Equal(gaps, []epoch.Instant{1_000, 2_000, 4_000, 8_000}) {
			t.Errorf("with %d streams the readings are %v ms apart", streams, gaps)
		}
	}
}

// A departure in doubt is believed by a reading that began late enough, and by no other.
func TestDepartureIsConfirmed(t *testing.T) {
	x := begin(t, `{}`)
	x.came("A", "ann", 0, 0)
	x.lost("A", "networkDisconnected", 1_000)
	x.read(30_900, 31_200, nil)
	if x.l.Conns["A"].DepartureCheckAt != noon+31_000 {
		t.Error("a reading of before ends the doubt")
	}
	x.read(31_900, 32_000, nil)
	if c := x.l.Conns["A"]; c.DepartureCheckAt != 0 || c.LeftAt != noon+1_000 {
		t.Errorf("it is %+v", c)
	}
}

// Who had no right to be in counts for no quorum, neither before being taken for gone nor
// after.
func TestRefusedAndBackIsNoQuorum(t *testing.T) {
	x := begin(t, `{"quorum":2,"allowedUsers":["ann"]}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 1_000, 1_000)
	x.lost("B", "networkDisconnected", 2_000)
	x.read(40_000, 40_100, map[string]epoch.Instant{"A": 0, "B": 1_000})
	if c := x.l.Conns["B"]; c.LeftAt != 0 || x.l.Status != journal.Open {
		t.Errorf("B left at %d, and the lesson is %s", c.LeftAt, x.l.Status)
	}
}

// Who is back has nothing of its former seat: what protected that is gone.
func TestWhoIsBackIsANewcomer(t *testing.T) {
	x := begin(t, `{"maxSeats":1}`)
	x.asks("ann", "p", 0)
	x.came("A", `{"usher":"p"}`, 1_000, 1_000)
	c := x.l.Conns["A"]
	c.Confirmed, c.PlaceAt, c.PlaceID = true, noon+500, "0"
	x.l.Conns["A"] = c
	x.lost("A", "networkDisconnected", 2_000)
	x.came("B", "ben", 3_000, 3_000)
	x.read(40_000, 40_100, map[string]epoch.Instant{"A": 1_000, "B": 3_000})
	x.is("B", lesson.Seated)
	if c = x.l.Conns["A"]; c.Reserved || c.Confirmed || c.ByPromise || c.PlaceAt != 0 || c.PlaceID != "" {
		t.Errorf("A is %+v", c)
	}
}

// Somebody never heard of who is shown again has a minute from then on.
func TestShownAgainUnheardHasAMinute(t *testing.T) {
	x := begin(t, `{}`)
	x.read(1_000, 1_100, map[string]epoch.Instant{"U": 500})
	x.read(10_000, 10_100, nil)
	x.read(62_000, 62_100, map[string]epoch.Instant{"U": 500})
	x.is("U", lesson.ListedOnly)
	x.read(123_000, 123_100, map[string]epoch.Instant{"U": 500})
	x.is("U", lesson.Seated)
}
