package doorkeeper

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"usher/pkg/room"
)

// locks lets one decision of a session go at a time within the process: two at
// once would race each other in the store, and one would lose. It is economy, not
// safety.
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

// newMemory remembers the values used last, by name. It is only ever a first
// guess: every commit is conditional. Values are read-only.
func newMemory[V any]() *lru.Cache[string, V] {
	memory, err := lru.New[string, V](remembered)
	if err != nil {
		panic(err) // the size is above 0
	}
	return memory
}

// remembered is how many lessons, and rooms, a process remembers.
const remembered = 4096

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
