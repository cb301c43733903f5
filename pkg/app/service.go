package app

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"usher/pkg/config"
	"usher/pkg/dynamo"
	"usher/pkg/room"
	"usher/pkg/vonage"
)

func (c *Cloud) service(s config.CloudSettings) (*room.Service, error) {
	platform, err := c.platform(s.Platform)
	if err != nil {
		return nil, err
	}
	return room.NewService(dynamo.New(c.aws.dynamo(), s.Table), platform, nil, room.Settings{
		TokenLife: s.TokenLife,
		AllowDemo: s.Platform.Local(),
		Project:   s.Platform.Project(),
		Now:       c.time,
		NewID:     newID,
		Log:       c.log,
	}), nil
}

func (c *Cloud) platform(p config.Platform) (*vonage.Client, error) {
	return vonage.NewClient(vonage.Options{
		Account: vonage.Account{
			APIKey:        p.APIKey,
			APISecret:     p.APISecret,
			ApplicationID: p.ApplicationID,
			PrivateKey:    p.PrivateKey,
		},
		BaseURL: p.URL,
		Now:     c.now,
	})
}

// Alarm is what a schedule carries.
type Alarm struct {
	Session string    `json:"session"`
	At      room.Time `json:"at"`
}

// Expire passes an alarm on to the queue of exact seconds. It needs no secret.
func (c *Cloud) Expire(ctx context.Context, a Alarm) error { return nil }

// Tasks works on a batch of a queue.
func (c *Cloud) Tasks(ctx context.Context, b Batch) (Failures, error) {
	d := &desk{worker: c.worker, again: c.again, now: c.time, log: c.log}
	return d.batch(ctx, b), nil
}

func (c *Cloud) worker(ctx context.Context) (worker, error) {
	j, err := c.join(ctx)
	if err != nil {
		return nil, err
	}
	return j.service, nil
}

// again sends a task once more to the queue of its kind.
func (c *Cloud) again(ctx context.Context, t task, body string, delay time.Duration) error {
	// The queues are known without the secret.
	s, _ := config.Cloud(c.aws.lookup, nil)
	url := s.TasksURL
	if t.Event != nil {
		url = s.ParkURL
	}
	_, err := c.aws.queues().SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:     &url,
		MessageBody:  &body,
		DelaySeconds: int32(delay / time.Second),
	})
	return err
}
