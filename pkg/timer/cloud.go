package timer

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

const (
	// maxDelay is the longest DelaySeconds of SQS.
	maxDelay = 900 * time.Second
	// lead is how long before the moment a schedule is set. Schedules go by the
	// minute and fire within the 60 seconds after theirs, so this one fires 150
	// to 30 seconds before the moment; SQS waits for the rest.
	lead = 90 * time.Second
	// Ahead is how long before a deadline its wake is delivered, to be waited out
	// there. Pollers of a queue grow by five a second: in this time they become
	// enough for a full hour's end. docs/design.md has the table it was chosen by.
	Ahead = 10 * time.Second
	// maxAge is for how long the scheduler tries again to deliver, in seconds
	// (60 to 86,400). Long after the moment, the sweep has done the work.
	maxAge = 300
)

// Scheduler is what Cloud needs of EventBridge Scheduler's client.
type Scheduler interface {
	CreateSchedule(ctx context.Context, in *scheduler.CreateScheduleInput, opts ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error)
}

// SQS is what Cloud needs of the client of SQS.
type SQS interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Options are the settings of a Cloud. A setting is required unless its comment
// says what stands in for it.
type Options struct {
	Scheduler Scheduler
	SQS       SQS

	QueueURL     string // of wakes, whose handler waits out the last second
	DeadlinesURL string // of deadlines' wakes, whose handler waits out Ahead; QueueURL where it is empty
	ParkedURL    string // of parked events; QueueURL where it is empty

	Ahead time.Duration // how long before a deadline its wake is delivered

	TellURL    string // of telling the backend; QueueURL where it is empty
	ForwardURL string // of callbacks that go on; QueueURL where it is empty

	GroupName     string // of the schedules; the default group where it is empty
	TargetARN     string // of the function that a schedule calls; it calls Expire
	RoleARN       string // of the role in whose name the schedule calls it
	DeadLetterARN string // the queue of calls that failed for good; they are dropped where it is empty

	Now func() epoch.Instant // the wall clock where it is nil
}

// Cloud is a room.Timer and a room.Queue on EventBridge Scheduler and SQS.
// Every method does at most one request.
type Cloud struct{ o Options }

var (
	_ room.Timer = (*Cloud)(nil)
	_ room.Queue = (*Cloud)(nil)
)

// NewCloud makes a Cloud of clients and names; it asks nobody.
func NewCloud(o Options) *Cloud {
	if o.Now == nil {
		o.Now = func() epoch.Instant { return epoch.Of(time.Now()) }
	}
	for _, url := range []*string{&o.DeadlinesURL, &o.ParkedURL, &o.TellURL, &o.ForwardURL} {
		if *url == "" {
			*url = o.QueueURL
		}
	}
	return &Cloud{o}
}

// Wake implements room.Timer: by SQS up to 15 minutes ahead, by a schedule
// beyond. The schedule's name is its session and moment, so that making it twice
// is making it once.
func (c *Cloud) Wake(ctx context.Context, session string, at epoch.Instant) error {
	return c.wake(ctx, Wake{Session: session, At: at})
}

// WakeAtDeadline implements room.Timer. The wake is delivered Ahead of the
// deadline, to a queue of its own.
func (c *Cloud) WakeAtDeadline(ctx context.Context, session string, at epoch.Instant) error {
	return c.wake(ctx, Wake{Session: session, At: at, Deadline: true})
}

func (c *Cloud) wake(ctx context.Context, w Wake) error {
	if w.At.Sub(c.o.Now()) <= maxDelay {
		return c.Expire(ctx, w)
	}
	in, err := c.schedule(w)
	if err != nil {
		return err
	}
	_, err = c.o.Scheduler.CreateSchedule(ctx, in)
	if exists := (*schedulertypes.ConflictException)(nil); err == nil || errors.As(err, &exists) {
		return nil
	}
	return fmt.Errorf("schedule for %s: %w", w.At, err)
}

// Expire is called when a schedule fires: it sends a message that is delivered
// when the whole seconds until the moment, or until Ahead of a deadline, have gone
// by, at most 900. A receiver that gets it early waits out the rest, or sends it
// Again.
func (c *Cloud) Expire(ctx context.Context, w Wake) error {
	m := Message{Wake: &w}
	return c.send(ctx, m, w.At.Sub(c.o.Now())-c.ahead(m))
}

// ahead is how long before its moment the message is to be delivered.
func (c *Cloud) ahead(m Message) time.Duration {
	if m.Wake != nil && m.Wake.Deadline {
		return c.o.Ahead
	}
	return 0
}

// queue is the queue of the message's kind.
func (c *Cloud) queue(m Message) *string {
	switch {
	case m.Event != nil:
		return &c.o.ParkedURL
	case m.Tell != nil:
		return &c.o.TellURL
	case m.Forward != nil:
		return &c.o.ForwardURL
	case m.Wake.Deadline:
		return &c.o.DeadlinesURL
	}
	return &c.o.QueueURL
}

// Park implements room.Queue.
func (c *Cloud) Park(ctx context.Context, e lesson.Event) error {
	return c.send(ctx, Message{Event: &e}, 0)
}

// Tell asks for the backend to be told, as far ahead as SQS delays, 15 minutes.
func (c *Cloud) Tell(ctx context.Context, session string, at epoch.Instant) error {
	return c.send(ctx, Message{Tell: &Wake{Session: session, At: at}}, at.Sub(c.o.Now()))
}

// Keep makes a callback durable that goes on to another listener.
func (c *Cloud) Keep(ctx context.Context, callback room.Callback) error {
	return c.send(ctx, Message{Forward: &Forward{Callback: callback}}, 0)
}

// Again sends a message that was received once more, to the queue of its kind,
// so that it comes back after the whole seconds of delay, at most 900. The copy
// starts with no failed tries; the one received has to be deleted.
func (c *Cloud) Again(ctx context.Context, body string, delay time.Duration) error {
	m, err := Decode(body)
	if err != nil {
		return err
	}
	return c.send(ctx, m, delay)
}

func (c *Cloud) send(ctx context.Context, m Message, delay time.Duration) error {
	body, err := m.Encode()
	if err != nil {
		return err
	}
	seconds := min(max(0, delay), maxDelay) / time.Second
	_, err = c.o.SQS.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:     c.queue(m),
		MessageBody:  &body,
		DelaySeconds: int32(seconds),
	})
	if err != nil {
		return fmt.Errorf("message delayed by %d s: %w", seconds, err)
	}
	return nil
}

// schedule is a one-shot call of the target that deletes itself.
func (c *Cloud) schedule(w Wake) (*scheduler.CreateScheduleInput, error) {
	input, err := Message{Wake: &w}.Encode()
	if err != nil {
		return nil, err
	}
	in := &scheduler.CreateScheduleInput{
		Name:                       aws.String(scheduleName(w.Session, w.At)),
		ScheduleExpression:         aws.String(scheduleTime(w.At)),
		ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:         &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		ActionAfterCompletion:      schedulertypes.ActionAfterCompletionDelete,
		Target: &schedulertypes.Target{
			Arn:         &c.o.TargetARN,
			RoleArn:     &c.o.RoleARN,
			Input:       &input,
			RetryPolicy: &schedulertypes.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(maxAge)},
		},
	}
	if c.o.DeadLetterARN != "" {
		in.Target.DeadLetterConfig = &schedulertypes.DeadLetterConfig{Arn: &c.o.DeadLetterARN}
	}
	if c.o.GroupName != "" {
		in.GroupName = &c.o.GroupName
	}
	return in, nil
}

// scheduleName is the name of the schedule for a session and a moment: 24
// characters of the session's hash (120 bits) and the moment in base 36.
// Names have at most 64 of 0-9, a-z, A-Z, "-", "_" and ".".
func scheduleName(session string, at epoch.Instant) string {
	sum := sha256.Sum256([]byte(session))
	hash := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:24])
	return hash + "-" + strconv.FormatInt(int64(at), 36)
}

// scheduleTime is the minute that the schedule is set to, as an at expression.
func scheduleTime(at epoch.Instant) string {
	minute := at.Add(-lead).Std().Truncate(time.Minute)
	return minute.Format("at(2006-01-02T15:04:05)")
}
