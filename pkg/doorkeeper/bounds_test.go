package doorkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// Where what is over cannot leave the lesson, it fills up until webhooks and
// policies are turned away, and it can end all the same. As soon as the store
// takes records again, so does the lesson.
func TestCrowdedLesson(t *testing.T) {
	stuck := false
	away := func(_ context.Context, c storetest.Call, do func() error) error {
		if stuck && c.Method == "Shed" {
			return fmt.Errorf("%w: the test says so", room.ErrUnavailable)
		}
		return do()
	}
	d := &door{World: simulation.NewWorld(storetest.Hooked{Under: openBolt(t), Hook: away}), t: t, session: "1_adopted"}
	d.put(`{}`, "1_adopted")
	d.come("A", "ann")
	d.SweepEvery = 0
	stuck = true
	odd := lesson.Event{Name: strings.Repeat("n", 255), Reason: strings.Repeat("r", 255), Session: d.session}
	hear := func(i int) error {
		odd.Digest, odd.At = fmt.Sprint("digest ", i), d.Now()
		return d.Hear(odd)
	}
	for i := 0; ; i++ {
		err := hear(i)
		if errors.Is(err, lesson.ErrCrowded) && errors.Is(err, room.ErrUnavailable) {
			break
		}
		if err != nil || i > 1000 {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	var err error
	for i := 0; err == nil && i < 10; i++ { // a short line may still have its place
		err = d.Put("lesson", fmt.Sprintf(`{"lessonSeconds":%d}`, 60+i), "")
	}
	if !errors.Is(err, room.ErrUnavailable) {
		t.Errorf("policies for the crowded lesson: %v", err)
	}
	stuck = false
	if err := hear(-1); err != nil {
		t.Errorf("an event as soon as records can be written: %v", err)
	}
	if l, err := d.Lesson(d.session); err != nil || l.Size() > lesson.FullSize {
		t.Errorf("the lesson takes %d bytes, %v", l.Size(), err)
	}
	if err := d.Put("lesson", `{"lessonSeconds":60}`, ""); err != nil {
		t.Errorf("a policy: %v", err)
	}
}

// A policy alone gets a crowded lesson to shed what is over.
func TestPolicyOfACrowdedLesson(t *testing.T) {
	d := adopted(t, `{}`)
	d.come("A", "ann")
	l, err := d.Lesson(d.session)
	if err != nil {
		t.Fatal(err)
	}
	for l.Size() < lesson.MaxSize {
		l.Tail = append(l.Tail, journal.Line{Event: "odd", Action: journal.DidNothing, Note: journal.Note(strings.Repeat("x", 250))})
	}
	if _, err := d.Store.Swap(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	d.put(`{"lessonSeconds":60}`, "")
	if l, err = d.Lesson(d.session); err != nil || l.Size() > lesson.FullSize || l.Policy.LessonSeconds() != 60 {
		t.Errorf("the lesson takes %d bytes, with the policy %s, %v", l.Size(), l.Policy, err)
	}
}

// Where a lesson is crowded and nothing can leave it, it ends.
func TestEndOfACrowdedLesson(t *testing.T) {
	d := adopted(t, `{}`)
	d.come("A", "ann")
	l, err := d.Lesson(d.session)
	if err != nil {
		t.Fatal(err)
	}
	l.Tail[0].Note = journal.Note(strings.Repeat("x", lesson.MaxSize-l.Size()))
	if _, err := d.Store.Swap(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	d.Restart()
	if _, err := d.Service.End(context.Background(), "lesson", "admin"); err != nil {
		t.Fatal(err)
	}
	d.in()
}
