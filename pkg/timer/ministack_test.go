//go:build verify

package timer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"usher/pkg/childtest"
	"usher/pkg/dynamo"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

const region = "eu-central-1"

// emulator is an AWS of its own for one test.
type emulator struct {
	t         *testing.T
	scheduler *scheduler.Client
	sqs       *sqs.Client
}

// startEmulator runs the emulator that make fetch installs;
// without it the test fails.
func startEmulator(t *testing.T) *emulator {
	t.Helper()
	root := moduleRoot(t)
	python := filepath.Join(root, ".cache/ms/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("the AWS emulator is missing; run make fetch (%v)", err)
	}
	addr := childtest.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	endpoint := "http://" + addr
	cmd := exec.Command(python, filepath.Join(root, "testdata/ministack/start.py"))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "MINISTACK_REGION="+region,
		"AWS_ENDPOINT_URL="+endpoint, "IOT_MTLS_ENABLED=0", "AUTH=true",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	childtest.Serve(t, cmd, endpoint+"/_ministack/health", http.StatusOK)
	return clients(t, endpoint)
}

func clients(t *testing.T, endpoint string) *emulator {
	key := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})
	plain := dynamo.PlainBodies{HTTPClient: http.DefaultClient} // a schedule that is made twice is a conflict
	return &emulator{
		t:         t,
		scheduler: scheduler.New(scheduler.Options{Region: region, BaseEndpoint: &endpoint, Credentials: key, HTTPClient: plain}),
		sqs:       sqs.New(sqs.Options{Region: region, BaseEndpoint: &endpoint, Credentials: key, HTTPClient: plain}),
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("go.mod is nowhere above")
		}
		dir = filepath.Dir(dir)
	}
}

// until polls for what comes in a moment, or on a slow machine in minutes.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within three minutes: %s", what)
		}
		<-tick.C
	}
}

// queue makes a queue.
func (e *emulator) queue(name string) (url, arn string) {
	e.t.Helper()
	made, err := e.sqs.CreateQueue(e.t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		e.t.Fatal(err)
	}
	attributes, err := e.sqs.GetQueueAttributes(e.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return *made.QueueUrl, attributes.Attributes["QueueArn"]
}

// receive takes what comes within that many seconds: the first message, or "".
func (e *emulator) receive(url string, seconds int32) string {
	e.t.Helper()
	got, err := e.sqs.ReceiveMessage(e.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, WaitTimeSeconds: seconds, MaxNumberOfMessages: 1,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	if len(got.Messages) == 0 {
		return ""
	}
	m := got.Messages[0]
	if _, err := e.sqs.DeleteMessage(e.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		e.t.Fatal(err)
	}
	return *m.Body
}

// cloud has schedules that call a queue instead of a function, and a clock.
func (e *emulator) cloud(now func() epoch.Instant) (c *Cloud, exact, fired string) {
	e.t.Helper()
	exact, _ = e.queue("exact")
	fired, target := e.queue("fired")
	_, dead := e.queue("dead")
	group := "usher"
	_, err := e.scheduler.CreateScheduleGroup(e.t.Context(), &scheduler.CreateScheduleGroupInput{Name: &group})
	if err != nil {
		e.t.Fatal(err)
	}
	return NewCloud(Options{
		Scheduler: e.scheduler, SQS: e.sqs, QueueURL: exact, GroupName: group,
		TargetARN: target, RoleARN: "arn:aws:iam::000000000000:role/scheduler", DeadLetterARN: dead, Now: now,
	}), exact, fired
}

func (e *emulator) schedules() []schedulertypes.ScheduleSummary {
	e.t.Helper()
	got, err := e.scheduler.ListSchedules(e.t.Context(), &scheduler.ListSchedulesInput{GroupName: aws.String("usher")})
	if err != nil {
		e.t.Fatal(err)
	}
	return got.Schedules
}

func TestEmulatedScheduleIsOne(t *testing.T) {
	e := startEmulator(t)
	c, _, fired := e.cloud(now)
	at := now().Add(2 * time.Hour)
	for range 3 {
		if err := c.Wake(t.Context(), "s", at); err != nil {
			t.Fatal(err)
		}
	}
	all := e.schedules()
	if len(all) != 1 || *all[0].Name != scheduleName("s", at) {
		t.Fatalf("%d schedules, want one named %s", len(all), scheduleName("s", at))
	}
	got, err := e.scheduler.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: all[0].Name, GroupName: aws.String("usher")})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"wake":{"session":"s","at":%d}}`, at)
	if *got.ScheduleExpression != scheduleTime(at) || *got.Target.Input != want {
		t.Errorf("it is %s with the input %s", *got.ScheduleExpression, *got.Target.Input)
	}
	if body := e.receive(fired, 1); body != "" {
		t.Errorf("it has fired: %s", body)
	}
}

// TestEmulatedScheduleFires asks by a clock that is an hour slow for a moment in
// three minutes: the schedule is set to what is past by the emulator's clock.
func TestEmulatedScheduleFires(t *testing.T) {
	e := startEmulator(t)
	slow := time.Hour
	c, exact, fired := e.cloud(func() epoch.Instant { return now().Add(-slow) })
	at := now() + 3500
	if err := c.Wake(t.Context(), "s", at); err != nil {
		t.Fatal(err)
	}
	var body string
	until(t, "the schedule fires", func() bool { body = e.receive(fired, 1); return body != "" })
	m, err := Decode(body)
	if err != nil || m.Wake == nil || *m.Wake != (Wake{Session: "s", At: at}) {
		t.Fatalf("it calls with %s (%v)", body, err)
	}
	until(t, "the schedule is gone", func() bool { return len(e.schedules()) == 0 })
	if again := e.receive(fired, 1); again != "" {
		t.Errorf("it fired twice: %s", again)
	}

	slow = 0
	if err := c.Expire(t.Context(), *m.Wake); err != nil {
		t.Fatal(err)
	}
	until(t, "the message comes", func() bool { body = e.receive(exact, 1); return body != "" })
	if again, err := Decode(body); err != nil || *again.Wake != *m.Wake {
		t.Errorf("the message is %s (%v)", body, err)
	}
}

// TestEmulatedDelay: a wake is held back for the whole seconds until its moment,
// by a clock that stands.
func TestEmulatedDelay(t *testing.T) {
	e := startEmulator(t)
	sent := now()
	c, exact, _ := e.cloud(func() epoch.Instant { return sent })
	wake := Wake{Session: "s", At: sent + 2900}
	if err := c.Wake(t.Context(), wake.Session, wake.At); err != nil {
		t.Fatal(err)
	}
	if err := c.Park(t.Context(), lesson.Event{Name: "e", Session: "parked"}); err != nil {
		t.Fatal(err)
	}
	woken, parked := false, false
	until(t, "both messages come", func() bool {
		body := e.receive(exact, 1)
		came := now()
		m, err := Decode(body)
		switch {
		case body == "":
		case err == nil && m.Event != nil && m.Event.Session == "parked":
			parked = true
		case err == nil && m.Wake != nil && *m.Wake == wake:
			woken = true
			if held := came.Sub(sent); held < 1950*time.Millisecond {
				t.Errorf("it came after %s for a moment 2.9 s ahead", held)
			}
		default:
			t.Fatalf("there comes %s (%v)", body, err)
		}
		return woken && parked
	})
}

func TestEmulatedConflictIsTyped(t *testing.T) {
	e := startEmulator(t)
	c, _, _ := e.cloud(now)
	in, err := c.schedule(Wake{Session: "s", At: now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.scheduler.CreateSchedule(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.scheduler.CreateSchedule(t.Context(), in)
	if exists := (*schedulertypes.ConflictException)(nil); !errors.As(err, &exists) {
		t.Errorf("the second is %v, want a ConflictException", err)
	}
}
