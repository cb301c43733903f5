package exploration

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// key names a state: equal states have equal ones, whatever their logs say.
type key [16]byte

// unread are the fields of a lesson that no rule looks at, or that the state says in
// other words, or that are the same in all states: these worlds tell nobody. All others
// are in the key, also those that are still to be invented.
var unread = []string{"Session", "Room", "Own", "Revision", "Added", "Policy", "PolicyVersion", "Tail", "Base", "Conns", "Promises", "Tell"}

// keyer computes keys. Times count from now, so that it does not matter when
// something was so.
type keyer struct {
	text    []byte
	now     epoch.Instant
	lesson  lesson.Lesson
	conn    lesson.Conn
	promise lesson.Promise
	fields  []reflect.Value // of the lesson
}

func newKeyer() *keyer {
	k := &keyer{}
	v := reflect.ValueOf(&k.lesson).Elem()
	for i := range v.NumField() {
		if !slices.Contains(unread, v.Type().Field(i).Name) {
			k.fields = append(k.fields, v.Field(i))
		}
	}
	return k
}

func (k *keyer) key(s *state) key {
	k.text, k.now, k.lesson = k.text[:0], s.now, s.lesson
	k.flags(s.claimed, s.asked, s.changed, s.banned, s.calm)
	k.text = append(k.text, byte(s.readings), byte(s.waits), byte(s.leaves))
	for i, p := range s.people[:len(s.world.People)] {
		k.person(p, s.calm || s.isOver(i))
	}
	k.at(s.look.began)
	k.flags(s.look.shown[:]...)
	for _, f := range k.fields {
		k.value(f)
	}
	for i, p := range s.world.People {
		k.conn = s.lesson.Conns[p.ID]
		if s.isOver(i) {
			k.conn = withoutPast(k.conn)
		}
		k.value(reflect.ValueOf(&k.conn).Elem())
	}
	k.promise = s.lesson.Promises[thePromise]
	k.value(reflect.ValueOf(&k.promise).Elem())
	sum := sha256.Sum256(k.text)
	return key(sum[:16])
}

// isOver reports whether the person has come and left, in truth and to the room.
func (s *state) isOver(i int) bool {
	p := s.people[i]
	return p.arrival == heard && p.departure == heard && s.conn(i).DepartureCheckAt == 0
}

// withoutPast gives a connection that is over without the moments at which Usher
// heard and did something: what still matters is when it was in.
func withoutPast(c lesson.Conn) lesson.Conn {
	c.HeardAt, c.WaitsSince, c.ListedAt, c.DepartureHeardAt, c.DisconnectRequestedAt = 0, 0, 0, 0, 0
	return c
}

// person adds the truth about a person. In a calm, and where it is over, webhooks do
// not matter any more.
func (k *keyer) person(p person, over bool) {
	k.at(p.came)
	k.at(p.left)
	k.at(p.waits)
	if !over {
		k.at(p.heard)
		k.text = append(k.text, byte(p.arrival), byte(p.departure))
	}
	k.flags(p.forced)
}

func (k *keyer) flags(flags ...bool) {
	for _, f := range flags {
		b := byte(0)
		if f {
			b = 1
		}
		k.text = append(k.text, b)
	}
}

func (k *keyer) number(n int64) { k.text = binary.AppendVarint(k.text, n) }

// at adds a moment: 0 is none.
func (k *keyer) at(at epoch.Instant) {
	if at == 0 {
		k.text = append(k.text, 0)
		return
	}
	k.text = append(k.text, 1)
	k.number(int64(k.now - at))
}

var instant = reflect.TypeFor[epoch.Instant]()

func (k *keyer) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Int64:
		if v.Type() == instant {
			k.at(epoch.Instant(v.Int()))
			return
		}
		k.number(v.Int())
	case reflect.Int:
		k.number(v.Int())
	case reflect.Bool:
		k.flags(v.Bool())
	case reflect.String:
		k.number(int64(v.Len()))
		k.text = append(k.text, v.String()...)
	case reflect.Struct:
		for i := range v.NumField() {
			k.value(v.Field(i))
		}
	case reflect.Slice:
		k.number(int64(v.Len()))
		for i := range v.Len() {
			k.value(v.Index(i))
		}
	case reflect.Map:
		k.entries(v)
	default:
		panic(fmt.Sprintf("a key has no place for %v", v.Type()))
	}
}

// entries adds a map by texts.
func (k *keyer) entries(v reflect.Value) {
	k.number(int64(v.Len()))
	if v.Len() == 0 {
		return
	}
	names := v.MapKeys()
	slices.SortFunc(names, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, name := range names {
		k.value(name)
		k.value(v.MapIndex(name))
	}
}
