package simulation

import (
	"fmt"
	"sync/atomic"
	"time"

	"usher/pkg/epoch"
)

// Epoch is when every World with a clock of its own begins.
const Epoch epoch.Instant = 1_790_000_000_000

// clock is the time of a World.
type clock interface {
	Now() epoch.Instant
	// Forward lets time go on to that moment, never back.
	Forward(to epoch.Instant)
}

// ownClock moves when it is told to.
type ownClock struct{ at atomic.Int64 }

func (c *ownClock) Now() epoch.Instant { return epoch.Instant(c.at.Load()) }

func (c *ownClock) Forward(to epoch.Instant) {
	for now := c.at.Load(); now < int64(to); now = c.at.Load() {
		c.at.CompareAndSwap(now, int64(to))
	}
}

// bubbleClock is that of a synctest bubble: it moves when everybody waits.
type bubbleClock struct{}

func (bubbleClock) Now() epoch.Instant { return epoch.Of(time.Now()) }

func (c bubbleClock) Forward(to epoch.Instant) { time.Sleep(to.Sub(c.Now())) }

// clocked is a moment as seconds since the Epoch.
func clocked(at epoch.Instant) string { return fmt.Sprintf("%8.3fs", at.Sub(Epoch).Seconds()) }
