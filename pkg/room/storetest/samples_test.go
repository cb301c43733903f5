package storetest

import (
	"reflect"
	"testing"

	"usher/pkg/room"
)

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
