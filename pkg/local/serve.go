package local

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"usher/pkg/api"

	"usher/pkg/epoch"
	"usher/pkg/metric"
	"usher/pkg/room"
	"usher/pkg/version"
	"usher/pkg/vonage"
)

const (
	sweepEvery = 5 * time.Second
	purgeEvery = 24 * time.Hour
	// drain is how long requests that have begun may take at the end.
	drain = 10 * time.Second
)

// newServer bounds what one client can hold: connections that say nothing,
// endless headers, answers that nobody reads.
func (l *Local) newServer() *http.Server {
	s := &http.Server{
		Handler:           l.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
	}
	if l.simulator != nil {
		s.RegisterOnShutdown(l.simulator.Close) // its event streams never end by themselves
	}
	return s
}

// handler tells the webhook, the simulated platform and the API apart. The
// simulated platform on a loopback address is for this machine alone.
func (l *Local) handler() http.Handler {
	webhook, rest := l.webhook(), l.rest()
	simulator := http.NotFoundHandler()
	if l.simulator != nil {
		simulator = patient(http.StripPrefix(simulatorPath, l.simulator))
	}
	all := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.TrimSuffix(r.URL.Path, "/") == api.WebhookPath:
			webhook.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, simulatorPath+"/"):
			simulator.ServeHTTP(w, r)
		default:
			rest.ServeHTTP(w, r)
		}
	})
	if l.simulator != nil && l.listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return onLoopback(all)
	}
	return all
}

func (l *Local) webhook() http.Handler {
	o := api.WebhookOptions{
		Service:       l.service,
		Decode:        vonage.Decode,
		ErrIncomplete: vonage.ErrIncomplete,
		Heard:         l.heard.Record,
		Sources:       l.settings.CallbackSources,
		Now:           now,
		Log:           l.log,
		Metrics:       l.metrics,
	}
	if l.settings.Forwards {
		o.Keep = l.keep
	}
	if p := l.settings.Platform; p.SignatureSecret != "" {
		o.Verifier = vonage.NewVerifier(p.SignatureSecret, time.Now, p.PreviousSignatureSecret)
	}
	return api.Webhook(o)
}

func (l *Local) rest() http.Handler {
	return api.New(api.Options{
		Service:      l.service,
		APISecret:    l.settings.APISecret,
		TicketSecret: l.settings.TicketSecret,
		Previous:     api.Previous{APISecret: l.settings.PreviousAPISecret, TicketSecret: l.settings.PreviousTicketSecret},
		Origins:      l.settings.Origins,
		Checkup:      l.checkup.Run,
		Now:          now,
		Version:      version.Of(),
		Pages:        l.pages(),
		Log:          l.log,
	})
}

// patient lifts the server's limits for event streams, which stay open.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_ = c.SetReadDeadline(time.Time{})
		_ = c.SetWriteDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}

// Run serves until ctx ends, then finishes what has begun and closes. It gives
// nil after an end that was asked for.
func (l *Local) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- l.server.Serve(l.listener) }()
	l.serveControl()
	inside, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var all sync.WaitGroup
		all.Go(func() { l.replayParked(inside) })
		all.Go(func() { l.forwardKept(inside) })
		all.Go(func() { l.serveMetrics(inside) })
		l.keepHouse(inside)
		all.Wait()
	}()
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	}
	stop()
	<-done
	return errors.Join(failed, l.shutDown())
}

func (l *Local) shutDown() error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	failed := l.server.Shutdown(ctx)
	if errors.Is(failed, context.DeadlineExceeded) {
		l.log.Warn("requests that take too long were cut off")
		failed = l.server.Close()
	}
	return errors.Join(failed, l.Close())
}

// keepHouse restores the wakes, then sweeps and purges until ctx ends.
func (l *Local) keepHouse(ctx context.Context) {
	l.report(ctx, "the wakes could not be restored, the sweep will find the lessons", l.restore(ctx))
	l.purge(ctx)
	l.sweep(ctx)
	sweeps, purges := time.NewTicker(sweepEvery), time.NewTicker(purgeEvery)
	defer sweeps.Stop()
	defer purges.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweeps.C:
			l.sweep(ctx)
		case <-purges.C:
			l.purge(ctx)
		}
	}
}

// sweep finishes what is due, and marks that it did.
func (l *Local) sweep(ctx context.Context) {
	err := l.service.Sweep(ctx)
	if err == nil {
		l.metrics.Record(metric.Sweeps, "", 1)
		l.swept.Record(ctx)
	}
	l.report(ctx, "the sweep failed and will be tried again", err)
}

func (l *Local) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		l.log.Error(what, "error", err)
	}
}

// purge drops what is older than the retention, where the store does not do it
// by itself.
func (l *Local) purge(ctx context.Context) {
	if p, ok := l.store.(interface {
		Purge(ctx context.Context, now epoch.Instant) error
	}); ok {
		l.report(ctx, "old records could not be dropped", p.Purge(ctx, now()))
	}
}

// everyLesson is more lessons than one process keeps; far is later than any due
// time.
const (
	everyLesson = 1 << 20
	far         = epoch.Instant(1) << 52
)

// restore places a wake for every lesson that has something to do, and asks for the
// backend to be told what it was not.
func (l *Local) restore(ctx context.Context) error {
	for bucket := range room.DueBuckets {
		sessions, err := l.store.Due(ctx, bucket, far, everyLesson)
		if err != nil {
			return err
		}
		for len(sessions) > 0 {
			page := sessions[:min(len(sessions), 100)]
			sessions = sessions[len(page):]
			if err := l.wakeAll(ctx, page); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Local) wakeAll(ctx context.Context, sessions []string) error {
	lessons, err := l.store.Lessons(ctx, sessions)
	if err != nil {
		return err
	}
	for session, lesson := range lessons {
		if err := l.timer.Wake(ctx, session, lesson.Due); err != nil {
			return err
		}
		if at, untold := lesson.TellAt(); untold {
			if err := l.tells.Wake(ctx, session, at); err != nil {
				return err
			}
		}
	}
	return nil
}
