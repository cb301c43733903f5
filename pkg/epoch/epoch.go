package epoch

import "time"

// Time is a moment in milliseconds since the Unix epoch, the unit of Vonage's
// webhooks. Zero means "never" or "not known".
type Instant int64

// Milliseconds of the spans that the rules are written in.
const (
	Second Instant = 1000
	Minute         = 60 * Second
	Hour           = 60 * Minute
)

// TimeOf cuts t to the millisecond.
func Of(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Std gives the moment as a time.Time in UTC.
func (t Instant) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Until is the span from now to t; negative when t has passed.
func (t Instant) Until(now Instant) time.Duration { return time.Duration(t-now) * time.Millisecond }

// layout is RFC 3339 with milliseconds.
const layout = "2006-01-02T15:04:05.000Z07:00"

func (t Instant) String() string { return t.Std().Format(layout) }
