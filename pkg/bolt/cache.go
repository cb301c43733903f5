package bolt

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

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
	mu      sync.Mutex
	used    *simplelru.LRU[string, *entry]
	bytes   int    // of all entries
	most    int    // bytes
	commits uint64 // one more with each change of the file
}

func newCache(count, bytes int) *cache {
	c := &cache{most: bytes}
	used, err := simplelru.NewLRU(count, func(_ string, e *entry) { c.bytes -= e.size })
	if err != nil {
		panic(err) // the count is above 0
	}
	c.used = used
	return c
}

// get gives a lesson, or nil and the number of commits that fill needs.
func (c *cache) get(session string) (*entry, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, _ := c.used.Get(session)
	return e, c.commits
}

// fill keeps a lesson that was read from the file, unless there was a commit since
// get: the lesson might be older than that.
func (c *cache) fill(e entry, commits uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commits == commits {
		c.set(e)
	}
}

// publish replaces lessons by the committed ones.
func (c *cache) publish(changed []entry, gone []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits++
	for _, session := range gone {
		c.used.Remove(session)
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
	c.used.Purge()
}

func (c *cache) set(e entry) {
	c.used.Remove(e.lesson.Session) // so that its bytes are taken off
	c.used.Add(e.lesson.Session, &e)
	c.bytes += e.size
	for c.bytes > c.most {
		c.used.RemoveOldest()
	}
}
