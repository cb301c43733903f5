package storetest

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// TestSamplesFit says that of the random arrivals enough fit their lessons, in each
// of the ways, for TestAddMeans to mean anything.
func TestSamplesFit(t *testing.T) {
	type pair struct {
		l lesson.Lesson
		a lesson.Arrival
	}
	drawn := rapid.Custom(func(t *rapid.T) pair {
		l := Lesson(t)
		return pair{l, ArrivalFor(t, l, 1)}
	})
	const n = 2000
	fit := map[string]int{}
	for seed := range n {
		p := drawn.Example(seed)
		switch {
		case !p.a.Fits(p.l):
		case p.a.Waits():
			fit["waits"]++
		case p.a.RoleCapped:
			fit["seated in a role with a cap"]++
		default:
			fit["seated"]++
		}
	}
	for _, how := range []string{"waits", "seated", "seated in a role with a cap"} {
		if fit[how] < n/100 {
			t.Errorf("%s: %d of %d fit", how, fit[how], n)
		}
	}
}

// TestFull says that the sample with everything set has everything set, so that
// a store that forgets a field cannot pass.
func TestFull(t *testing.T) {
	l := full()
	for _, v := range []any{
		l, l.Conns["c1"], l.Conns["c1"].Streams["st-1"], l.Promises["p1"], l.Rules[0], l.Tail[0],
		l.BansToKeep["ed 😀"],
		room.Room{Name: "r", Revision: 1, Created: 1, Policy: l.Policy, Session: "s", Closed: 1, Bans: 1},
	} {
		r := reflect.ValueOf(v)
		for i := range r.NumField() {
			f := r.Type().Field(i)
			if !f.IsExported() || f.Name == "Seq" {
				continue
			}
			if r.Field(i).IsZero() {
				t.Errorf("%s.%s is not set", r.Type(), f.Name)
			}
		}
	}
}
