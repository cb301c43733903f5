package dynamo

import (
	"maps"

	"usher/pkg/lesson"
)

// gate is the numbers that the condition of an Add compares, compiled with every
// write that looks at the whole lesson. An Add and a Shed move it by the seats that
// they add and take away. Then live may stand higher than the rules would count, where
// a user takes the seat that its promise held; never lower.
type gate struct {
	lesson.Gate
	size  int            // Lesson.Size
	users map[string]int // how often each user is in or holds a promise
}

func compile(l lesson.Lesson) gate {
	g := gate{Gate: l.Gate(), size: l.Size(), users: map[string]int{}}
	for id, c := range l.Conns {
		g.mention(lesson.Lesson{Conns: map[string]lesson.Conn{id: c}})
	}
	for id, p := range l.Promises {
		g.mention(lesson.Lesson{Promises: map[string]lesson.Promise{id: p}})
	}
	return g
}

// mention counts the user of a lesson that holds one connection or promise.
func (g gate) mention(only lesson.Lesson) {
	for user := range only.Users() {
		if user != "" {
			g.users[user]++
		}
	}
}

func gateFields(c *coder, g *gate) {
	count(c, "live", &g.Live)
	count(c, "limit", &g.Limit)
	count(c, "after", &g.CreatedAfter)
	count(c, "bytes", &g.size)
	counts(c, "users", &g.users)
	rare(c, "roles", &g.Roles, byRole(roleGates))
}

func roleGates(c *coder, name string, m *map[string]lesson.RoleGate) {
	table(c, name, m, func(c *coder, _ string, g *lesson.RoleGate) {
		count(c, "live", &g.Live)
		count(c, "limit", &g.Limit)
	})
}

// role names the gate of a role that has a cap of its own.
func (u *update) role(role string) string { return u.entry("roles", roleMark+role) }

// seatsOf is the seats that the connection takes by itself.
func seatsOf(c lesson.Conn) int {
	only := lesson.Lesson{Conns: map[string]lesson.Conn{c.ID: c}}
	return only.Gate().Live
}

// movesGate reports whether the shed changes the limit, or the gate of a role, which
// adds move meanwhile. What the rules shed does neither, where people of a role with a
// cap stay in the item while they are in.
func movesGate(l lesson.Lesson, shed lesson.Shed) bool {
	next := shed.Apply(l)
	before, after := l.Gate(), next.Gate()
	return before.Limit != after.Limit || !maps.Equal(before.Roles, after.Roles)
}
