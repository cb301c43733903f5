package doorkeeper_test

import (
	"slices"
	"testing"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// The same four people, whose webhooks come in every order: a twice, b and c, for
// two seats. In truth c was the third, and the newer a took over the older's seat.
func TestEveryOrderOfAReload(t *testing.T) {
	people := []struct{ id, user string }{{"a1", "ann"}, {"b", "bob"}, {"c", "cem"}, {"a2", "ann"}}
	for _, order := range permutations(len(people)) {
		d := adopted(t, `{"maxSeats":2,"quorum":2,"duplicateUser":"replace-older"}`)
		held := map[string][]lesson.Event{}
		d.Platform.Notify = func(e lesson.Event) {
			if e.Name == journal.ConnectionCreated {
				held[e.Connection] = append(held[e.Connection], e)
				return
			}
			d.Send(d.Now(), e)
		}
		for _, p := range people {
			d.Platform.Come(d.session, p.id, p.user)
			d.Pass(time.Second)
		}
		for _, i := range order {
			for _, e := range held[people[i].id] {
				d.Send(d.Now(), e)
			}
			d.Pass(300 * time.Millisecond)
		}
		d.Pass(5 * time.Second)
		if in := d.Platform.In(d.session); !slices.Equal(in, []string{"a2", "b"}) {
			t.Errorf("in the order %v %q stay, want a2 and b", order, in)
		}
	}
}

// permutations gives every order of n things.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}
