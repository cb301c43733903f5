package timer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// fakeAWS is both services as documented, for a test: it refuses what they refuse.
type fakeAWS struct {
	t         *testing.T
	now       epoch.Instant
	schedules map[string]*scheduler.CreateScheduleInput
	messages  []sqs.SendMessageInput
	fail      error // what every request answers where it is not nil
}

var (
	scheduleNames = regexp.MustCompile(`^[0-9a-zA-Z-_.]{1,64}$`)
	atExpressions = regexp.MustCompile(`^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$`)
)

func newFakeAWS(t *testing.T) (*fakeAWS, *Cloud) {
	f := &fakeAWS{t: t, now: 1_700_000_000_123, schedules: map[string]*scheduler.CreateScheduleInput{}}
	return f, NewCloud(Options{
		Scheduler: f, SQS: f, QueueURL: "https://sqs/exact", DeadlinesURL: "https://sqs/deadlines", ParkedURL: "https://sqs/tasks",
		TellURL: "https://sqs/tell", ForwardURL: "https://sqs/forward",
		Ahead:     8 * time.Second,
		GroupName: "usher", TargetARN: "arn:aws:lambda:eu-central-1:1:function:expire",
		RoleARN: "arn:aws:iam::1:role/scheduler", DeadLetterARN: "arn:aws:sqs:eu-central-1:1:dead",
		Now: func() epoch.Instant { return f.now },
	})
}

func (f *fakeAWS) CreateSchedule(_ context.Context, in *scheduler.CreateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	f.t.Helper()
	if f.fail != nil {
		return nil, f.fail
	}
	f.check(in)
	key := aws.ToString(in.GroupName) + "/" + *in.Name
	if f.schedules[key] != nil {
		return nil, fmt.Errorf("operation error: %w", &schedulertypes.ConflictException{Message: aws.String("exists")})
	}
	f.schedules[key] = in
	return &scheduler.CreateScheduleOutput{}, nil
}

func (f *fakeAWS) check(in *scheduler.CreateScheduleInput) {
	f.t.Helper()
	if !scheduleNames.MatchString(*in.Name) {
		f.t.Errorf("the name %q is not allowed", *in.Name)
	}
	set := f.setTo(in)
	if set <= f.now || set.Seconds()%60 != 0 {
		f.t.Errorf("set to %s, which is past or no whole minute", set)
	}
	target := in.Target
	age, attempts := target.RetryPolicy.MaximumEventAgeInSeconds, target.RetryPolicy.MaximumRetryAttempts
	if *age < 60 || *age > 86400 || attempts != nil && (*attempts < 0 || *attempts > 185) {
		f.t.Errorf("the retry policy is %d s, %v tries", *age, attempts)
	}
	if !json.Valid([]byte(*target.Input)) {
		f.t.Errorf("the input is %s", *target.Input)
	}
	for _, arn := range []*string{target.Arn, target.RoleArn, target.DeadLetterConfig.Arn} {
		if !strings.HasPrefix(aws.ToString(arn), "arn:aws:") {
			f.t.Errorf("%q is no ARN", aws.ToString(arn))
		}
	}
	if in.FlexibleTimeWindow.Mode != schedulertypes.FlexibleTimeWindowModeOff ||
		in.ActionAfterCompletion != schedulertypes.ActionAfterCompletionDelete ||
		*in.ScheduleExpressionTimezone != "UTC" {
		f.t.Errorf("it is not exact, stays, or is in another zone: %+v", in)
	}
}

// setTo is when a schedule may fire first.
func (f *fakeAWS) setTo(in *scheduler.CreateScheduleInput) epoch.Instant {
	f.t.Helper()
	m := atExpressions.FindStringSubmatch(*in.ScheduleExpression)
	if m == nil {
		f.t.Fatalf("%q is no at expression", *in.ScheduleExpression)
	}
	at, err := time.Parse("2006-01-02T15:04:05", m[1])
	if err != nil {
		f.t.Fatal(err)
	}
	return epoch.Of(at)
}

func (f *fakeAWS) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	f.t.Helper()
	if f.fail != nil {
		return nil, f.fail
	}
	if in.DelaySeconds < 0 || in.DelaySeconds > 900 {
		f.t.Errorf("a delay of %d s", in.DelaySeconds)
	}
	if !acceptable(*in.MessageBody) {
		f.t.Errorf("SQS does not take %q", *in.MessageBody)
	}
	f.messages = append(f.messages, *in)
	return &sqs.SendMessageOutput{}, nil
}

// last is the only message since the last call.
func (f *fakeAWS) last() (m Message, delay time.Duration, url string) {
	f.t.Helper()
	if len(f.messages) != 1 {
		f.t.Fatalf("%d messages, want 1", len(f.messages))
	}
	in := f.messages[0]
	f.messages = nil
	m, err := Decode(*in.MessageBody)
	if err != nil {
		f.t.Fatal(err)
	}
	return m, time.Duration(in.DelaySeconds) * time.Second, *in.QueueUrl
}

func TestCloudWake(t *testing.T) {
	for _, c := range []struct {
		left  time.Duration
		delay time.Duration
		by    string
	}{
		{-time.Hour, 0, "queue"},
		{0, 0, "queue"},
		{999 * time.Millisecond, 0, "queue"},
		{time.Second, time.Second, "queue"},
		{179_999 * time.Millisecond, 179 * time.Second, "queue"},
		{900 * time.Second, 900 * time.Second, "queue"},
		{900_001 * time.Millisecond, 0, "schedule"},
		{time.Hour, 0, "schedule"},
		{24 * time.Hour, 0, "schedule"},
	} {
		t.Run(fmt.Sprint(c.left), func(t *testing.T) {
			f, cloud := newFakeAWS(t)
			at := f.now.Add(c.left)
			if err := cloud.Wake(t.Context(), "s", at); err != nil {
				t.Fatal(err)
			}
			if c.by == "schedule" {
				if len(f.schedules) != 1 || len(f.messages) != 0 {
					t.Fatalf("%d schedules, %d messages", len(f.schedules), len(f.messages))
				}
				return
			}
			m, delay, url := f.last()
			if *m.Wake != (Wake{Session: "s", At: at}) || delay != c.delay || url != "https://sqs/exact" || len(f.schedules) != 0 {
				t.Errorf("%+v in %s to %s, %d schedules", m.Wake, delay, url, len(f.schedules))
			}
		})
	}
}

// A deadline's wake goes to the queue of deadlines, and comes there ahead of it.
func TestCloudWakeAtDeadline(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		-time.Hour: 0, 3 * time.Second: 0, 8999 * time.Millisecond: 0, 20 * time.Second: 12 * time.Second,
		20_001 * time.Millisecond: 12 * time.Second, 900 * time.Second: 892 * time.Second,
	} {
		f, cloud := newFakeAWS(t)
		at := f.now.Add(left)
		if err := cloud.WakeAtDeadline(t.Context(), "s", at); err != nil {
			t.Fatal(err)
		}
		if m, delay, url := f.last(); *m.Wake != (Wake{"s", at, true}) || delay != want || url != "https://sqs/deadlines" {
			t.Errorf("%s before: %+v in %s to %s, want in %s", left, m.Wake, delay, url, want)
		}
	}
	f, cloud := newFakeAWS(t)
	at := f.now.Add(time.Hour)
	if err := cloud.WakeAtDeadline(t.Context(), "s", at); err != nil {
		t.Fatal(err)
	}
	for _, in := range f.schedules {
		if want := fmt.Sprintf(`{"wake":{"session":"s","at":%d,"deadline":true}}`, at); *in.Target.Input != want {
			t.Errorf("the schedule says %s, want %s", *in.Target.Input, want)
		}
	}
	if err := cloud.Again(t.Context(), fmt.Sprintf(`{"wake":{"session":"s","at":%d,"deadline":true}}`, at), time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, delay, url := f.last(); delay != time.Minute || url != "https://sqs/deadlines" {
		t.Errorf("again in %s to %s", delay, url)
	}
}

// TestCloudIsExact fires schedules anywhere in their minute: the message that
// follows never comes after the moment, and less than a second before it.
func TestCloudIsExact(t *testing.T) {
	f, cloud := newFakeAWS(t)
	random := rand.New(rand.NewPCG(1, 2))
	start := f.now
	for range 2000 {
		f.now = start.Add(time.Duration(random.Int64N(int64(48 * time.Hour))))
		at := (f.now + 900_001).Add(time.Duration(random.Int64N(int64(24 * time.Hour))))
		if err := cloud.Wake(t.Context(), "s", at); err != nil {
			t.Fatal(err)
		}
		for key, in := range f.schedules {
			f.now = f.setTo(in).Add(time.Duration(random.Int64N(int64(time.Minute))))
			fired, err := Decode(*in.Target.Input)
			if err != nil {
				t.Fatal(err)
			}
			if err := cloud.Expire(t.Context(), *fired.Wake); err != nil {
				t.Fatal(err)
			}
			delete(f.schedules, key)
		}
		m, delay, _ := f.last()
		comes := f.now.Add(delay)
		if early := at.Sub(comes); m.Wake.At != at || early < 0 || early >= time.Second || delay < 29*time.Second {
			t.Fatalf("for %s it comes at %s, after a delay of %s", at, comes, delay)
		}
	}
}

func TestCloudSchedulesOnce(t *testing.T) {
	f, cloud := newFakeAWS(t)
	for range 3 {
		if err := cloud.Wake(t.Context(), "s", f.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.schedules) != 1 {
		t.Errorf("%d schedules for one moment", len(f.schedules))
	}
	for _, other := range []Wake{{Session: "s", At: f.now.Add(time.Hour) + 1}, {Session: "S", At: f.now.Add(time.Hour)}} {
		if err := cloud.Wake(t.Context(), other.Session, other.At); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.schedules) != 3 {
		t.Errorf("%d schedules for three", len(f.schedules))
	}
}

func TestScheduleName(t *testing.T) {
	for _, session := range []string{"s", "1_MX40~" + strings.Repeat("é", 300)} {
		for _, at := range []epoch.Instant{1, 1_700_000_000_000, 1 << 62} {
			name := scheduleName(session, at)
			if !scheduleNames.MatchString(name) || name != strings.ToLower(name) {
				t.Errorf("%q", name)
			}
		}
	}
	// It must not change: an older program's schedules would be made again.
	if got, want := scheduleName("session", 1_700_000_000_000), "h45pd3hlxukbbk2bp3ane657-loyw3v28"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCloudParkAndAgain(t *testing.T) {
	f, cloud := newFakeAWS(t)
	e := lesson.Event{Name: journal.ConnectionCreated, Session: "s", At: 1, Received: 2, Connection: "c", Digest: "d"}
	if err := cloud.Park(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	body := *f.messages[0].MessageBody
	if m, delay, url := f.last(); *m.Event != e || delay != 0 || url != "https://sqs/tasks" {
		t.Errorf("parked %+v in %s to %s", m.Event, delay, url)
	}
	for given, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 2500 * time.Millisecond: 2 * time.Second, time.Hour: 900 * time.Second,
	} {
		if err := cloud.Again(t.Context(), body, given); err != nil {
			t.Fatal(err)
		}
		if m, delay, url := f.last(); *m.Event != e || delay != want || url != "https://sqs/tasks" {
			t.Errorf("again after %s: %+v in %s to %s", given, m.Event, delay, url)
		}
	}
	if err := cloud.Again(t.Context(), `{"wake":{"session":"s","at":9}}`, 0); err != nil {
		t.Fatal(err)
	}
	if m, _, url := f.last(); *m.Wake != (Wake{Session: "s", At: 9}) || url != "https://sqs/exact" {
		t.Errorf("again %+v to %s", m.Wake, url)
	}
	if err := cloud.Again(t.Context(), `{}`, 0); err == nil {
		t.Error("what is no message was sent again")
	}
}

func TestCloudTellsAndForwards(t *testing.T) {
	f, cloud := newFakeAWS(t)
	if err := cloud.Tell(t.Context(), "s", f.now.Add(40*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if m, delay, url := f.last(); *m.Tell != (Wake{Session: "s", At: f.now.Add(40 * time.Minute)}) || delay != 15*time.Minute || url != "https://sqs/tell" {
		t.Errorf("telling: %+v in %s to %s", m.Tell, delay, url)
	}
	c := room.Callback{Received: 5, Body: []byte("{}")}
	if err := cloud.Keep(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if m, delay, url := f.last(); m.Forward.Received != 5 || string(m.Forward.Body) != "{}" || delay != 0 || url != "https://sqs/forward" {
		t.Errorf("a callback: %+v in %s to %s", m.Forward, delay, url)
	}
	for body, want := range map[string]string{
		`{"tell":{"session":"s","at":9}}`: "https://sqs/tell", `{"forward":{"received":5,"header":null,"body":null}}`: "https://sqs/forward",
	} {
		if err := cloud.Again(t.Context(), body, time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, delay, url := f.last(); delay != time.Minute || url != want {
			t.Errorf("again %s in %s to %s", body, delay, url)
		}
	}
}

func TestCloudFailures(t *testing.T) {
	f, cloud := newFakeAWS(t)
	f.fail = errors.New("throttled")
	for name, err := range map[string]error{
		"a message":  cloud.Wake(t.Context(), "s", f.now),
		"a schedule": cloud.Wake(t.Context(), "s", f.now.Add(time.Hour)),
		"expire":     cloud.Expire(t.Context(), Wake{Session: "s", At: f.now}),
		"park":       cloud.Park(t.Context(), lesson.Event{Name: "e", Session: "s"}),
	} {
		if !errors.Is(err, f.fail) {
			t.Errorf("%s: %v, want the cause in it", name, err)
		}
	}
	f.fail = nil
	if err := cloud.Wake(t.Context(), "", f.now.Add(time.Hour)); err == nil || len(f.schedules) != 0 {
		t.Errorf("a wake of no session: %v", err)
	}
}
