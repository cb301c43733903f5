package exploration

import (
	"reflect"
	"testing"

	"usher/pkg/lesson"
)

// What is left out of a key is named as the lesson names it: a field by another name
// would be in the key, and no two states would be equal.
func TestUnreadFields(t *testing.T) {
	for _, name := range unread {
		if _, ok := reflect.TypeFor[lesson.Lesson]().FieldByName(name); !ok {
			t.Errorf("a lesson has no field %s", name)
		}
	}
}

// Histories that differ only in the order of what is heard meet again.
func TestEqualStatesMeet(t *testing.T) {
	w := Worlds()[0]
	told := func(moves ...move) key {
		s, err := begin(&w)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range moves {
			if err := s.apply(m); err != nil {
				t.Fatal(err)
			}
		}
		return newKeyer().key(&s)
	}
	a, b := move{what: comes}, move{what: comes, who: 1}
	heardA, heardB := move{what: arrivalHeard}, move{what: arrivalHeard, who: 1}
	if told(a, heardA, b, heardB) != told(a, b, heardA, heardB) {
		t.Error("who hears of one before the other comes is in another state")
	}
	if told(a, b, heardA) == told(a, b, heardB) {
		t.Error("it does not matter who was heard of")
	}
}
