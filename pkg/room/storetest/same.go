package storetest

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// alike compares exported fields, policies by their text, and nil like empty;
// wholeMaps asks for the maps that must be there.
var alike = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(lesson.Lesson{}, lesson.Conn{}, journal.Line{})}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Diff tells what is different between two values that a store gave or was
// given; "" where nothing is.
func Diff(want, got any) string { return cmp.Diff(want, got, alike) }

func same[T any](t failer, what string, want, got T) {
	t.Helper()
	if d := Diff(want, got); d != "" {
		t.Fatalf("%s is different (-want +got):\n%s", what, d)
	}
	if l, ok := any(got).(lesson.Lesson); ok {
		wholeMaps(t, l)
	}
}

// wholeMaps says that nobody has to make a lesson's maps before writing to them.
func wholeMaps(t failer, l lesson.Lesson) {
	t.Helper()
	if l.Conns == nil || l.Promises == nil || l.Seen == nil {
		t.Fatalf("a map of the lesson is nil: conns %t, promises %t, seen %t",
			l.Conns == nil, l.Promises == nil, l.Seen == nil)
	}
}
