package bolt

import (
	"container/list"
	"sync"

	"usher/pkg/lesson"
)

// Bounds of the decoded lessons in memory: their number, and their bytes as
// they stand in the file.
const (
	cachedLessons = 20_000
	cachedBytes   = 32 << 20
)

// entry is a lesson as committed.
type entry struct {
	lesson lesson.Lesson
	day    day // of the last write
	size   int // bytes in the file
}

// cache keeps the lessons that were used last.
type cache struct {
	mu         sync.Mutex
	byUse      *list.List // of *entry, the latest first
	bySession  map[string]*list.Element
	bytes      int
	count, cap int    // most entries, most bytes
	commits    uint64 // one more with each change of the file
}

func newCache(count, bytes int) *cache {
	return &cache{byUse: list.New(), bySession: map[string]*list.Element{}, count: count, cap: bytes}
}

// get gives a lesson, or nil and what fill wants to be told.
func (c *cache) get(session string) (*entry, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.bySession[session]
	if !ok {
		return nil, c.commits
	}
	c.byUse.MoveToFront(at)
	return at.Value.(*entry), c.commits
}

// fill keeps what was read from the file, unless something was committed since
// get: it might be older than that.
func (c *cache) fill(e entry, commits uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commits == commits {
		c.set(e)
	}
}

// publish replaces lessons by what was committed.
func (c *cache) publish(changed []entry, gone []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits++
	for _, session := range gone {
		c.drop(session)
	}
	for _, e := range changed {
		c.set(e)
	}
}

// clear forgets everything: the file alone knows.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits++
	c.bytes = 0
	c.byUse.Init()
	clear(c.bySession)
}

func (c *cache) set(e entry) {
	c.drop(e.lesson.Session)
	c.bySession[e.lesson.Session] = c.byUse.PushFront(&e)
	c.bytes += e.size
	for c.byUse.Len() > c.count || c.bytes > c.cap {
		c.drop(c.byUse.Back().Value.(*entry).lesson.Session)
	}
}

func (c *cache) drop(session string) {
	at, ok := c.bySession[session]
	if !ok {
		return
	}
	c.bytes -= at.Value.(*entry).size
	c.byUse.Remove(at)
	delete(c.bySession, session)
}
