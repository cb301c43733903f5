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
	glance("", "")
	first := visit(t, d)
	glance("", "")
	visit(t, d)
	glance(problem.RoomFull, "")
	glance(problem.RoomFull, "somebody")
	glance("", first)
	end(t, d)
	glance(problem.LessonOver, "")
	glance(problem.LessonOver, first)
	d.Pass(10 * time.Second)
	glance("", "")
	if status := d.view().Status(); status != journal.Ended {
		t.Errorf("a glance opened the room: %s", status)
	}
}

// What a policy says of everybody a glance says as a visit does: before the first
// lesson, during one, and after it.
func TestGlanceAtAClosedDoor(t *testing.T) {
	for rule, want := range map[string]problem.Code{
		`"opensAt":"2040-01-01T00:00:00Z"`:  problem.TooEarly,
		`"closesAt":"2020-01-01T00:00:00Z"`: problem.LessonOver,
		`"allowedUsers":["alice"]`:          problem.NotAllowed,
	} {
		for when, until := range map[string]func(*door){
			"before a lesson": func(*door) {},
			"during a lesson": func(d *door) { visit(t, d) },
			"after a lesson": func(d *door) {
				visit(t, d)
				end(t, d)
				d.Pass(10 * time.Second)
			},
		} {
			d := own(t, `{"demo":true}`)
			until(d)
			d.put("{"+rule+`,"demo":true}`, "")
			glanced := d.Service.Glance(t.Context(), "lesson", "")
			_, _, visited := d.Service.Visit(t.Context(), "lesson", "")
			for _, err := range []error{glanced, visited} {
				var p *problem.Details
				if !errors.As(err, &p) || p.Code != want {
					t.Errorf("%s, %s: a glance says %v, a visit %v, want %s", rule, when, glanced, visited, want)
				}
			}
		}
	}
}

// visit gives the name of somebody who is let in.
func visit(t *testing.T, d *door) string {
	t.Helper()
	_, visitor, err := d.Service.Visit(t.Context(), "lesson", "")
	if err != nil {
		t.Fatal(err)
	}
	return visitor
}

func end(t *testing.T, d *door) {
	t.Helper()
	if _, err := d.Service.End(t.Context(), "lesson", "ops"); err != nil {
		t.Fatal(err)
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
