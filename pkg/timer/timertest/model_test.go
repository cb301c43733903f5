package timertest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const url = "https://sqs.test/q"

func send(t *testing.T, c *Cloud, body string, delay int32) {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: &body, DelaySeconds: delay}
	if _, err := c.SendMessage(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// calls gives after how long each call of the function began.
func calls(c *Cloud, m Mapping, work time.Duration, fails bool) *[]time.Duration {
	var at []time.Duration
	begun := time.Now()
	said := make(chan time.Duration, 1000)
	m.Handle = func(_ context.Context, _ int, batch []Message) (failed []string) {
		said <- time.Since(begun)
		time.Sleep(work)
		for _, one := range batch {
			if fails {
				failed = append(failed, one.ID)
			}
		}
		return failed
	}
	c.Map(url, m)
	c.At(begun.Add(time.Hour), func() {
		for len(said) > 0 {
			at = append(at, <-said)
		}
		slices.Sort(at)
	})
	return &at
}

func TestPollersGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Conditions{Seed: 1, Cold: 600 * time.Millisecond})
		at := calls(c, Mapping{Batch: 10, Visibility: time.Minute, Timeout: 40 * time.Second}, 30*time.Second, false)
		for i := range 300 {
			send(t, c, fmt.Sprint(i), 2)
		}
		c.Run(time.Now().Add(61 * time.Minute))
		var busy []int
		for second := range 6 {
			n, _ := slices.BinarySearch(*at, time.Duration(3+second)*time.Second)
			busy = append(busy, n)
		}
		if want := []int{5, 10, 15, 20, 25, 30}; !slices.Equal(busy, want) {
			t.Errorf("batches that are worked on at the end of each second: %v, want %v", busy, want)
		}
		if first := (*at)[0]; first < 2600*time.Millisecond {
			t.Errorf("a message delayed by 2 s was worked on after %s", first)
		}
	})
}

func TestFailedMessageComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Conditions{Seed: 1})
		at := calls(c, Mapping{Batch: 10, Visibility: time.Minute, Timeout: 40 * time.Second}, 0, true)
		send(t, c, "poison", 0)
		c.Run(time.Now().Add(61 * time.Minute))
		if len(*at) != maxReceives || c.Used().Dead != 1 {
			t.Fatalf("it came at %s, and %d were put aside", *at, c.Used().Dead)
		}
		for i := 1; i < len(*at); i++ {
			if gap := (*at)[i] - (*at)[i-1]; gap < 59*time.Second || gap > 61*time.Second {
				t.Errorf("it came again after %s", gap)
			}
		}
	})
}

func TestProcessDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Conditions{Seed: 1, DeadOneIn: 2})
		at := calls(c, Mapping{Batch: 1, Visibility: time.Minute, Timeout: 40 * time.Second}, 10*time.Second, false)
		for i := range 20 {
			send(t, c, fmt.Sprint(i), 0)
		}
		c.Run(time.Now().Add(61 * time.Minute))
		if len(*at) < 25 {
			t.Errorf("where every second process dies there were %d calls for 20 messages", len(*at))
		}
	})
}

func TestScheduleFiresInItsMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Conditions{Seed: 1, TwiceOneIn: 10, LateOneIn: 10})
		set := time.Now().Add(time.Hour).UTC().Truncate(time.Minute)
		after := make(chan time.Duration, 1000)
		c.Target = func(context.Context, string) error { after <- time.Since(set); return nil }
		create := func(name string) error {
			_, err := c.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
				Name: &name, ScheduleExpression: aws.String(set.Format("at(2006-01-02T15:04:05)")), Target: &schedulertypes.Target{Input: aws.String("x")},
			})
			return err
		}
		for i := range 200 {
			if err := create(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		if create("7") == nil {
			t.Error("a schedule was made twice")
		}
		c.Run(time.Now().Add(2 * time.Hour))
		fired, late := len(after), 0
		for len(after) > 0 {
			switch d := <-after; {
			case d < 0 || d > 6*time.Minute:
				t.Errorf("one fired %s after its minute began", d)
			case d > time.Minute+11*time.Second:
				late++
			}
		}
		if fired <= 200 || late == 0 || late > 60 {
			t.Errorf("of 200 schedules %d fired, %d of them late", fired, late)
		}
	})
}
