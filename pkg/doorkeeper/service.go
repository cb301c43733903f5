// Package doorkeeper is the shell around the rules. It loads a lesson or a room,
// has it decided by package lesson or package room, commits on condition, and
// carries out the decision: disconnects, signals, readings of Vonage's list,
// wakes. When another process wrote first, it decides again with the stored state.
//
// It is trusted to decide nothing by itself, to commit before it acts, and to
// leave a wake or a due time for work that it does not finish. Its memory of
// lessons and rooms is only a first guess: every commit is conditional.
//
// Begin with hear.go, which takes in a webhook, then decide.go (load, decide,
// commit) and run.go (carry out). Read join.go for people with tickets, rooms.go
// and api.go for the owner's requests, sweep.go for work that no wake finds.
package doorkeeper

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// Settings are a Service's settings besides its ports.
type Settings struct {
	TokenLife time.Duration // of client tokens, 30 s to 5 min
	AllowDemo bool          // demo rooms: only with a simulated or loopback platform
	Project   string        // our API key or application id; events that name another are counted, not stored
	Now       func() epoch.Instant
	NewID     func() string // unguessable and url-safe
	Log       *slog.Logger
	Metrics   metric.Recorder // nil: nothing is measured
	// HearsAll: every callback comes to this process, so that it may say that none does.
	HearsAll bool
	Telling  Telling       // of the owner's backend
	Queue    room.Queue    // where events go that no store takes; nil: nowhere
	Quiet    time.Duration // how long a handler may go on after its commit; 0: 3 s
	// Rest waits until that moment by Now's clock, or until the context is
	// done; nil: by the real clock.
	Rest func(ctx context.Context, until epoch.Instant) error
}

// Service keeps the door: it loads a lesson, decides, commits on condition, and
// carries out the decision. It decides again with the winner's state when it lost
// a race.
type Service struct {
	store    room.Store
	platform room.Platform
	timer    room.Timer
	set      Settings

	locks     *locks // of lessons, by session
	tellers   *locks // of those that are told, by session
	roomLocks *locks // of rooms, by name
	lessons   *lru.Cache[string, lesson.Lesson]
	rooms     *lru.Cache[string, string] // the session of a room

	asking    sync.Map     // connections that are being disconnected
	strangers atomic.Int64 // how many events of other sessions or projects came
	heard     atomic.Int64 // how many of ours

	otherProject sync.Once // warns of the first event of another project
}

// NewService joins the ports. All of them are needed.
func NewService(store room.Store, platform room.Platform, timer room.Timer, set Settings) *Service {
	if set.Quiet == 0 {
		set.Quiet = 3 * time.Second
	}
	if set.Metrics == nil {
		set.Metrics = metric.Nobody{}
	}
	if set.Rest == nil {
		set.Rest = func(ctx context.Context, until epoch.Instant) error { return rest(ctx, until.Sub(set.Now())) }
	}
	return &Service{
		store: store, platform: platform, timer: timer, set: set,
		locks: newLocks(), tellers: newLocks(), roomLocks: newLocks(),
		lessons: newMemory[lesson.Lesson](), rooms: newMemory[string](),
	}
}
