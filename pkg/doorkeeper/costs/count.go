// Package costs counts what a doorkeeper asks of its store, of the platform and
// of the timer, and holds each kind of event to a number.
//
// It is trusted with the bill: that an event costs what docs/design.md says,
// whatever number of rooms and people there is. Start reading at the table
// happenings; TestFlat and TestStorm are about many people, one after the other
// and at once.
package costs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// Used is what a store was asked for, and what it charged.
type Used struct {
	// Requests are those to the store, those that lost a race included. To look
	// for what is due is not among them: that does not grow with the rooms.
	Requests    int
	Lost        int            // of them, those that lost a race
	Calls       map[string]int // by method of room.Store
	Read, Write float64        // capacity units, where the store knows them
}

// String names the calls that count, the most frequent first, and the units.
func (u Used) String() string {
	names := slices.SortedFunc(maps.Keys(u.Calls), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.Calls[b], u.Calls[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, name := range names {
		if name != "Due" {
			parts = append(parts, fmt.Sprintf("%d %s", u.Calls[name], name))
		}
	}
	return fmt.Sprintf("%s; %d lost a race; %.1f read and %.1f write units", strings.Join(parts, ", "), u.Lost, u.Read, u.Write)
}

// Counted is a store that counts its calls. A call is one request, a Shed two:
// what leaves the lesson is durable elsewhere before it leaves.
type Counted struct {
	storetest.Hooked
	// Bare is the store itself, for looks that do not count.
	Bare room.Store
	// Sent, where set, gives the requests that really left since it was last
	// asked, in place of those that are reckoned from the calls.
	Sent func() int

	mu   sync.Mutex
	used Used
}

// Count puts a counter before the store.
func Count(s room.Store) *Counted {
	c := &Counted{Bare: s}
	c.Hooked = storetest.Hooked{Under: s, Hook: c.count}
	return c
}

func (c *Counted) count(_ context.Context, call storetest.Call, do func() error) error {
	err := do()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used.Calls == nil {
		c.used.Calls = map[string]int{}
	}
	c.used.Calls[call.Method]++
	switch call.Method {
	case "Due":
	case "Shed":
		c.used.Requests += 2
	default:
		c.used.Requests++
	}
	if errors.As(err, new(*room.Conflict)) {
		c.used.Lost++
	}
	return err
}

// Charge adds capacity units.
func (c *Counted) Charge(read, write float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used.Read += read
	c.used.Write += write
}

// Take gives what was used since the last Take.
func (c *Counted) Take() Used {
	c.mu.Lock()
	defer c.mu.Unlock()
	used := c.used
	c.used = Used{}
	if c.Sent != nil {
		used.Requests = c.Sent()
	}
	return used
}
