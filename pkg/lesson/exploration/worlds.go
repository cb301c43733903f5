package exploration

import "time"

// strangers are three people who have nothing to do with one another.
var strangers = []Person{{ID: "A", User: "ann"}, {ID: "B", User: "bea"}, {ID: "C", User: "cem"}}

// reload are three connections, of which the last is of the first one's user.
var reload = []Person{{ID: "A", User: "ann"}, {ID: "B", User: "bea"}, {ID: "C", User: "ann"}}

// tabs are a person, and another one in two tabs.
var tabs = []Person{{ID: "A", User: "ann"}, {ID: "B", User: "bea"}, {ID: "C", User: "bea"}}

// guest are two people and one who comes by the promise.
var guest = []Person{{ID: "A", User: "ann"}, {ID: "B", User: "bea"}, {ID: "C", Promised: true}}

// school are two students and a teacher.
var school = []Person{{ID: "A", User: "ann", Role: "student"}, {ID: "B", User: "bea", Role: "student"}, {ID: "C", User: "cem", Role: "teacher"}}

const (
	proves = 6 * time.Second  // after that absence proves
	judged = 61 * time.Second // after that who is unheard of is judged, and waiting ends
	lapsed = 76 * time.Second // after that a promise lapses
)

// Worlds are the worlds that are walked.
func Worlds() []World {
	short, long := []time.Duration{judged}, []time.Duration{lapsed}
	return []World{
		{Name: "strangers", Size: Small, Policy: `{"maxSeats":2}`, People: strangers, Waits: []time.Duration{proves, judged}},
		{Name: "strangers at once", Size: Small, Policy: `{"maxSeats":2}`, People: strangers, AtOnce: true, Waits: short},
		{Name: "network failures", Size: Small, Policy: `{"maxSeats":2}`, People: strangers, Network: true, Waits: short},
		{Name: "a reload", Policy: `{"maxSeats":2,"duplicateUser":"replace-older"}`, People: reload, Waits: short},
		{Name: "a reload in one seat", Policy: `{"maxSeats":1,"duplicateUser":"replace-older"}`, People: reload, Waits: short},
		{Name: "an exam", Policy: `{"maxSeats":2,"duplicateUser":"refuse-newer"}`, People: reload, Waits: short},
		{Name: "the same user twice", Policy: `{"maxSeats":2,"duplicateUser":"allow"}`, People: reload, Waits: short},
		{Name: "a clock that pauses", Size: Restless, Policy: `{"lessonSeconds":3600,"clock":"pause","duplicateUser":"allow"}`, People: tabs, Waits: short},
		{Name: "a promise", Policy: `{"maxSeats":2}`, People: guest, Joins: "cem", Waits: long},
		{Name: "a promise in Usher's session", Own: true, Policy: `{"maxSeats":1}`, People: guest[1:], Joins: "cem", Waits: long},
		{Name: "a promise for a seat", Size: Large, Policy: `{"maxSeats":2,"duplicateUser":"replace-older"}`, People: guest, Joins: "ann", Waits: long},
		{Name: "a smaller room", Policy: `{"maxSeats":2}`, Next: `{"maxSeats":1}`, People: strangers, Waits: short},
		{Name: "a larger room", Policy: `{"maxSeats":1}`, Next: `{"maxSeats":2}`, People: strangers, Waits: short},
		{Name: "roles", Size: Small, Policy: `{"maxSeats":2,"maxByRole":{"student":1}}`, People: school, Waits: short},
		{Name: "a list", Size: Large, Policy: `{"maxSeats":2}`, Next: `{"maxSeats":2,"allowedUsers":["ann","cem"]}`, People: strangers, Waits: short},
		{Name: "a ban", Size: Large, Policy: `{"maxSeats":2}`, Bans: "bea", People: strangers, Waits: short},
		{Name: "a ban of a guest", Size: Large, Policy: `{"maxSeats":2}`, Joins: "cem", Bans: "cem", People: guest, Waits: long},
		{Name: "an observer", Policy: `{"maxSeats":1,"observers":["recorder"]}`, Joins: "cem", JoinsAs: "recorder", People: guest, Waits: long},
	}
}

// BoundsOf gives the bounds of a world that go by that name, several where each allows
// what the others do not.
func BoundsOf(name string, w World) []Bounds {
	switch name {
	case "few":
		return [][]Bounds{
			Small:    {{Readings: 1, Prompt: true}, {Leaves: 1}},
			Medium:   {{Readings: 1, Prompt: true}, {Leaves: 1}},
			Large:    {{}},
			Restless: {{Leaves: 2}},
		}[w.Size]
	case "many":
		return [][]Bounds{
			Small:    {{Readings: 1, Leaves: 1}, {Pauses: 1, Leaves: 1}, {Readings: 1, Pauses: 1, Prompt: true}},
			Medium:   {{Readings: 1}, {Pauses: 1, Leaves: 1}, {Readings: 1, Pauses: 1, Prompt: true}},
			Large:    {{Readings: 1, Prompt: true}, {Pauses: 1}},
			Restless: {{Leaves: 3}, {Readings: 1, Leaves: 1}},
		}[w.Size]
	case "most":
		return [][]Bounds{
			Small:    {{Readings: 1, Leaves: 3}, {Readings: 1, Pauses: 1, Leaves: 1}},
			Medium:   {{Readings: 1, Leaves: 1}, {Readings: 1, Pauses: 1, Leaves: 1, Prompt: true}},
			Large:    {{Readings: 1, Leaves: 1, Prompt: true}, {Readings: 1, Pauses: 1, Prompt: true}},
			Restless: {{Readings: 1, Pauses: 1, Leaves: 3}},
		}[w.Size]
	}
	panic("no bounds are called " + name)
}
