// Package costs counts what a doorkeeper asks of its store, of the platform and
// of the timer, and holds each kind of event to a number.
//
// It is trusted with the bill: that an event costs what docs/design.md says,
// whatever number of rooms and people there is. Start reading at the table
// happenings; TestFlat and TestStorm are about many people, one after the other
// and at once.
package costs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
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

// String names the calls that count, the most frequent first.
func (u Used) String() string {
	names := slices.SortedFunc(maps.Keys(u.Calls), func(a, b string) int {
		if d := u.Calls[b] - u.Calls[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		if name == "Due" {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d %s", u.Calls[name], name))
	}
	return strings.Join(parts, ", ")
}

// Counted is a store that counts its calls. A call is one request, a Shed two:
// what leaves the lesson is durable elsewhere before it leaves.
type Counted struct {
	room.Store
	mu   sync.Mutex
	used Used
}

// Count puts a counter before the store.
func Count(s room.Store) *Counted { return &Counted{Store: s} }

// Bare implements Metered.
func (c *Counted) Bare() room.Store { return c.Store }

// Take implements Metered.
func (c *Counted) Take() Used {
	c.mu.Lock()
	defer c.mu.Unlock()
	used := c.used
	c.used = Used{}
	return used
}

func (c *Counted) count(method string, requests int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used.Calls == nil {
		c.used.Calls = map[string]int{}
	}
	c.used.Calls[method]++
	c.used.Requests += requests
}

// lost counts a race that was lost.
func (c *Counted) lost(err error) error {
	if errors.As(err, new(*room.Conflict)) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.used.Lost++
	}
	return err
}

// Lesson implements room.Store.
func (c *Counted) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	c.count("Lesson", 1)
	return c.Store.Lesson(ctx, session, records...)
}

// Add implements room.Store.
func (c *Counted) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	c.count("Add", 1)
	l, err := c.Store.Add(ctx, a)
	return l, c.lost(err)
}

// Swap implements room.Store.
func (c *Counted) Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error) {
	c.count("Swap", 1)
	l, err := c.Store.Swap(ctx, next)
	return l, c.lost(err)
}

// Shed implements room.Store.
func (c *Counted) Shed(ctx context.Context, l lesson.Lesson, s lesson.Shed) (lesson.Lesson, error) {
	c.count("Shed", 2)
	l, err := c.Store.Shed(ctx, l, s)
	return l, c.lost(err)
}

// Room implements room.Store.
func (c *Counted) Room(ctx context.Context, name string) (room.Room, error) {
	c.count("Room", 1)
	return c.Store.Room(ctx, name)
}

// Rooms implements room.Store.
func (c *Counted) Rooms(ctx context.Context, after string, limit int) ([]room.Room, error) {
	c.count("Rooms", 1)
	return c.Store.Rooms(ctx, after, limit)
}

// Lessons implements room.Store.
func (c *Counted) Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error) {
	c.count("Lessons", 1)
	return c.Store.Lessons(ctx, sessions)
}

// Commit implements room.Store.
func (c *Counted) Commit(ctx context.Context, change room.Change) error {
	c.count("Commit", 1)
	return c.lost(c.Store.Commit(ctx, change))
}

// Lines implements room.Store.
func (c *Counted) Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error) {
	c.count("Lines", 1)
	return c.Store.Lines(ctx, session, after, limit)
}

// Records implements room.Store.
func (c *Counted) Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error) {
	c.count("Records", 1)
	return c.Store.Records(ctx, session, after, limit)
}

// Due implements room.Store.
func (c *Counted) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	c.count("Due", 0)
	return c.Store.Due(ctx, bucket, before, limit)
}
