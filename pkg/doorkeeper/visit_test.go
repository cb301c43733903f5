package doorkeeper_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
	"usher/pkg/problem"
)

// Nobody is given credentials by visiting a room that is no demo.
func TestVisitOfARoomWithTickets(t *testing.T) {
	d := own(t, `{"maxSeats":2}`)
	c, visitor, err := d.Service.Visit(context.Background(), "lesson", "")
	if !errors.Is(err, doorkeeper.ErrTicketOnly) || c.Token != "" || visitor != "" {
		t.Errorf("the visit gave %+v to %q, %v", c, visitor, err)
	}
	if v := d.view(); v.Room.Session != "" || v.Lesson != nil {
		t.Errorf("the visit made the session %s", v.Room.Session)
	}
}

// A glance says what a visit would be told and leaves no trace: the same glance
// gives the same answer, and nobody is promised anything.
func TestGlance(t *testing.T) {
	d := own(t, `{"maxSeats":2,"demo":true}`)
	glance := func(want problem.Code, visitor string) {
		t.Helper()
		before := len(d.lines())
		for range 3 {
			err := d.Service.Glance(t.Context(), "lesson", visitor)
			var p *problem.Details
			if errors.As(err, &p); (want == "") != (err == nil) || p != nil && p.Code != want {
				t.Errorf("a glance says %v, want %q", err, want)
			}
		}
		if after := len(d.lines()); after != before {
			t.Errorf("a glance left %d lines in the log", after-before)
		}
	}
	visit := func() string {
		t.Helper()
		_, visitor, err := d.Service.Visit(t.Context(), "lesson", "")
		if err != nil {
			t.Fatal(err)
		}
		return visitor
	}
	glance("", "")
	first := visit()
	glance("", "")
	visit()
	glance(problem.RoomFull, "")
	glance(problem.RoomFull, "somebody")
	glance("", first)
	if _, err := d.Service.End(t.Context(), "lesson", "ops"); err != nil {
		t.Fatal(err)
	}
	glance(problem.LessonOver, "")
	glance(problem.LessonOver, first)
	d.Pass(10 * time.Second)
	glance("", "")
	if status := d.view().Status(); status != journal.Ended {
		t.Errorf("a glance opened the room: %s", status)
	}
}

func TestGlanceAtOtherRooms(t *testing.T) {
	d := own(t, `{"maxSeats":1}`)
	if err := d.Service.Glance(t.Context(), "lesson", ""); !errors.Is(err, doorkeeper.ErrTicketOnly) {
		t.Errorf("a room that wants tickets: %v", err)
	}
	var p *problem.Details
	if err := d.Service.Glance(t.Context(), "nowhere", ""); !errors.As(err, &p) || p.Code != problem.NoSuchRoom {
		t.Errorf("no room: %v", err)
	}
}
