package costs

import (
	"context"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

const (
	roles    = `{"maxSeats":5,"maxByRole":{"student":3}}`
	cameras  = `{"maxSeats":3,"publish":{"screen":["teacher"]}}`
	listed   = `{"maxSeats":3,"allowedUsers":["A","B","C"]}`
	outlawed = `{"maxSeats":3,"rejoinSeconds":600}`
	watched  = `{"maxSeats":1,"observers":["recorder"]}`
)

// doors are events in rooms with lists, roles, observers, bans and rules for streams.
var doors = []happening{
	{
		name: "arrival with a role that has a cap", policy: roles, before: brought("A", "B"),
		do: heard("C", `{"user":"C","role":"student"}`), want: Cost{Requests: 1},
	},
	{
		name: "arrival by a list", policy: listed, before: brought("A", "B"), do: heard("C", "C"), want: Cost{Requests: 1},
	},
	{
		name: "refusal by a list", policy: listed, before: brought("A", "B"), do: heard("X", "X"),
		want: Cost{Requests: 1, Disconnects: 1},
	},
	{
		name: "arrival in a room with bans", policy: `{"maxSeats":5}`, before: func(h *house) { h.ban("zoe"); h.bring("A", "B") },
		do: heard("C", "C"), want: Cost{Requests: 2},
	},
	{
		name: "arrival in a room whose bans were lifted before the lesson", policy: limited,
		before: func(h *house) { h.ban("zoe"); h.lift("zoe"); h.end(); h.reopen(); h.bring("A", "B") },
		do:     heard("C", "C"), want: Cost{Requests: 1},
	},
	{
		name: "departure in a room with bans", policy: `{"maxSeats":5}`, before: func(h *house) { h.ban("zoe"); h.bring("A", "B") },
		do: func(h *house) { h.Platform.Go("A"); h.hear(h.webhook) }, want: Cost{Requests: 1},
	},
	{
		name: "arrival of somebody banned", policy: `{"maxSeats":5}`, before: func(h *house) { h.ban("zoe"); h.bring("A", "B") },
		do: heard("Z", "zoe"), want: Cost{Requests: 2, Disconnects: 1},
	},
	{
		name: "join with a role", policy: roles, own: true, before: func(h *house) { h.join("alice") },
		do: func(h *house) { h.joinAs("bob", "student") }, want: Cost{Requests: 1},
	},
	{
		name: "join in a room with bans", policy: `{"maxSeats":4}`, own: true, before: func(h *house) { h.join("alice"); h.ban("zoe") },
		do: func(h *house) { h.join("bob") }, want: Cost{Requests: 2},
	},
	{
		name: "join of somebody not on the list", policy: `{"allowedUsers":["alice"]}`, own: true, before: func(h *house) { h.join("alice") },
		do: func(h *house) { h.turnedAway("eve") }, want: Cost{Requests: 1},
	},
	{
		name: "join of somebody not on the list, again within 10 s", policy: `{"allowedUsers":["alice"]}`, own: true,
		before: func(h *house) { h.join("alice"); h.turnedAway("eve") },
		do:     func(h *house) { h.turnedAway("eve") }, want: Cost{},
	},
	{
		name: "join of an observer of a full room", policy: watched, own: true,
		before: func(h *house) { h.join("alice") }, do: func(h *house) { h.joinAs("rex", "recorder") }, want: Cost{Requests: 1},
	},
	{
		name: "arrival of an observer promised since the process last looked", policy: watched, own: true,
		before: func(h *house) {
			h.come("A", h.join("alice"))
			h.hear(h.webhook)
			h.come("R", h.joinAs("rex", "recorder"))
		},
		do: func(h *house) { h.hear(h.webhook) }, want: Cost{Requests: 2},
	},
	{
		name: "a forbidden stream is asked away", policy: cameras, before: brought("A", "B"),
		do: func(h *house) { h.screen("A") }, want: Cost{Requests: 1, Wakes: 1},
	},
	{
		name: "a forbidden stream that stopped in time", policy: cameras, before: func(h *house) { confirmed("A", "B")(h); h.screen("A") },
		do: func(h *house) { h.Platform.Stop("A", "screen-A", false); h.hear(h.webhook); h.Pass(10 * time.Second) }, want: Cost{Requests: 3},
	},
	{
		name: "a forbidden stream that is there after the grace", policy: cameras, before: func(h *house) { confirmed("A", "B")(h); h.screen("A") },
		do: func(h *house) { h.Pass(5 * time.Second) }, want: Cost{Requests: 2, Disconnects: 1, Wakes: 1},
	},
	{
		name: "a ban of somebody who is in", policy: limited, before: confirmed("A", "B"),
		do: func(h *house) { h.ban("A") }, want: Cost{Requests: 3, Disconnects: 1, Wakes: 1},
	},
	{
		name: "a ban of somebody who is not in", policy: limited, before: confirmed("A", "B"),
		do: func(h *house) { h.ban("zoe") }, want: Cost{Requests: 3},
	},
	{
		name: "a ban in a room with bans", policy: limited, before: func(h *house) { confirmed("A", "B")(h); h.ban("ann") },
		do: func(h *house) { h.ban("zoe") }, want: Cost{Requests: 4},
	},
	{
		name: "a removal", policy: limited, before: confirmed("A", "B"),
		do: func(h *house) { h.remove("A") }, want: Cost{Requests: 3, Disconnects: 1, Wakes: 1},
	},
	{
		name: "a removal that keeps its user out, until it has gone", policy: outlawed, before: confirmed("A", "B"),
		do: func(h *house) { h.remove("A"); h.hear(h.webhook); h.Pass(10 * time.Second) }, want: Cost{Requests: 10, Disconnects: 1, Wakes: 1},
	},
	{
		name: "a shorter list, with one person to go", policy: listed, before: confirmed("A", "B"),
		do: func(h *house) { h.put(`{"maxSeats":3,"allowedUsers":["A"]}`) }, want: Cost{Requests: 3, Disconnects: 1, Wakes: 1},
	},
}

func (h *house) joinAs(user, role string) string {
	h.t.Helper()
	h.calls++
	c, err := h.rooms.Join(context.Background(), "lesson", doorkeeper.Applicant{User: user, Role: role})
	h.must(err)
	return c.Token
}

func (h *house) turnedAway(user string) {
	h.t.Helper()
	if _, err := h.rooms.Join(context.Background(), "lesson", doorkeeper.Applicant{User: user}); err == nil {
		h.t.Fatalf("%s was let in", user)
	}
}

// screen has the connection share its screen.
func (h *house) screen(id string) {
	h.t.Helper()
	h.Platform.Publish(id, "screen-"+id, policy.Screen)
	h.hear(h.webhook)
}

func (h *house) ban(user string) {
	h.t.Helper()
	_, err := h.rooms.Ban(context.Background(), "lesson", lesson.Ban{User: user, Actor: "admin"})
	h.must(err)
}

func (h *house) lift(user string) {
	h.t.Helper()
	h.must(h.rooms.LiftBan(context.Background(), "lesson", user, "admin"))
}

func (h *house) remove(id string) {
	h.t.Helper()
	h.must(h.rooms.Remove(context.Background(), "lesson", id, "admin"))
}

func (h *house) end() {
	h.t.Helper()
	_, err := h.rooms.End(context.Background(), "lesson", "admin")
	h.must(err)
}

// reopen gives the room a fresh session, into which strangers may come.
func (h *house) reopen() {
	h.t.Helper()
	h.put(`{"maxSeats":3,"lessonSeconds":3600,"foreignTokens":"accept"}`)
	v, err := h.rooms.Reopen(context.Background(), "lesson", "admin")
	h.must(err)
	h.session = v.Room.Session
}

func (h *house) put(text string) {
	h.t.Helper()
	h.must(h.Put("lesson", text, ""))
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}
