package exploration

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"usher/pkg/lesson"
)

// World is what may happen: everything else follows from the rules.
type World struct {
	Name    string
	Own     bool   // the session is Usher's own
	Policy  string // in force from the start, as JSON
	Next    string // a policy that may take its place once; "" for none
	People  []Person
	Joins   string          // the user who may be given a promise once; "" for nobody
	JoinsAs string          // under this role
	Bans    string          // the user who may be banned once; "" for nobody
	Waits   []time.Duration // how long a wait may be
	AtOnce  bool            // people come in the same millisecond
	Network bool            // connections end by network failure, which has to be confirmed
	Size    Size
	Bounds
}

// Size is how much may happen in a world: the more, the narrower are its bounds.
type Size int

// The sizes.
const (
	Medium Size = iota
	Small
	Large
	Restless // people come and go
)

// Bounds are how often something may happen in one history.
type Bounds struct {
	Readings, Pauses int
	Leaves           int  // of their own accord
	Prompt           bool // each reading is decided on at once, and nothing is heard meanwhile
}

// Person is a connection that may come, and leave.
type Person struct {
	ID       string
	User     string // "" is unknown
	Role     string
	Promised bool // comes by the promise, once that was given
}

// thePromise is the id of the promise.
const thePromise = "p"

// data is the connection's data.
func (p Person) data() string {
	switch {
	case p.Promised:
		return lesson.DataOf(thePromise, nil)
	case p.User == "":
		return ""
	}
	text, err := json.Marshal(map[string]string{"user": p.User, "role": p.Role})
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(text)
}

// likeBefore reports whether the person is like the one before in all but the
// names: then it is enough that they come in that order.
func (w *World) likeBefore(i int) bool {
	return i > 0 && !w.AtOnce && w.People[i].Role == w.People[i-1].Role && w.isNobodyElse(i) && w.isNobodyElse(i-1)
}

// isNobodyElse reports whether nothing else in the world has to do with the
// person's user.
func (w *World) isNobodyElse(i int) bool {
	p := w.People[i]
	if p.Promised || p.User == w.Joins || p.User == w.Bans || strings.Contains(w.Policy+w.Next, strconv.Quote(p.User)) {
		return false
	}
	for j, other := range w.People {
		if j != i && other.User == p.User {
			return false
		}
	}
	return true
}
