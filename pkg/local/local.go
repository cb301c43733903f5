// Package local joins everything for one process: the doorkeeper over an
// embedded store (or DynamoDB), in-process timers, and Vonage or, without
// credentials, the simulated platform on the same address. Package app is its
// counterpart for the cloud.
//
// It is trusted to go on where it was when it starts again with the same file.
// Begin with local.go (what is joined) and serve.go (what runs).
package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
	_ "time/tzdata" // for pictures, where the machine has no zones

	"usher/pkg/bolt"
	"usher/pkg/checkup"
	"usher/pkg/config"
	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/metric"
	"usher/pkg/problem"
	"usher/pkg/room"
	"usher/pkg/timer"
	"usher/pkg/vonage/vonagetest"
)

// Local is the whole system as a value: New opens it, Run serves it, and Close
// ends one that was never run.
type Local struct {
	settings  config.Settings
	log       *slog.Logger
	listener  net.Listener
	store     room.Store
	close     func() error // of the data file
	file      *bolt.Store  // the data file, whatever the store is
	queue     *bolt.Store  // of events that the store did not take; nil where the store is the file itself
	simulator *vonagetest.Platform
	timer     *timer.Local
	tells     *timer.Local  // asks for the backend to be told
	kept      chan struct{} // a callback was kept that goes on
	service   *doorkeeper.Service
	checkup   checkup.Checkup
	heard     *checkup.Recorder // of callbacks
	swept     *checkup.Recorder
	server    *http.Server
	metrics   metric.Recorder
	scraped   net.Listener // of the metrics; nil: they are not served
	scrapes   *http.Server
	control   *controller // nil: no socket could be made beside the data file
}

// New opens the store, listens, and creates the rooms that the settings name
// and the store does not have. Its errors are for people. Secrets that the
// settings leave out are made and kept in the store.
func New(ctx context.Context, s config.Settings, log *slog.Logger) (*Local, error) {
	l := &Local{settings: s, log: log, kept: make(chan struct{}, 1)}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Local) open(ctx context.Context) error {
	steps := []func(context.Context) error{l.listen, l.measure, l.openStore, l.keepSecret, l.openControl, l.join, l.createRooms, l.warn}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of everything at once. After Run it does nothing more.
func (l *Local) Close() error {
	var failed error
	if l.simulator != nil {
		l.simulator.Close()
	}
	if l.timer != nil {
		l.timer.Close()
	}
	if l.tells != nil {
		l.tells.Close()
	}
	if l.listener != nil {
		if err := l.listener.Close(); !errors.Is(err, net.ErrClosed) {
			failed = err
		}
	}
	failed = errors.Join(failed, l.closeMetrics())
	if l.control != nil {
		failed = errors.Join(failed, l.control.close()) // while the file's lock is ours
	}
	if l.close != nil {
		failed = errors.Join(failed, l.close())
	}
	return failed
}

// join makes the service and the handlers around it.
func (l *Local) join(context.Context) error {
	platform, err := l.platform()
	if err != nil {
		return err
	}
	l.timer = timer.NewLocal(now, l.work)
	telling, err := l.telling()
	if err != nil {
		return err
	}
	set := doorkeeper.Settings{
		TokenLife: l.settings.TokenLife,
		AllowDemo: l.settings.Platform.Local(),
		Project:   l.account().Project(),
		Now:       now,
		NewID:     rand.Text,
		Log:       l.log,
		Metrics:   l.metrics,
		HearsAll:  true,
		Telling:   telling,
	}
	if l.queue != nil {
		set.Queue = l.queue
	}
	l.service = doorkeeper.NewService(l.store, platform, l.timer, set)
	l.watch(platform)
	l.server = l.newServer()
	return nil
}

// work does what is due in a lesson. While the store is away the wake comes
// again each second; whatever else fails is found again by the sweep.
func (l *Local) work(ctx context.Context, session string) {
	err := l.service.Work(ctx, session)
	if errors.Is(err, room.ErrUnavailable) && ctx.Err() == nil {
		_ = l.timer.Wake(ctx, session, now().Add(time.Second)) // unless it is closed
	}
	l.report(ctx, "a lesson could not be worked and will be tried again", err)
}

// createRooms puts the rooms of the settings where their names are free.
func (l *Local) createRooms(ctx context.Context) error {
	for _, r := range l.settings.Rooms {
		_, _, err := l.service.PutRoom(ctx, room.Put{Name: r.Name, Policy: r.Policy, If: []room.Condition{room.Absent{}}, Actor: "start"})
		var there *problem.Details
		if errors.As(err, &there) && there.Code == problem.Changed {
			continue
		}
		if err != nil {
			return fmt.Errorf("room %s could not be created: %w", r.Name, err)
		}
	}
	return nil
}

// warn logs what is allowed, but hardly meant.
func (l *Local) warn(context.Context) error {
	p := l.settings.Platform
	if p.Simulated() && p.URL != "" {
		l.log.Warn("VONAGE_VIDEO_URL has no effect without credentials: the platform is simulated")
	}
	if ip := l.listener.Addr().(*net.TCPAddr).IP; p.Simulated() && !ip.IsLoopback() {
		l.log.Warn("the simulated platform obeys everybody who can reach this address", "address", l.listener.Addr())
	}
	return nil
}

func now() epoch.Instant { return epoch.Of(time.Now()) }
