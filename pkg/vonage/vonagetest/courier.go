package vonagetest

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Retry is the schedule of a callback that is not answered with 200: after
// First, then after twice as long each time, at most Max, until For has passed
// or Tries were made. Zero fields are the vendor's: 5 s, 15 min, 24 h and no
// limit of tries, or 4 tries for an OpenTok project without a signature secret.
type Retry struct {
	First, Max, For time.Duration
	Tries           int
}

func (r Retry) filled(openTok, signed bool) Retry {
	if r.Tries == 0 && openTok && !signed {
		r.Tries = 4
	}
	if r.First == 0 {
		r.First = 5 * time.Second
	}
	if r.Max == 0 {
		r.Max = 15 * time.Minute
	}
	if r.For == 0 {
		r.For = 24 * time.Hour
	}
	return r
}

// wait is how long after the try number tries the next one comes.
func (r Retry) wait(tries int) time.Duration {
	d := r.First
	for range tries - 1 {
		if d *= 2; d >= r.Max {
			return r.Max
		}
	}
	return min(d, r.Max)
}

// parcel is a webhook on its way.
type parcel struct {
	record *Webhook
	lane   string // the session: webhooks of one lane keep their order
	body   []byte
	token  string // of the first try
	first  time.Time
	tries  int
}

// courier delivers webhooks. In a lane one at a time is under way, in the order
// of the events; a retry lines up again at the end, and holds nobody up.
type courier struct {
	p     *Platform
	retry Retry
	seats chan struct{} // bounds the requests under way

	mu      sync.Mutex
	lanes   map[string]*lane
	records []*Webhook
	numbers int
	hold    int // webhooks still to be held; negative: all
	held    []*parcel
	busy    int           // parcels that are queued, under way or delayed
	quiet   chan struct{} // closed when busy falls to 0
}

type lane struct {
	queue   []*parcel
	running int
}

// atOnce is how many callbacks are under way at once, over all sessions.
const atOnce = 16

func newCourier(p *Platform) *courier {
	return &courier{
		p: p, retry: p.opts.Retry, seats: make(chan struct{}, atOnce),
		lanes: map[string]*lane{}, quiet: make(chan struct{}),
	}
}

// send takes a new webhook and lets the faults have it.
func (c *courier) send(w *parcel) {
	fate := c.p.faults.fate(w.record.Event)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.numbers++
	w.record.Number = c.numbers
	c.records = keepLast(c.records, w.record, recorded)
	switch {
	case c.p.opts.Callback == "" || fate.lost:
		w.record.State = Lost
	case c.hold != 0:
		c.hold = max(c.hold-1, -1)
		w.record.State = Held
		c.held = append(c.held, w)
	default:
		c.dispatch(w, fate)
	}
}

// dispatch sends w now or after its delay, and a second time where fate wants.
func (c *courier) dispatch(w *parcel, fate fate) {
	times := 1
	if fate.repeated {
		times = 2
	}
	for range times {
		w := *w
		c.busy++
		if fate.delay <= 0 {
			c.enqueue(&w)
			continue
		}
		w.record.State = Delayed
		c.p.tasks.after(fate.delay, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.enqueue(&w)
		})
	}
}

func (c *courier) enqueue(w *parcel) {
	w.record.State = Queued
	l := c.lanes[w.lane]
	if l == nil {
		l = &lane{}
		c.lanes[w.lane] = l
	}
	l.queue = append(l.queue, w)
	if l.running < max(1, c.p.faults.parallel()) && c.p.tasks.run(func() { c.work(w.lane, l) }) {
		l.running++
	}
}

// work sends what stands in a lane until it is empty.
func (c *courier) work(name string, l *lane) {
	for {
		w := c.next(name, l)
		if w == nil {
			return
		}
		select {
		case c.seats <- struct{}{}:
			c.try(w)
			<-c.seats
		case <-c.p.ctx.Done():
			return
		}
	}
}

func (c *courier) next(name string, l *lane) *parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.queue) == 0 {
		if l.running--; l.running == 0 {
			delete(c.lanes, name)
		}
		return nil
	}
	w := l.queue[0]
	l.queue = l.queue[1:]
	return w
}

// try sends w once and plans what follows.
func (c *courier) try(w *parcel) {
	status, err := c.p.deliver(c.p.ctx, w.body, c.tokenFor(w))
	if c.p.ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.tries++
	w.record.Tries++
	w.record.Status = status
	switch {
	case status == http.StatusOK:
		w.record.State = Delivered
	case !c.again(w):
		w.record.State = GivenUp
		c.p.opts.Log.Warn("a webhook was given up", "event", w.record.Event, "status", status, "error", err)
	default:
		w.record.State = Retrying
	}
	c.settle()
}

// tokenFor signs each try anew, or repeats the first token where a fault says so.
func (c *courier) tokenFor(w *parcel) string {
	reuse := c.p.faults.oldTokens()
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.first.IsZero() {
		w.first = c.p.now()
	}
	if w.token == "" || !reuse {
		w.token = c.p.sign(w.body)
	}
	return w.token
}

// again plans the next try, or reports that there is none.
func (c *courier) again(w *parcel) bool {
	openTok := projectOf(w.lane) == c.p.opts.APIKey
	r := c.retry.filled(openTok, c.p.opts.SignatureSecret != "")
	d := r.wait(w.tries)
	if r.Tries > 0 && w.tries >= r.Tries || c.p.now().Add(d).Sub(w.first) > r.For {
		return false
	}
	c.p.tasks.after(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy++
		c.enqueue(w)
	})
	return true
}

// settle counts one parcel as dealt with for now.
func (c *courier) settle() {
	if c.busy--; c.busy == 0 {
		close(c.quiet)
		c.quiet = make(chan struct{})
	}
}

// Settle waits until every webhook has been sent at least once and answered.
// Held ones and planned retries are not waited for, delayed ones are.
func (p *Platform) Settle(ctx context.Context) error {
	for {
		p.post.mu.Lock()
		busy, quiet := p.post.busy, p.post.quiet
		p.post.mu.Unlock()
		if busy == 0 {
			return nil
		}
		select {
		case <-quiet:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
}

// Webhooks lists at least the last 10,000 webhooks, in the order of the events.
func (p *Platform) Webhooks() []Webhook {
	p.post.mu.Lock()
	defer p.post.mu.Unlock()
	list := make([]Webhook, 0, len(p.post.records))
	for _, w := range p.post.records {
		list = append(list, w.view())
	}
	return list
}

// Hold keeps the next n webhooks back, all from now on where n is negative, no
// more where it is 0. What is held stays held until Release.
func (p *Platform) Hold(n int) {
	p.post.mu.Lock()
	defer p.post.mu.Unlock()
	p.post.hold = max(n, -1)
}

// Release sends held webhooks: those of the given places (the first is 0) in
// that order, a place named twice being sent twice; without places all, as they
// happened. The others stay held.
func (p *Platform) Release(places ...int) error {
	c := p.post
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(places) == 0 {
		for i := range c.held {
			places = append(places, i)
		}
	}
	named := map[int]bool{}
	for _, i := range places {
		if i < 0 || i >= len(c.held) {
			return fail(http.StatusBadRequest, "no webhook is held at one of these places")
		}
		named[i] = true
	}
	for _, i := range places {
		c.dispatch(c.held[i], fate{})
	}
	var rest []*parcel
	for i, w := range c.held {
		if !named[i] {
			rest = append(rest, w)
		}
	}
	c.held = rest
	return nil
}

// Discard throws all held webhooks away and gives their number.
func (p *Platform) Discard() int {
	c := p.post
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.held {
		w.record.State = Lost
	}
	n := len(c.held)
	c.held = nil
	return n
}

// HeldBack lists the held webhooks, in the order of the events.
func (p *Platform) HeldBack() []Webhook {
	p.post.mu.Lock()
	defer p.post.mu.Unlock()
	list := []Webhook{}
	for _, w := range p.post.held {
		list = append(list, w.record.view())
	}
	return list
}
