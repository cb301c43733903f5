package lesson_test

import (
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// Somebody who was seated as nobody in particular, and turns out to be of a role whose
// seats are taken, keeps the seat and takes none of the role's.
func TestRoleThatIsKnownLater(t *testing.T) {
	x := begin(t, `{"maxByRole":{"student":1}}`)
	x.read(1_000, 1_100, map[string]epoch.Instant{"A": 500})
	x.read(62_000, 62_100, map[string]epoch.Instant{"A": 500})
	x.came("B", `{"user":"bea","role":"student"}`, 63_000, 63_100)
	x.came("A", `{"user":"ann","role":"student"}`, 500, 90_000)
	x.is("A", lesson.Seated)
	x.is("B", lesson.Seated)
	if gate := x.l.Gate().Roles["student"]; gate.Live != 1 || x.l.Conns["A"].User != "ann" {
		t.Errorf("%d students have seats, and A is %q", gate.Live, x.l.Conns["A"].User)
	}
}

// Two connections by one promise are not both seated by the seat that it holds.
func TestOneSeatOfAPromise(t *testing.T) {
	x := begin(t, `{"maxSeats":2,"duplicateUser":"refuse-newer"}`)
	x.asks("ann", "p", 0)
	x.asks("ann", "p", 6_000)
	x.came("A", "ann", 7_000, 7_000)
	x.came("C", `{"usher":"p"}`, 7_200, 7_200)
	x.came("B", `{"usher":"p"}`, 7_100, 7_300)
	x.policy(`{"maxSeats":2,"duplicateUser":"allow"}`, 2, 8_000)
	if n := x.l.Seats() + x.l.Promised(); n > 2 {
		t.Errorf("%d seats of 2", n)
	}
}

// An older connection of another role takes no seat of its role from the newer one of its
// user.
func TestOlderOneOfAFullRole(t *testing.T) {
	x := begin(t, `{"duplicateUser":"refuse-newer","maxByRole":{"student":1}}`)
	x.came("S", `{"user":"sue","role":"student"}`, 100, 100)
	x.came("N", `{"user":"ann"}`, 2_000, 2_000)
	x.came("O", `{"user":"ann","role":"student"}`, 1_000, 9_000)
	x.read(10_000, 10_100, map[string]epoch.Instant{"S": 100, "N": 2_000, "O": 1_000})
	if gate := x.l.Gate().Roles["student"]; gate.Live != 1 {
		t.Errorf("%d seats of 1: O is %s, N is %s", gate.Live, x.l.Conns["O"].State, x.l.Conns["N"].State)
	}
}

// Who took over a place from its own connection of another role had no seat of this role
// before: somebody who came meanwhile is not told that the role is full.
func TestHeirOfAnotherRole(t *testing.T) {
	x := begin(t, `{"duplicateUser":"replace-older","maxByRole":{"student":1}}`)
	x.came("A", `{"user":"ann","role":"guest"}`, 1_000, 1_000)
	x.came("B", `{"user":"ann","role":"student"}`, 8_000, 8_000)
	x.came("S", `{"user":"sue","role":"student"}`, 5_000, 9_000)
	x.read(15_000, 15_100, map[string]epoch.Instant{"A": 1_000, "B": 8_000, "S": 5_000})
	if c := x.l.Conns["S"]; c.State == lesson.Refused {
		t.Errorf("S is %s, %s", c.State, c.Reason)
	}
}
