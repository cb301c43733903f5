package timertest

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// CreateSchedule implements timer.Scheduler. A schedule fires at any moment of the
// 60 seconds that follow the one it is set to.
func (c *Cloud) CreateSchedule(_ context.Context, in *scheduler.CreateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	set, err := time.Parse("at(2006-01-02T15:04:05)", aws.ToString(in.ScheduleExpression))
	if err != nil {
		return nil, fmt.Errorf("the schedule is set to no moment: %w", err)
	}
	name := aws.ToString(in.Name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.schedules[name] {
		return nil, &schedulertypes.ConflictException{Message: aws.String("it exists")}
	}
	c.schedules[name] = true
	r := c.chance("schedule", name)
	at := set.Add(upTo(time.Minute, r))
	if oneIn(c.LateOneIn, r) {
		at = at.Add(time.Minute + upTo(4*time.Minute, r))
	}
	input := aws.ToString(in.Target.Input)
	c.plan(at, r.Uint64(), func() { c.fire(name, input, 0) })
	if oneIn(c.TwiceOneIn, r) {
		c.plan(at.Add(upTo(10*time.Second, r)), r.Uint64(), func() { c.fire(name, input, 0) })
	}
	return &scheduler.CreateScheduleOutput{}, nil
}

// fire calls the target, which has to be started first. The lock is held.
func (c *Cloud) fire(name, input string, tries int) {
	c.used.Schedules++
	start := c.Cold + upTo(200*time.Millisecond, c.chance("call", name))
	go func() {
		time.Sleep(start)
		if err := c.Target(context.Background(), input); err == nil || tries == 2 {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.plan(time.Now().Add(time.Duration(tries+1)*time.Minute), 0, func() { c.fire(name, input, tries+1) })
	}()
}
