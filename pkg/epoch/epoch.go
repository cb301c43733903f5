// Package epoch holds moments as the platform gives them: milliseconds since
// the Unix epoch, in a number that can be compared, added up and stored as it
// is. Spans of time are time.Durations, so the two cannot be mixed up. It is
// trusted with nothing else, and reads no clock.
package epoch

import "time"

// Instant is a moment in milliseconds since the Unix epoch, the unit of Vonage's
// webhooks. Zero means "never" or "not known".
type Instant int64

// Of cuts t to the millisecond.
func Of(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Std gives the moment as a time.Time in UTC.
func (t Instant) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add is the moment d later; d is cut to the millisecond.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d/time.Millisecond) }

// Sub is the span from u to t; negative when u is the later one.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Seconds is the moment in whole seconds since the Unix epoch, cut.
func (t Instant) Seconds() int64 { return int64(t) / 1000 }

// layout is RFC 3339 with milliseconds.
const layout = "2006-01-02T15:04:05.000Z07:00"

func (t Instant) String() string { return t.Std().Format(layout) }
