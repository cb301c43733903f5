// Package app joins everything for the cloud: the doorkeeper over DynamoDB,
// EventBridge Scheduler, SQS and Vonage, as five functions. Nothing is made
// before the first request needs it, and what could not be made is tried again
// with the next. Package local is its counterpart for a single process.
//
// It is trusted with the secret and its rotation. Begin with app.go, then http.go
// (webhook and rooms) and tasks.go.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"usher/pkg/checkup"
	"usher/pkg/config"
	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/hooks"
	"usher/pkg/metric"
	"usher/pkg/redact"
	"usher/pkg/room"
	"usher/pkg/timer"
)

// Cloud is one function's process.
type Cloud struct {
	aws     *clients
	log     *slog.Logger
	now     func() time.Time
	metrics metric.Recorder

	mu    sync.Mutex
	parts map[config.Part]*part // one, but for tests
}

// part is what one kind of function has.
type part struct {
	have  *joined   // nil until the first success
	good  time.Time // when the reading began that have was found right by
	until time.Time // when the secret is looked at again
	err   error     // of the last try; nil: it succeeded
}

// New prepares the functions from the process's environment, and does nothing
// yet.
//
// requestID finds the id of the call that a context belongs to, for the log.
func New(requestID func(context.Context) string) *Cloud {
	lines := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: redact.Tokens})
	log := slog.New(withRequest{lines, requestID})
	return newCloud(config.Environment, log, time.Now).measured(os.Stdout)
}

func newCloud(lookup config.Lookup, log *slog.Logger, now func() time.Time) *Cloud {
	return &Cloud{aws: newClients(lookup), log: log, now: now, metrics: metric.Nobody{}, parts: map[config.Part]*part{}}
}

func (c *Cloud) time() epoch.Instant { return epoch.Of(c.now()) }

// joined is the doorkeeper with the settings that it was made of.
type joined struct {
	secrets  secrets
	settings config.CloudSettings
	service  *doorkeeper.Service // nil for a part that only forwards
	platform room.Platform
	marks    room.Marks
	heard    *checkup.Recorder // of callbacks
	swept    *checkup.Recorder
	// forwarder sends callbacks on, for such a part.
	forwarder *hooks.Forwarder
}

const (
	// fresh is how soon a changed secret is noticed.
	fresh = 5 * time.Minute
	// stale is when it is looked at again after it could not be read.
	stale = 30 * time.Second
	// brief is the same for who has nothing to go on with. Whoever asks meanwhile,
	// anybody can, is answered without asking Secrets Manager.
	brief = 5 * time.Second
	// keysHold is how long keys are accepted after the last reading that showed them:
	// one that was taken out may be among them.
	keysHold = 10 * time.Minute
)

// join gives the doorkeeper, made at the first call. A secret that was changed
// makes it anew; one that cannot be read any more, or is wrong in what this
// function uses, leaves it: for good where lessons are worked, and while keys hold
// where somebody is let in by them.
func (c *Cloud) join(ctx context.Context, use config.Part, as view) (*joined, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.parts[use]
	if p == nil {
		p = &part{}
		c.parts[use] = p
	}
	if !c.now().Before(p.until) {
		c.renew(ctx, p, use, as)
	}
	switch {
	case p.have == nil:
		return nil, p.err
	case c.outdated(p, use):
		return nil, fmt.Errorf("the keys read at %s do not hold any more: %w", p.good.UTC().Format(time.RFC3339), p.err)
	}
	return p.have, nil
}

// renew looks at the secret and says when to look again.
func (c *Cloud) renew(ctx context.Context, p *part, use config.Part, as view) {
	began := c.now()
	next, err := c.assemble(ctx, p.have, use, as)
	p.err = err
	switch {
	case err == nil:
		p.have, p.good, p.until = next, began, began.Add(fresh)
	case p.have == nil || c.outdated(p, use):
		p.until = c.now().Add(brief)
	default:
		c.log.ErrorContext(ctx, "the settings could not be read again, the former ones stay", "read", p.good.UTC(), "error", err)
		p.until = c.now().Add(stale)
	}
}

// outdated tells whether the part lets somebody in by keys that do not hold any more.
func (c *Cloud) outdated(p *part, use config.Part) bool {
	return (use == config.Callback || use == config.API) && !c.now().Before(p.good.Add(keysHold))
}

// assemble makes the doorkeeper, or gives have where the secret is the same.
func (c *Cloud) assemble(ctx context.Context, have *joined, use config.Part, as view) (*joined, error) {
	secrets, err := c.aws.readSecrets(ctx, use)
	if err != nil {
		return nil, err
	}
	if have != nil && have.secrets.equal(secrets) {
		return have, nil
	}
	settings, err := config.Cloud(c.aws.lookup, secrets.values, use)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if use == config.Forwarding {
		to := hooks.ForwarderOptions{URL: settings.Forward.URL, Private: settings.Forward.Private}
		return &joined{secrets: secrets, settings: settings, forwarder: hooks.NewForwarder(to)}, nil
	}
	j := &joined{secrets: secrets, settings: settings}
	return j, c.furnish(j, as)
}

// Expire passes the call of a schedule on to the queue of exact seconds. It
// fails for anything but a wake.
func (c *Cloud) Expire(ctx context.Context, call timer.Message) error {
	if call.Wake == nil {
		return errors.New("the schedule's input is not a wake")
	}
	return c.queues().Expire(ctx, *call.Wake)
}

// Tasks works on a batch of a queue: wakes, parked events, what is to be told to the
// backend, and callbacks that go on.
func (c *Cloud) Tasks(ctx context.Context, b Batch) (Failures, error) {
	d := &desk{
		worker: func(ctx context.Context) (worker, error) {
			j, err := c.join(ctx, config.Work, whole)
			if err != nil {
				c.log.ErrorContext(ctx, "not ready", "error", err)
				return nil, err
			}
			return j.service, nil
		},
		teller:    c.teller,
		forwarder: c.forwarder,
		again:     c.queues().Again,
		now:       c.time,
		ahead:     timer.Ahead,
		log:       c.log,
		metrics:   c.metrics,
	}
	return d.batch(ctx, b), nil
}

// Sweep finishes what is due anywhere.
func (c *Cloud) Sweep(ctx context.Context) error {
	j, err := c.join(ctx, config.Work, whole)
	if err != nil {
		return err
	}
	if err := j.service.Sweep(ctx); err != nil {
		return err
	}
	c.measureSweep()
	j.swept.Record(ctx)
	return nil
}

// teller joins a doorkeeper of its own: what is wrong with the settings of telling must
// not keep lessons from ending.
func (c *Cloud) teller(ctx context.Context) (teller, error) {
	j, err := c.join(ctx, config.Telling, whole)
	if err != nil {
		c.log.ErrorContext(ctx, "the backend cannot be told", "error", err)
		return nil, err
	}
	return j.service, nil
}

// forwarder gives nil where callbacks go on to nobody.
func (c *Cloud) forwarder(ctx context.Context) (forwarder, error) {
	j, err := c.join(ctx, config.Forwarding, whole)
	if err != nil {
		c.log.ErrorContext(ctx, "callbacks cannot be forwarded", "error", err)
		return nil, err
	}
	if j.settings.Forward.URL == "" {
		return nil, nil
	}
	return j.forwarder, nil
}

func newID() string { return rand.Text() }
