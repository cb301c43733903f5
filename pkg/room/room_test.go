package room

import (
	"reflect"
	"testing"

	"usher/pkg/policy"
)

// TestRoomEqual: no field may differ, whatever fields there are.
func TestRoomEqual(t *testing.T) {
	if a, b := (Room{Policy: policy.Stored(`{"demo":true}`)}), (Room{Policy: policy.Stored(`{"demo": true}`)}); !a.Equal(b) {
		t.Errorf("%v is not %v", a, b)
	}
	for i := range reflect.TypeFor[Room]().NumField() {
		var other Room
		switch field := reflect.ValueOf(&other).Elem().Field(i); field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Int64:
			field.SetInt(1)
		default:
			field.Set(reflect.ValueOf(policy.Stored(`{"demo":true}`)))
		}
		if same := other; other.Equal(Room{}) || (Room{}).Equal(other) || !other.Equal(same) {
			t.Errorf("%+v: equal to the empty room, or not to itself", other)
		}
	}
}

// TestVersion: of all the fields, only the policy and the room's making are
// what an owner said.
func TestVersion(t *testing.T) {
	said := Room{Name: "maths", Revision: 1, Created: 5, Policy: policy.Stored(`{"demo":true}`)}
	used := said
	used.Revision, used.Session, used.Closed = 9, "1_a", 7
	if used.Version() != said.Version() {
		t.Errorf("a join or an end changes %s into %s", said.Version(), used.Version())
	}
	other, again := said, said
	other.Policy = policy.Stored(`{"demo":false}`)
	again.Created++
	if other.Version() == said.Version() || again.Version() == said.Version() || again.Version() == other.Version() {
		t.Errorf("%s, another policy %s, made again %s", said.Version(), other.Version(), again.Version())
	}
}
