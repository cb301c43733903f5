package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/timer"
	"usher/pkg/timer/timertest"
)

// modelled is the cloud as the template has it, over a model of its services: the
// real planning of wakes and the real handling of their messages.
type modelled struct {
	*timertest.Cloud
	wakes *timer.Cloud
	ahead time.Duration
	batch int
	begun time.Time
}

const (
	tasksURL     = "https://sqs.test/tasks"
	deadlinesURL = "https://sqs.test/deadlines"
	// What a request takes. Vonage's are measured; a process that starts reads its
	// secret too.
	toStore    = 10 * time.Millisecond
	toPlatform = 100 * time.Millisecond
	coldStart  = 600 * time.Millisecond
)

// As the template has the function of tasks and its queues, see TestModelIsTheTemplate: for
// how long a message that was given is not given again, and how many batches of each queue
// are handled at once.
const (
	timeout       = 40 * time.Second
	visibility    = 6 * timeout
	mostTasks     = 50
	mostDeadlines = 100
)

// keptWord are services that keep their word.
var keptWord = timertest.Conditions{Seed: 1, TwiceOneIn: 200, Cold: coldStart}

// model is the cloud under these conditions; work gives the doorkeeper of a
// process.
func model(c timertest.Conditions, ahead time.Duration, batch int, work func(process int) worker) *modelled {
	m := &modelled{Cloud: timertest.New(c), ahead: ahead, batch: batch, begun: time.Now()}
	m.wakes = timer.NewCloud(timer.Options{
		Scheduler: m, SQS: m, QueueURL: tasksURL, DeadlinesURL: deadlinesURL, Ahead: ahead, Now: wallClock,
	})
	m.Target = func(ctx context.Context, input string) error {
		call, err := timer.Decode(input)
		if err != nil {
			return err
		}
		return m.wakes.Expire(ctx, *call.Wake)
	}
	for url, most := range map[string]int{tasksURL: mostTasks, deadlinesURL: mostDeadlines} {
		m.Map(url, timertest.Mapping{
			Batch: batch, Visibility: visibility, Timeout: timeout, Pollers: most,
			Handle: func(ctx context.Context, process int, batch []timertest.Message) []string {
				return m.handle(ctx, work(process), batch)
			},
		})
	}
	return m
}

// TestModelIsTheTemplate: punctuality is measured for what is deployed.
func TestModelIsTheTemplate(t *testing.T) {
	of := template(t, "AWS::Serverless::Function")["TasksFunction"]
	if got := of["Timeout"]; got != int(timeout/time.Second) {
		t.Errorf("the function has %v s, the model %v", got, timeout)
	}
	for name, queue := range template(t, "AWS::SQS::Queue") {
		if got, set := queue["VisibilityTimeout"]; set && got != int(visibility/time.Second) {
			t.Errorf("%s hides a message for %v s, the model for %v", name, got, visibility)
		}
	}
	for source, want := range map[string]int{"Wakes": mostTasks, "Deadlines": mostDeadlines} {
		properties := of["Events"].(map[string]any)[source].(map[string]any)["Properties"].(map[string]any)
		scaling, _ := properties["ScalingConfig"].(map[string]any)
		if got := scaling["MaximumConcurrency"]; got != want {
			t.Errorf("%s has %v batches at once, the model %d", source, got, want)
		}
	}
}

// handle is Tasks, with a doorkeeper that is given.
func (m *modelled) handle(ctx context.Context, w worker, batch []timertest.Message) (failed []string) {
	d := &desk{
		worker: func(context.Context) (worker, error) { return w, nil },
		again:  m.wakes.Again, now: wallClock, ahead: m.ahead, log: slog.New(slog.DiscardHandler), metrics: metric.Nobody{},
	}
	var b Batch
	for _, one := range batch {
		b.Records = append(b.Records, Message{ID: one.ID, Body: one.Body})
	}
	for _, f := range d.batch(ctx, b).Items {
		failed = append(failed, f.ID)
	}
	return failed
}

func wallClock() epoch.Instant { return epoch.Of(time.Now()) }

// ends stands in for the doorkeeper and its store: lessons with a deadline, of
// which one that has come is kept by whoever looks.
type ends struct {
	mu       sync.Mutex
	deadline map[string]epoch.Instant
	begun    map[string]epoch.Instant // when the first disconnect was requested
	early    int                      // calls before the deadline
}

// Work loads the lesson, ends it where its deadline has come, sends the last word,
// and disconnects everyone.
func (e *ends) Work(ctx context.Context, session string) error {
	e.mu.Lock()
	deadline, over := e.deadline[session], e.begun[session] != 0
	if wallClock() < deadline {
		e.early++
	}
	e.mu.Unlock()
	time.Sleep(toStore)
	if over || wallClock() < deadline || ctx.Err() != nil {
		return ctx.Err()
	}
	time.Sleep(toStore + toPlatform)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.mu.Lock()
	if e.begun[session] == 0 {
		e.begun[session] = wallClock()
	}
	e.mu.Unlock()
	time.Sleep(toPlatform)
	return nil
}

func (e *ends) Replay(context.Context, lesson.Event) error { return nil }

// wanted stops what cannot go on: the model took no wake.
func wanted(err error) {
	if err != nil {
		panic(err)
	}
}

// sweep finds what is due and works it, as the sweep does each minute.
func (e *ends) sweep() {
	e.mu.Lock()
	var due []string
	for session, at := range e.deadline {
		if e.begun[session] == 0 && at <= wallClock() {
			due = append(due, session)
		}
	}
	e.mu.Unlock()
	for _, session := range due {
		go func() { _ = e.Work(context.Background(), session) }()
	}
}

// durations are how long the lessons of the histogram last; 0: until a fixed
// moment, a quarter of an hour.
var durations = []time.Duration{20 * time.Second, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 0}

func kindOf(d time.Duration) string {
	switch {
	case d == 0:
		return "closesAt"
	case d < time.Minute:
		return d.String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%dh", d/time.Hour)
}

const lessons = 10_000 / scale

// punctuality runs the lessons through the model, and gives how late each kind
// ended: the first request to disconnect after the deadline.
func punctuality(c timertest.Conditions) (late map[time.Duration][]time.Duration, early int, used timertest.Used) {
	e := &ends{deadline: map[string]epoch.Instant{}, begun: map[string]epoch.Instant{}}
	m := model(c, timer.Ahead, 10, func(int) worker { return e })
	r := rand.New(rand.NewPCG(c.Seed, 2))
	kind := map[string]time.Duration{}
	for i := range lessons {
		session, d := fmt.Sprintf("session-%05d", i), durations[i%len(durations)]
		kind[session] = d
		starts := m.begun.Add(time.Duration(r.Int64N(int64(6 * time.Hour))))
		ends := starts.Add(d)
		if d == 0 {
			ends = starts.Add(time.Duration(r.Int64N(int64(2*time.Hour))) + 15*time.Minute).Truncate(15 * time.Minute)
		}
		e.deadline[session] = epoch.Of(ends)
		m.At(starts, func() {
			wanted(m.wakes.WakeAtDeadline(context.Background(), session, epoch.Of(ends)))
		})
	}
	until := m.begun.Add(31 * time.Hour)
	for at := m.begun.Add(time.Duration(r.Int64N(int64(time.Minute)))); at.Before(until); at = at.Add(time.Minute) {
		m.At(at, e.sweep)
	}
	m.Run(until)
	late = map[time.Duration][]time.Duration{}
	for session, deadline := range e.deadline {
		late[kind[session]] = append(late[kind[session]], e.begun[session].Sub(deadline))
	}
	for _, d := range late {
		slices.Sort(d)
	}
	return late, e.early, m.Used()
}

// quantile gives the value that so many thousandths do not exceed.
func quantile(sorted []time.Duration, thousandths int) time.Duration {
	return sorted[(len(sorted)*thousandths+999)/1000-1]
}

var bins = []time.Duration{0, 150 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second, time.Minute, 24 * time.Hour}

// histogram prints how many of each kind were how late.
func histogram(late map[time.Duration][]time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-9s %6s", "lesson", "early")
	for _, bin := range bins[1 : len(bins)-1] {
		fmt.Fprintf(&b, " %7s", "<="+bin.String())
	}
	fmt.Fprintf(&b, " %7s %7s %7s %7s %7s\n", "later", "p50", "p99", "p99.9", "max")
	for _, kind := range durations {
		of := late[kind]
		fmt.Fprintf(&b, "%-9s", kindOf(kind))
		from := 0
		for i, bin := range bins {
			to, _ := slices.BinarySearchFunc(of, bin, func(d, bin time.Duration) int {
				if i == 0 {
					return cmp.Compare(d, bin) // before the deadline
				}
				return cmp.Compare(d, bin+1)
			})
			fmt.Fprintf(&b, " %*d", 6+min(i, 1), to-from)
			from = to
		}
		for _, q := range []int{500, 990, 999, 1000} {
			fmt.Fprintf(&b, " %7s", quantile(of, q).Round(time.Millisecond))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestDeadlines: ten thousand lessons under the cloud's conditions. None ends early;
// where the services keep their word all but one in a thousand of each kind end
// within a second, and where they do not the sweep ends them within its minute.
func TestDeadlines(t *testing.T) {
	unkept := keptWord
	unkept.LateOneIn, unkept.DeadOneIn = 50, 100
	for _, c := range []struct {
		name       string
		conditions timertest.Conditions
		usual, max time.Duration // p99.9 and the latest
	}{
		{"the services keep their word", keptWord, time.Second, time.Second},
		{"one schedule in 50 is minutes late, and one process in 100 dies", unkept, time.Minute + 300*time.Millisecond, time.Minute + 300*time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				late, early, used := punctuality(c.conditions)
				t.Logf("\n%s%+v", histogram(late), used)
				if early > 0 {
					t.Errorf("%d times a wake was not waited out", early)
				}
				for kind, of := range late {
					if of[0] < 0 {
						t.Errorf("a lesson of %s ended %s early, or never", kindOf(kind), -of[0])
					}
					if got := quantile(of, 999); got > c.usual {
						t.Errorf("of the lessons of %s one in a thousand is later than %s", kindOf(kind), got)
					}
					if got := of[len(of)-1]; got > c.max {
						t.Errorf("a lesson of %s ended %s late", kindOf(kind), got)
					}
				}
			})
		})
	}
}
