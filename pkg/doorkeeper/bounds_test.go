package doorkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
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

// The longest lists can be put one after the other.
func TestLongLists(t *testing.T) { simulation.TestLongLists(t, openBolt(t)) }

// A client that shares a thousand screens at once, none of which may be, is asked away,
// goes once, and leaves a lesson that is small.
func TestManyForbiddenStreams(t *testing.T) {
	d := adopted(t, `{"quorum":1,"publish":{"screen":["teacher"]},"rejoinSeconds":600}`)
	d.come("A", "ann")
	d.come("B", "bob")
	d.Platform.Notify = d.Hold
	for i := range 1000 {
		d.Platform.Publish("A", fmt.Sprintf("%04d-%s", i, strings.Repeat("s", 240)), policy.Screen)
	}
	d.Platform.Notify = nil
	for i, e := range d.Held {
		d.Send(d.Now().Add(time.Duration(i)*time.Millisecond), e)
	}
	d.Pass(time.Minute)
	d.in("B")
	d.says(1, "A", journal.DidDisconnect, "screen-not-allowed")
	d.says(2, "A", journal.DidAskAway, "screen-not-allowed")
	d.exact(1, 1)
	if n := d.asked("A"); n != 1 {
		t.Errorf("it was asked to go %d times", n)
	}
}

// Who shares a screen again and again, each for so long that it is asked away and none
// so often that it goes at once, and whose stops nobody hears of, stays, and the lesson
// remembers a few of the streams.
func TestForbiddenStreamsThatStopUnheard(t *testing.T) {
	d := adopted(t, `{"quorum":1,"publish":{"screen":["teacher"]}}`)
	d.come("A", "ann")
	for i := range 200 {
		stream := fmt.Sprintf("s%03d", i)
		d.Platform.Publish("A", stream, policy.Screen)
		d.Pass(time.Second)
		d.Platform.Stop("A", stream, true)
		d.Pass(31 * time.Second)
	}
	d.in("A")
	d.exact(1, 1)
	if n := len(d.stored().Conns["A"].Streams); n > 16 {
		t.Errorf("%d streams are remembered", n)
	}
}

// Data of thousands of characters names nobody: who comes with it is unknown, and on no
// list.
func TestLongDataOfAForeignToken(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, data := range map[string]string{
		"text": long, "user": `{"user":"` + long + `"}`, "role": `{"user":"ann","role":"` + long + `"}`,
		"other fields": `{"user":"ann","picture":"` + long + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			d := adopted(t, `{"quorum":1}`)
			d.come("A", data)
			want := ""
			if strings.HasPrefix(data, `{"user":"ann"`) {
				want = "ann"
			}
			l := d.stored()
			if c := l.Conns["A"]; c.State != lesson.Seated || c.User != want || c.Role != "" || l.Size() > 4096 {
				t.Errorf("it is %q, a %q, %s, in a lesson of %d bytes", c.User, c.Role, c.State, l.Size())
			}
			d.put(`{"quorum":1,"allowedUsers":["ann"]}`, "")
			if d.Pass(time.Second); want == "" {
				d.in()
				d.says(1, "A", journal.DidDisconnect, journal.NotAllowed)
			} else {
				d.in("A")
			}
		})
	}
}

// A session that hundreds of people were in when it was adopted takes in newcomers at
// once, and judges all of those whom nobody heard of when their minute is over.
func TestManyInAnAdoptedSession(t *testing.T) {
	for name, policy := range map[string]string{"accepted": `{}`, "refused": `{"foreignTokens":"refuse"}`} {
		t.Run(name, func(t *testing.T) {
			d := &door{World: simulation.NewWorld(openBolt(t)), t: t, session: "1_adopted"}
			for i := range 900 {
				d.Platform.Enter(d.session, fmt.Sprintf("early-%03d", i), fmt.Sprint("u", i), d.Now().Add(-time.Hour))
			}
			d.put(policy, d.session)
			d.Pass(10 * time.Second)
			d.come("late", "late")
			d.Pass(90 * time.Second)
			in := len(d.Platform.In(d.session))
			page, err := d.Service.Connections(context.Background(), "lesson", "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			unheard := 0
			for _, c := range page.Connections {
				if c.State == lesson.ListedOnly {
					unheard++
				}
			}
			if want := map[string]int{"accepted": 901, "refused": 0}[name]; in != want || len(page.Connections) != want || unheard > 0 {
				t.Errorf("%d are in, %d are known, %d of them unheard; want %d", in, len(page.Connections), unheard, want)
			}
		})
	}
}
