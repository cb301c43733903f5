package simulation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// TestFullLesson says that a lesson that has taken in all it can, with the
// longest ids and users there are, is stored and ends: by its deadline, and by
// the API's word; and that in the end nobody is in and everybody has a line.
func TestFullLesson(t *testing.T, open func(t *testing.T) room.Store) {
	for name, end := range map[string]func(*fullLesson){
		"by the deadline": func(f *fullLesson) { f.Advance(f.began.Add(61 * time.Second)) },
		"by the API": func(f *fullLesson) {
			if _, err := f.Service.End(context.Background(), "lesson", "admin"); err != nil {
				f.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFullLesson(t, open(t))
			f.fill()
			end(f)
			f.hasEnded()
		})
	}
}

// fullLesson is a lesson whose list cannot be read, so that nobody leaves it.
type fullLesson struct {
	*World
	t     *testing.T
	began epoch.Instant
	ids   []string
}

const fullSession = "1_MX40NjkyMDM0MX5-full"

func newFullLesson(t *testing.T, store room.Store) *fullLesson {
	f := &fullLesson{World: NewWorld(store), t: t}
	f.SweepEvery = 0
	f.began = f.Now()
	if err := f.Put("lesson", `{"maxSeats":64,"lessonSeconds":60}`, fullSession); err != nil {
		t.Fatal(err)
	}
	f.Platform.ListFails = func() error { return ErrAway }
	return f
}

// fill lets people come until some have to come again later, each with more
// streams than there is place for.
func (f *fullLesson) fill() {
	for i := range 80 {
		f.come(i)
		for n := range 8 {
			f.publish(f.ids[i], fmt.Sprintf("stream-%d-%d", i, n))
		}
	}
	for i := range 320 {
		f.come(80 + i)
	}
	l, err := f.Lesson(fullSession)
	if err != nil {
		f.t.Fatal(err)
	}
	const one = 2000 // what one more of them takes
	if l.Size() > lesson.MaxSize || l.Size()+one < lesson.FullSize {
		f.t.Errorf("the lesson takes %d bytes, with %d connections", l.Size(), len(l.Conns))
	}
}

// longest is the longest id that names something.
func longest(name string) string { return name + "-" + strings.Repeat("x", 254-len(name)) }

func (f *fullLesson) come(i int) {
	id := longest(fmt.Sprintf("connection-%03d", i))
	f.ids = append(f.ids, id)
	f.Platform.Come(fullSession, id, longest(fmt.Sprintf("user-%03d", i))[:128])
	f.Pass(time.Millisecond)
}

func (f *fullLesson) publish(id, stream string) {
	f.Send(f.Now(), f.Platform.Person(id).Camera(longest(stream), f.Now()))
	f.Pass(0)
}

// hasEnded says that the lesson has ended, and that everybody goes once the
// list can be read again.
func (f *fullLesson) hasEnded() {
	f.t.Helper()
	l, err := f.Lesson(fullSession)
	if err != nil || l.Status != journal.Ended {
		f.t.Fatalf("the lesson is %s, %v", l.Status, err)
	}
	f.Platform.ListFails = nil
	f.Pass(30 * time.Minute)
	if in := f.Platform.In(fullSession); len(in) > 0 {
		f.t.Errorf("%d people are still in", len(in))
	}
	told := map[string]int{}
	_, lines, err := f.Log(fullSession)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, line := range lines {
		if line.Action == journal.DidDisconnect || line.Action == journal.DidRefuse {
			told[line.Connection]++
		}
	}
	for _, id := range f.ids {
		if told[id] != 1 {
			f.t.Errorf("%d lines say that %.20s was told to go", told[id], id)
		}
	}
}
