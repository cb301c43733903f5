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
		if other.Equal(Room{}) || (Room{}).Equal(other) || !other.Equal(other) {
			t.Errorf("%+v: equal to the empty room, or not to itself", other)
		}
	}
}
