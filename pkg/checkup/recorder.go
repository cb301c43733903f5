package checkup

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

const (
	// seldom is how often a process marks the same thing at most: less than a minute, so that
	// what is done each minute, and once a moment early, is marked each time.
	seldom = 50 * time.Second
	// brief bounds what marking may add to what is marked.
	brief = time.Second
)

// Recorder marks that something was done, once in a while. That it cannot is
// logged and no more: nothing rests on it.
type Recorder struct {
	marks room.Marks
	name  string
	now   func() epoch.Instant
	log   *slog.Logger

	mu   sync.Mutex
	last epoch.Instant
}

// NewRecorder gives one for that mark.
func NewRecorder(m room.Marks, name string, now func() epoch.Instant, log *slog.Logger) *Recorder {
	return &Recorder{marks: m, name: name, now: now, log: log}
}

// Record marks it.
func (r *Recorder) Record(ctx context.Context) {
	now := r.now()
	r.mu.Lock()
	due := r.last == 0 || now.Sub(r.last) >= seldom
	if due {
		r.last = now
	}
	r.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), brief)
	defer cancel()
	if err := r.marks.Mark(ctx, r.name, now); err != nil {
		r.log.WarnContext(ctx, "a mark could not be written", "mark", r.name, "error", err)
	}
}
