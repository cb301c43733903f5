package vonagetest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Faults are what the platform does wrong, or does in a way that the vendor's
// documentation leaves open. The zero value is a platform without a fault.
// Chances lie between 0 and 1 and are drawn from a generator with Seed, anew
// from each SetFaults, in the order of the events.
type Faults struct {
	Seed uint64 `json:"seed"`

	Lose    float64 `json:"lose"`    // chance that a webhook is never sent
	Repeat  float64 `json:"repeat"`  // chance that it is sent twice
	Delay   float64 `json:"delay"`   // chance that it comes DelayMS late
	Shuffle float64 `json:"shuffle"` // chance that it comes up to DelayMS late, at random
	DelayMS int     `json:"delayMs"` // 0: 1,000
	// Drop names events whose webhooks are never sent.
	Drop []string `json:"drop"`
	// Parallel is how many webhooks of one session are under way at once; 0: 1.
	Parallel int `json:"parallel"`
	// OldTokens makes a retried webhook carry the token of its first try.
	OldTokens bool `json:"oldTokens"`

	AppearMS   int  `json:"appearMs"`   // a connection or stream appears in its list this late
	LingerMS   int  `json:"lingerMs"`   // and stays there this long after it left
	PageCap    int  `json:"pageCap"`    // at most so many items of either list on a page, whatever was asked
	PageCounts bool `json:"pageCounts"` // either list's count is the page's, not the session's
	TextTimes  bool `json:"textTimes"`  // the list's createdAt is a text
	Empty404   bool `json:"empty404"`   // the list of an empty session is 404

	Create     Failure `json:"create"`
	List       Failure `json:"list"`    // of connections and of streams
	Streams    Failure `json:"streams"` // the list of streams alone, before List
	Disconnect Failure `json:"disconnect"`
	Signal     Failure `json:"signal"`
}

// Failure makes the next requests of one sort fail.
type Failure struct {
	Next    int  `json:"next"`    // how many; negative: all
	Status  int  `json:"status"`  // 0: 500
	Hang    bool `json:"hang"`    // no answer until the caller gives up
	Applied bool `json:"applied"` // what was asked for is done, and then said to have failed
}

// fate is what becomes of a webhook.
type fate struct {
	lost, repeated bool
	delay          time.Duration
}

// faultBox holds the faults in force.
type faultBox struct {
	mu     sync.Mutex
	faults Faults
	dice   *rand.Rand
}

func newFaultBox() *faultBox { return &faultBox{dice: dice(0)} }

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// SetFaults replaces all faults. An error names the field that is out of bounds.
func (p *Platform) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return err
	}
	f.Drop = slices.Clone(f.Drop)
	b := p.faults
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults, b.dice = f, dice(f.Seed)
	return nil
}

// Faults are those in force, with what is left of each Failure.
func (p *Platform) Faults() Faults { return p.faults.now() }

func (f Faults) check() error {
	for name, chance := range map[string]float64{"lose": f.Lose, "repeat": f.Repeat, "delay": f.Delay, "shuffle": f.Shuffle} {
		if !(chance >= 0 && chance <= 1) {
			return fail(http.StatusBadRequest, name+" is a chance between 0 and 1")
		}
	}
	for name, n := range map[string]int{
		"delayMs": f.DelayMS, "parallel": f.Parallel, "appearMs": f.AppearMS, "lingerMs": f.LingerMS, "pageCap": f.PageCap,
	} {
		if n < 0 {
			return fail(http.StatusBadRequest, name+" must not be negative")
		}
	}
	for name, x := range map[string]Failure{"create": f.Create, "list": f.List, "streams": f.Streams, "disconnect": f.Disconnect, "signal": f.Signal} {
		if x.Status != 0 && (x.Status < 400 || x.Status > 599) {
			return fail(http.StatusBadRequest, fmt.Sprintf("%s.status is %d, not 400 to 599", name, x.Status))
		}
	}
	return nil
}

func (b *faultBox) now() Faults {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.faults
	f.Drop = slices.Clone(f.Drop)
	return f
}

func (b *faultBox) parallel() int { return b.now().Parallel }

func (b *faultBox) oldTokens() bool { return b.now().OldTokens }

// fate draws what becomes of a webhook. It draws as often for every event, so
// that one chance does not move another's.
func (b *faultBox) fate(name string) fate {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.faults
	span := time.Duration(f.DelayMS) * time.Millisecond
	if span == 0 {
		span = time.Second
	}
	lose, repeat, delay, shuffle, part := b.dice.Float64(), b.dice.Float64(), b.dice.Float64(), b.dice.Float64(), b.dice.Float64()
	out := fate{lost: lose < f.Lose || slices.Contains(f.Drop, name), repeated: repeat < f.Repeat}
	if delay < f.Delay {
		out.delay = span
	}
	if shuffle < f.Shuffle {
		out.delay += time.Duration(part * float64(span))
	}
	return out
}

// Names of the operations that can be made to fail.
const (
	opCreate     = "create"
	opList       = "list"
	opStreams    = "streams"
	opDisconnect = "disconnect"
	opSignal     = "signal"
)

// take uses up one failure of that operation; Next is 0 when there is none.
func (b *faultBox) take(operation string) Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	if operation == opStreams && b.faults.Streams.Next == 0 {
		operation = opList
	}
	x := map[string]*Failure{
		opCreate: &b.faults.Create, opList: &b.faults.List, opStreams: &b.faults.Streams,
		opDisconnect: &b.faults.Disconnect, opSignal: &b.faults.Signal,
	}[operation]
	if x == nil || x.Next == 0 {
		return Failure{}
	}
	out := *x
	if x.Next > 0 {
		x.Next--
	}
	if out.Status == 0 {
		out.Status = http.StatusInternalServerError
	}
	return out
}
