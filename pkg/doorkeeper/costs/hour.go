package costs

import "testing"

// What DynamoDB charges for a lesson of an hour, in request units. TestCosts holds
// it over DynamoDB Local.
const (
	HourRead  = 14
	HourWrite = 88
)

const anHour = `{"maxSeats":2,"lessonSeconds":3600}`

// Hour is what a lesson of an hour takes: two people join, come, show a camera and
// are sent away.
type Hour struct {
	Cost
	Calls     int // through the gateway: webhooks and joins
	Schedules int // of the wakes, those that are schedules
}

// CountHour counts it, over a store that has nothing yet. The room is there.
func CountHour(t testing.TB, store *Counted) Hour {
	h := newHouse(t, store, anHour, true)
	cost, _ := h.cost(wholeLesson)
	return Hour{Cost: cost, Calls: h.calls, Schedules: h.schedules}
}
