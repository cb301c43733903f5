package doorkeeper

import (
	"container/list"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"usher/pkg/room"
)

// locks lets one decision of a session go at a time within the process: others
// would only lose the race in the store. It is economy, not safety.
type locks [256]chan struct{}

func newLocks() *locks {
	var k locks
	for i := range k {
		k[i] = make(chan struct{}, 1)
	}
	return &k
}

// lock waits for its turn, or until the context is done: ErrUnavailable.
func (k *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	m := k[h.Sum32()%uint32(len(k))]
	select {
	case m <- struct{}{}:
		return func() { <-m }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: others were before: %w", room.ErrUnavailable, ctx.Err())
	}
}

// cache remembers the most recently used values by name. Values are read-only.
type cache[V any] struct {
	mu    sync.Mutex
	limit int
	items map[string]*list.Element
	used  *list.List
}

type cached[V any] struct {
	name  string
	value V
}

func newCache[V any](limit int) *cache[V] {
	return &cache[V]{limit: limit, items: map[string]*list.Element{}, used: list.New()}
}

func (c *cache[V]) get(name string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[name]
	if !ok {
		return v, false
	}
	c.used.MoveToFront(e)
	return e.Value.(*cached[V]).value, true
}

func (c *cache[V]) put(name string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[name]; ok {
		e.Value.(*cached[V]).value = v
		c.used.MoveToFront(e)
		return
	}
	c.items[name] = c.used.PushFront(&cached[V]{name, v})
	if c.used.Len() > c.limit {
		oldest := c.used.Back()
		c.used.Remove(oldest)
		delete(c.items, oldest.Value.(*cached[V]).name)
	}
}

func (c *cache[V]) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[name]; ok {
		c.used.Remove(e)
		delete(c.items, name)
	}
}

// set collects names from several goroutines.
type set struct {
	mu  sync.Mutex
	all map[string]bool
}

func newSet() *set { return &set{all: map[string]bool{}} }

func (s *set) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[name] = true
}

func (s *set) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.all))
}
