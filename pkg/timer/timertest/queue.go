package timertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// The pollers of a queue, and how they grow while messages are left, by
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: five at
// first, 300 a minute more, 1,000 at most. That growth is even is assumed.
const (
	firstPollers = 5
	morePollers  = 5 // a second
	maxPollers   = 1000
	// idle is after how long without messages they are the first again.
	idle = time.Minute
)

// maxReceives is after how many tries a message is put aside.
const maxReceives = 5

// Message is one message of a batch.
type Message struct{ ID, Body string }

// Mapping is an event source mapping: whom a queue's messages are given to.
type Mapping struct {
	Batch      int           // most messages in one call; 10, without a batching window
	Visibility time.Duration // for how long a message that was given is not given again
	Timeout    time.Duration // of the function
	Pollers    int           // most batches at once; 1,000 where it is 0
	// Handle is the function, in one of its processes, which are numbered from 0. It
	// gives the ids of messages that have to come again.
	Handle func(ctx context.Context, process int, batch []Message) (failed []string)
}

// queue is a queue with what polls it.
type queue struct {
	Mapping
	cloud    *Cloud
	waiting  []*message // those to be fetched
	pollers  int
	busy     int   // of them, those whose batch is worked on
	warm     []int // processes that are ready
	ticking  bool
	lastSeen time.Time // a message came, or was left
}

type message struct {
	Message
	receives int
}

// Map has a queue's messages handled.
func (c *Cloud) Map(url string, m Mapping) {
	if m.Pollers == 0 {
		m.Pollers = maxPollers
	}
	c.queues[url] = &queue{Mapping: m, cloud: c, pollers: min(firstPollers, m.Pollers)}
	c.mapped = append(c.mapped, c.queues[url])
}

// SendMessage implements timer.SQS: the message can be fetched after its delay and
// some milliseconds, in no order.
func (c *Cloud) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if in.DelaySeconds < 0 || in.DelaySeconds > 900 {
		return nil, fmt.Errorf("a delay of %d s", in.DelaySeconds)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	q, body := c.queues[aws.ToString(in.QueueUrl)], aws.ToString(in.MessageBody)
	if q == nil {
		return nil, errors.New("there is no such queue")
	}
	c.used.Messages++
	c.used.SQS++
	c.sent[body]++
	id := fmt.Sprintf("%s#%d", body, c.sent[body])
	r := c.chance("message", id)
	at := time.Now().Add(time.Duration(in.DelaySeconds)*time.Second + upTo(50*time.Millisecond, r))
	c.plan(at, r.Uint64(), func() { q.arrive(&message{Message: Message{id, body}}) })
	if oneIn(c.TwiceOneIn, r) {
		c.plan(at.Add(upTo(5*time.Second, r)), r.Uint64(), func() { q.arrive(&message{Message: Message{id, body}}) })
	}
	return &sqs.SendMessageOutput{}, nil
}

// arrive makes a message one that can be fetched.
func (q *queue) arrive(m *message) {
	now := time.Now()
	if now.Sub(q.lastSeen) > idle {
		q.pollers = min(firstPollers, q.Pollers)
	}
	q.lastSeen = now
	q.waiting = append(q.waiting, m)
	q.poll()
	q.tick()
}

// tick looks each second whether messages are left, and has more pollers if so.
func (q *queue) tick() {
	if q.ticking || len(q.waiting) == 0 {
		return
	}
	q.ticking = true
	q.cloud.plan(time.Now().Add(time.Second), 0, func() {
		q.ticking = false
		if len(q.waiting) > 0 {
			q.lastSeen = time.Now()
			q.pollers = min(q.pollers+morePollers, q.Pollers, maxPollers)
			q.poll()
			q.tick()
		}
	})
}

// poll gives what waits to pollers that are free, while the account lets them.
func (q *queue) poll() {
	for len(q.waiting) > 0 && q.busy < q.pollers && q.cloud.running < q.cloud.Concurrency {
		n := min(q.Batch, len(q.waiting))
		batch := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		q.invoke(batch)
	}
}

// invoke calls the function with a batch, in a process of its own.
func (q *queue) invoke(batch []*message) {
	c := q.cloud
	q.busy++
	c.running++
	c.used.Peak = max(c.used.Peak, c.running)
	c.used.Invocations++
	c.used.SQS += 2
	given := time.Now()
	process, start := q.process()
	about := fmt.Sprintf("%s %d", batch[0].ID, batch[0].receives)
	r := c.chance("call", about)
	start += upTo(30*time.Millisecond, r)
	var dies time.Duration
	if oneIn(c.DeadOneIn, r) {
		dies = start + upTo(10*time.Second, r)
	}
	rank := r.Uint64()
	var messages []Message
	for _, m := range batch {
		m.receives++
		messages = append(messages, m.Message)
	}
	go func() {
		failed, died := q.call(process, messages, start, dies)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.plan(time.Now(), rank, func() { q.done(batch, failed, process, died, given) })
	}()
}

// process takes a process that is ready, or one that has to be started.
func (q *queue) process() (number int, start time.Duration) {
	if n := len(q.warm); n > 0 {
		number, q.warm = q.warm[n-1], q.warm[:n-1]
		return number, 0
	}
	q.cloud.started++
	return q.cloud.started - 1, q.cloud.Cold
}

// call runs the function, unless it dies before it is done.
func (q *queue) call(process int, batch []Message, start, dies time.Duration) (failed []string, died bool) {
	time.Sleep(start)
	left := q.Timeout
	if dies > 0 {
		left = min(left, dies-start)
	}
	ctx, cancel := context.WithTimeout(context.Background(), left)
	defer cancel()
	failed = q.Handle(ctx, process, batch)
	return failed, ctx.Err() != nil
}

// done lets go of a process; messages that failed come again when they are visible.
func (q *queue) done(batch []*message, failed []string, process int, died bool, given time.Time) {
	c := q.cloud
	q.busy--
	c.running--
	c.used.Duration += time.Since(given)
	if !died {
		q.warm = append(q.warm, process)
	}
	again := map[string]bool{}
	for _, id := range failed {
		again[id] = true
	}
	for _, m := range batch {
		switch {
		case !died && !again[m.ID]:
		case m.receives >= maxReceives:
			c.used.Dead++
		default:
			at := given.Add(q.Visibility)
			if now := time.Now(); at.Before(now) {
				at = now
			}
			c.plan(at, c.chance("again", m.ID).Uint64(), func() { q.arrive(m) })
		}
	}
	for _, other := range c.mapped {
		other.poll() // the account has a process less
	}
}
