// Package timertest is a model of the services behind timer.Cloud: EventBridge
// Scheduler, SQS, and Lambda with its pollers. It keeps their documented word and
// no more: a schedule fires at any moment of its minute, a message comes at least
// once and in any order, a function has to be started before it works, and pollers
// grow by five a second.
//
// It runs on the clock of a testing/synctest bubble. What looks like chance is
// drawn from a seed and from what it is about, a message's text for one, so that
// the order in which goroutines run decides nothing. It measures what the services
// add; it knows neither networks nor a busy machine.
package timertest

import (
	"container/heap"
	"context"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"testing/synctest"
	"time"
)

// Conditions say how the services behave. The zero value: as quick as they are,
// and never wrong.
type Conditions struct {
	Seed uint64
	// TwiceOneIn lets one in so many schedules fire twice, and messages come twice.
	TwiceOneIn int
	// LateOneIn lets one in so many schedules fire one to five minutes late.
	LateOneIn int
	// DeadOneIn lets one in so many calls of a queue's function die within its
	// first ten seconds, with all that it had begun.
	DeadOneIn int
	// Cold is how long a process takes to start.
	Cold time.Duration
	// Concurrency is the account's; 1,000, as AWS gives it, where it is 0.
	Concurrency int
}

// Used is what was used, as it is billed.
type Used struct {
	Schedules   int           // that fired
	Messages    int           // sent
	SQS         int           // requests to SQS: one to send, and for each batch one to receive and one to delete
	Invocations int           // of queues' functions
	Duration    time.Duration // of them, starts included
	Peak        int           // most processes at once
	Dead        int           // messages that failed five times
}

// Cloud is the model. It implements timer.Scheduler and timer.SQS.
type Cloud struct {
	Conditions
	// Target is what a schedule calls, with its input. One that fails is called
	// again, a minute and two minutes later, as Lambda does.
	Target func(ctx context.Context, input string) error

	mu        sync.Mutex
	agenda    agenda
	poked     chan struct{}
	planned   int
	queues    map[string]*queue
	mapped    []*queue // the same, in the order in which they were mapped
	schedules map[string]bool
	sent      map[string]int // how often a text was sent
	started   int            // processes
	running   int            // of them, those that work
	used      Used
}

// New makes a model under these conditions. It must be called in a bubble.
func New(c Conditions) *Cloud {
	if c.Concurrency == 0 {
		c.Concurrency = 1000
	}
	return &Cloud{
		Conditions: c, poked: make(chan struct{}, 1),
		queues: map[string]*queue{}, schedules: map[string]bool{}, sent: map[string]int{},
	}
}

// Used gives what was used so far.
func (c *Cloud) Used() Used {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

// chance is drawn for one purpose about one thing.
func (c *Cloud) chance(purpose, about string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose + "\x00" + about)) // a hash takes everything
	return rand.New(rand.NewPCG(c.Seed, h.Sum64()))
}

// oneIn tells whether it is the one in n; n = 0: never.
func oneIn(n int, r *rand.Rand) bool { return n > 0 && r.IntN(n) == 0 }

// upTo is any duration below d.
func upTo(d time.Duration, r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// At has do called at that moment, by Run. What it does takes no time of Run's.
func (c *Cloud) At(when time.Time, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan(when, 0, func() {
		c.mu.Unlock()
		defer c.mu.Lock()
		do()
	})
}

// Run lets everything happen up to that moment. It must be called by one goroutine
// of the bubble.
func (c *Cloud) Run(until time.Time) {
	for {
		synctest.Wait() // all that goes on at this moment is done
		next := c.happen(until)
		left := time.Until(next)
		if left <= 0 && !next.Before(until) {
			return
		}
		// Not by a timer with a channel: the race detector of Go 1.26 may end the process
		// where many of those are waited for in one bubble.
		due, stop := context.WithTimeout(context.Background(), left)
		select {
		case <-due.Done():
		case <-c.poked:
		}
		stop()
	}
}

// happen does one thing that is due, and gives the moment of the next.
func (c *Cloud) happen(until time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.agenda) > 0 && !c.agenda[0].at.After(time.Now()) {
		heap.Pop(&c.agenda).(*task).do()
	}
	if len(c.agenda) > 0 && c.agenda[0].at.Before(until) {
		return c.agenda[0].at
	}
	return until
}

// plan puts something on the agenda, to be done with the lock held. Of what is due
// at one moment the lowest rank comes first. The lock is held.
func (c *Cloud) plan(at time.Time, rank uint64, do func()) {
	c.planned++
	heap.Push(&c.agenda, &task{at, rank, c.planned, do})
	select {
	case c.poked <- struct{}{}:
	default:
	}
}

// task is something that will happen.
type task struct {
	at     time.Time
	rank   uint64
	number int
	do     func()
}

// agenda has the earliest task first.
type agenda []*task

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(t any)   { *a = append(*a, t.(*task)) }

func (a agenda) Less(i, j int) bool {
	switch {
	case !a[i].at.Equal(a[j].at):
		return a[i].at.Before(a[j].at)
	case a[i].rank != a[j].rank:
		return a[i].rank < a[j].rank
	}
	return a[i].number < a[j].number
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	t := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return t
}
