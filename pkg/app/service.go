package app

import (
	"usher/pkg/api"
	"usher/pkg/checkup"
	"usher/pkg/config"
	"usher/pkg/doorkeeper"
	"usher/pkg/dynamo"
	"usher/pkg/hooks"
	"usher/pkg/room"
	"usher/pkg/timer"
	"usher/pkg/vonage"
)

// furnish makes the doorkeeper by its settings, and what looks after it.
func (c *Cloud) furnish(j *joined, as view) error {
	s := j.settings
	platform, err := c.platform(s.Platform)
	if err != nil {
		return err
	}
	store := dynamo.New(as(c.aws.dynamo()), s.Table, dynamo.Clock(c.time), dynamo.Retention(s.Retention))
	j.platform, j.marks = platform, store
	j.heard = checkup.NewRecorder(store, checkup.CallbackMark, c.time, c.log)
	j.swept = checkup.NewRecorder(store, checkup.SweepMark, c.time, c.log)
	j.service, err = c.service(s, store, platform)
	return err
}

func (c *Cloud) service(s config.CloudSettings, store room.Store, platform room.Platform) (*doorkeeper.Service, error) {
	wakes := c.timer(s, c.aws.schedules())
	telling := doorkeeper.Telling{Begin: s.Tells, Ask: wakes.Tell}
	if s.Events.URL != "" {
		backend, err := hooks.NewBackend(hooks.BackendOptions{
			URL: s.Events.URL, Secret: s.Events.Secret, Body: api.Notice, Now: c.now,
		})
		if err != nil {
			return nil, err
		}
		telling.Backend = backend
	}
	return doorkeeper.NewService(store, platform, wakes, doorkeeper.Settings{
		TokenLife: s.TokenLife,
		AllowDemo: s.Platform.Local(),
		Project:   s.Platform.Project(),
		Now:       c.time,
		NewID:     newID,
		Log:       c.log,
		Metrics:   c.metrics,
		Queue:     wakes,
		Telling:   telling,
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

// timer sends wakes and parks events. Without schedules it wakes up to 15
// minutes ahead.
func (c *Cloud) timer(s config.CloudSettings, schedules timer.Scheduler) *timer.Cloud {
	return timer.NewCloud(timer.Options{
		Scheduler:     schedules,
		SQS:           c.aws.queues(),
		QueueURL:      s.TasksURL,
		DeadlinesURL:  s.DeadlinesURL,
		ParkedURL:     s.ParkURL,
		TellURL:       s.TellQueueURL,
		ForwardURL:    s.ForwardQueueURL,
		Ahead:         timer.Ahead,
		GroupName:     s.ScheduleGroup,
		TargetARN:     s.ScheduleTarget,
		RoleARN:       s.ScheduleRole,
		DeadLetterARN: s.ScheduleFailures,
		Now:           c.time,
	})
}

// queues is a timer that needs no secret. A wrong address shows when it is
// used.
func (c *Cloud) queues() *timer.Cloud {
	s, _ := config.Cloud(c.aws.lookup, nil, config.Queues)
	return c.timer(s, nil)
}
