package doorkeeper_test

import (
	"context"
	"errors"
	"testing"

	"usher/pkg/doorkeeper"
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
