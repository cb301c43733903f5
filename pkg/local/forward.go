package local

import (
	"context"
	"sync"
	"time"

	"usher/pkg/bolt"
	"usher/pkg/hooks"
	"usher/pkg/metric"
	"usher/pkg/room"
)

const (
	// forwardParallel is how many callbacks are sent on at once, and forwardPage how
	// many are taken at a time.
	forwardParallel = 16
	forwardPage     = 64
	// forwardEvery is how often it is looked for those whose time has come.
	forwardEvery = time.Second
)

// keep makes a callback durable that goes on, and has it sent.
func (l *Local) keep(ctx context.Context, c room.Callback) error {
	if err := l.file.Keep(ctx, c); err != nil {
		return err
	}
	select {
	case l.kept <- struct{}{}:
	default: // somebody will look anyway
	}
	return nil
}

// forwardKept sends callbacks on until ctx ends.
func (l *Local) forwardKept(ctx context.Context) {
	f := l.settings.Forward
	if f.URL == "" {
		return
	}
	to := hooks.NewForwarder(hooks.ForwarderOptions{URL: f.URL, Private: f.Private})
	for {
		l.report(ctx, "callbacks could not be forwarded and will be tried again", l.forwardDue(ctx, to))
		select {
		case <-ctx.Done():
			return
		case <-l.kept:
		case <-time.After(forwardEvery):
		}
	}
}

// forwardDue sends on what is due.
func (l *Local) forwardDue(ctx context.Context, to *hooks.Forwarder) error {
	for ctx.Err() == nil {
		list, err := l.file.Kept(ctx, now(), forwardPage)
		if err != nil || len(list) == 0 {
			return err
		}
		var all sync.WaitGroup
		slots := make(chan struct{}, forwardParallel)
		failed := make([]error, len(list))
		for i, k := range list {
			slots <- struct{}{}
			all.Go(func() {
				failed[i] = l.forward(ctx, to, k)
				<-slots
			})
		}
		all.Wait()
		for _, err := range failed {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// forward sends one on, and keeps it where that fails, for a day.
func (l *Local) forward(ctx context.Context, to *hooks.Forwarder, k bolt.Kept) error {
	err := to.Forward(ctx, k.Callback)
	switch {
	case err == nil:
		return l.file.Drop(ctx, k)
	case ctx.Err() != nil:
		return ctx.Err() // it stays
	case now().Sub(k.Received) >= room.ForwardFor:
		l.metrics.Record(metric.Undelivered, metric.ToListener, 1)
		l.log.Error("a callback could not be forwarded within a day and is given up", "alarm", "not-forwarded", "received", k.Received, "error", err)
		return l.file.Drop(ctx, k)
	}
	l.log.Warn("a callback was not forwarded and will be again", "failures", k.Failures+1, "error", err)
	return l.file.KeepUntil(ctx, k, now().Add(room.ForwardAgain(k.Failures+1)))
}
