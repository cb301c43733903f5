package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
	"usher/pkg/timer"
)

// Batch is what Lambda hands over from an SQS queue.
type Batch struct {
	Records []Message `json:"Records"`
}

// Message is one message of a Batch.
type Message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

// Failures names the messages that have to come again. An empty list is all
// done; a missing one would be the whole batch failed.
type Failures struct {
	Items []Failure `json:"batchItemFailures"`
}

// Failure names one message.
type Failure struct {
	ID string `json:"itemIdentifier"`
}

// worker is what tasks ask of the doorkeeper.
type worker interface {
	Work(ctx context.Context, session string) error
	Replay(ctx context.Context, e lesson.Event) error
}

// teller is what tasks ask of the doorkeeper that tells the backend.
type teller interface {
	Tell(ctx context.Context, session string) error
}

// forwarder sends a callback on to another listener.
type forwarder interface {
	Forward(ctx context.Context, c room.Callback) error
}

// desk works on the messages of a batch.
type desk struct {
	worker func(context.Context) (worker, error)
	// teller and forwarder have settings of their own: a wrong one of theirs is none of
	// the worker's.
	teller    func(context.Context) (teller, error)
	forwarder func(context.Context) (forwarder, error)
	// again sends a body once more, to come after delay.
	again   func(ctx context.Context, body string, delay time.Duration) error
	now     func() epoch.Instant
	ahead   time.Duration // before a deadline its wake comes
	log     *slog.Logger
	metrics metric.Recorder
}

const (
	// patience is the longest that a wake is waited for here, after what a
	// deadline's comes ahead. SQS delays by whole seconds, so less than one is
	// usual.
	patience = 2 * time.Second
	// pause is how long a store that is away is left alone.
	pause = 10 * time.Second
)

// errEarly is a wake that came long before its time.
type errEarly struct{ left time.Duration }

func (e errEarly) Error() string { return fmt.Sprintf("the wake came %v early", e.left) }

// batch works on all messages at once; a slow one holds up no other.
func (d *desk) batch(ctx context.Context, b Batch) Failures {
	failed := make([]bool, len(b.Records))
	var all sync.WaitGroup
	for i, m := range b.Records {
		all.Go(func() {
			if err := d.message(ctx, m); err != nil {
				d.log.ErrorContext(ctx, "task failed", "alarm", "task-failed", "message", m.ID, "error", err)
				failed[i] = true
			}
		})
	}
	all.Wait()
	f := Failures{Items: []Failure{}}
	for i, m := range b.Records {
		if failed[i] {
			f.Items = append(f.Items, Failure{ID: m.ID})
		}
	}
	return f
}

// message is done when it has been worked on, or when it will come again: a
// store that is away does not count as a failed try.
func (d *desk) message(ctx context.Context, m Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	task, err := timer.Decode(m.Body)
	if err != nil {
		return err
	}
	if task.Forward != nil {
		return d.forward(ctx, *task.Forward)
	}
	err = d.work(ctx, task)
	var early errEarly
	switch {
	case errors.As(err, &early):
		return d.again(ctx, m.Body, early.left)
	case errors.Is(err, room.ErrUnavailable):
		d.log.WarnContext(ctx, "the store is away, the task comes again", "message", m.ID, "error", err)
		return d.again(ctx, m.Body, pause)
	}
	return err
}

func (d *desk) work(ctx context.Context, task timer.Message) error {
	if task.Tell != nil {
		return d.tell(ctx, *task.Tell)
	}
	w, err := d.worker(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", room.ErrUnavailable, err)
	}
	if task.Event != nil {
		return w.Replay(ctx, *task.Event)
	}
	if err := d.until(ctx, task.Wake); err != nil {
		return err
	}
	return w.Work(ctx, task.Wake.Session)
}

// early is how long before its moment the wake is meant to come.
func (d *desk) early(w *timer.Wake) time.Duration {
	if w.Deadline {
		return d.ahead
	}
	return 0
}

// until waits for a moment that is near. A deadline's wake waits here with the
// others of its batch, in a process that is ready: nobody has to fetch it, or to
// start, when the moment has come.
func (d *desk) until(ctx context.Context, w *timer.Wake) error {
	left := w.At.Sub(d.now())
	if left > d.early(w)+patience {
		return errEarly{left - d.early(w)}
	}
	near, stop := context.WithTimeout(ctx, left)
	defer stop()
	<-near.Done()
	return ctx.Err()
}

func (d *desk) tell(ctx context.Context, wake timer.Wake) error {
	t, err := d.teller(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", room.ErrUnavailable, err)
	}
	if err := d.until(ctx, &wake); err != nil {
		return err
	}
	return t.Tell(ctx, wake.Session)
}

// forward sends a callback on, again and again for a day. A message that it gives up,
// and one that comes again as another, is done.
func (d *desk) forward(ctx context.Context, f timer.Forward) error {
	to, err := d.forwarder(ctx)
	if err == nil && to == nil {
		return nil // nobody else listens any more
	}
	if err == nil {
		err = to.Forward(ctx, f.Callback)
	}
	if err == nil {
		return nil
	}
	f.Failures++
	if d.now().Sub(f.Received) >= room.ForwardFor {
		d.metrics.Record(metric.Undelivered, metric.ToListener, 1)
		d.log.ErrorContext(ctx, "a callback could not be forwarded within a day and is given up", "alarm", "not-forwarded", "received", f.Received, "error", err)
		return nil
	}
	d.log.WarnContext(ctx, "a callback was not forwarded and will be again", "failures", f.Failures, "error", err)
	body, err := timer.Message{Forward: &f}.Encode()
	if err != nil {
		return err
	}
	return d.again(ctx, body, room.ForwardAgain(f.Failures))
}
