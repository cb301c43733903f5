package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/emf"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/policy"
	"usher/pkg/room"
	"usher/pkg/topic"
)

// heardOf is what CloudWatch gets to know: lines of metrics, and lines of a log group.
type heardOf struct {
	metrics bytes.Buffer
	logs    map[string]string
}

// rings are what makes each alarm ring whose metrics are Usher's own or come from its
// logs, each by the real handler. The alarm must not ring before.
var rings = map[string]func(t *testing.T, h *heardOf){
	"Complaints": func(t *testing.T, h *heardOf) {
		c := h.cloud(t, "")
		post(c.Rooms(topic.Confirmed))
		h.logs["RoomsLog"] = c.log.String()
	},
	"CallbackFailures": func(t *testing.T, h *heardOf) {
		w := post(h.cloud(t, "").Webhook())
		h.logs["ApiLog"] = accessLog(t, "ANY /session-monitoring", w.Code)
	},
	// API Gateway answers by itself what it does not let through.
	"CallbackThrottles": func(t *testing.T, h *heardOf) {
		h.logs["ApiLog"] = accessLog(t, "ANY /session-monitoring/{proxy+}", http.StatusTooManyRequests)
	},
	"RefusedCallbacks": func(t *testing.T, h *heardOf) {
		c := h.cloud(t, fullSecret)
		for range 3 {
			post(c.Webhook())
		}
	},
	"NoCallback": func(t *testing.T, h *heardOf) {
		n := newPlace(t, h, doorkeeper.Telling{})
		n.vonage.Enter(n.session, "somebody", "", wallClock().Add(time.Second))
		n.work(3*time.Minute, 2*time.Minute)
	},
	"ParkedEvents": func(t *testing.T, h *heardOf) {
		n := newPlace(t, h, doorkeeper.Telling{})
		n.away = true
		if err := n.service.Hear(t.Context(), lesson.Event{Name: "connectionCreated", Session: n.session, Connection: "c"}); err != nil {
			t.Fatal(err)
		}
	},
	"GivenUp": func(t *testing.T, h *heardOf) {
		n := newPlace(t, h, doorkeeper.Telling{})
		n.vonage.DisconnectFails = func(string) error { return errors.New("no") }
		n.come("ann")
		if _, err := n.service.End(t.Context(), "room", "admin"); err != nil {
			t.Fatal(err)
		}
		n.work(time.Second, 25*time.Hour, time.Minute)
	},
	"UndeliveredToBackend": func(t *testing.T, h *heardOf) {
		n := newPlace(t, h, doorkeeper.Telling{Begin: true, Backend: deaf{}})
		n.come("ann")
		n.tell(0, 25*time.Hour)
	},
	"UndeliveredToListener": func(t *testing.T, h *heardOf) {
		c := h.cloud(t, fullSecret)
		c.env["USHER_FORWARD_URL"] = c.aws.variable("AWS_ENDPOINT_URL") + "/private"
		if _, err := c.Tasks(t.Context(), Batch{Records: []Message{{ID: "1", Body: `{"forward":{"received":1,"header":null,"body":null}}`}}}); err != nil {
			t.Fatal(err)
		}
	},
}

// silences are what keeps an alarm from ringing that rings where nothing is said, or
// not enough.
var silences = map[string]func(t *testing.T, h *heardOf){
	"SweepMissing": func(t *testing.T, h *heardOf) {
		if err := h.cloud(t, fullSecret).Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	},
	"NoCallback": func(t *testing.T, h *heardOf) {
		if w := post(h.cloud(t, otherSecret).Webhook()); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	},
}

// TestAlarms: each alarm of the template rings by a metric that AWS has, or by what a
// handler says.
func TestAlarms(t *testing.T) {
	alarms := template(t, "AWS::CloudWatch::Alarm")
	for name, alarm := range alarms {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ring, silence := rings[name], silences[name]
				h := &heardOf{logs: map[string]string{}}
				if ring == nil && silence == nil {
					isOfAWS(t, alarm)
					return
				}
				if ring != nil {
					h.wants(t, alarm, false)
					ring(t, h)
				}
				h.wants(t, alarm, true)
				if silence != nil {
					silence(t, h)
					h.wants(t, alarm, false)
				}
			})
		})
	}
	for name := range rings {
		if alarms[name] == nil {
			t.Errorf("the template has no alarm %s", name)
		}
	}
}

// wants holds the alarm against what was heard.
func (h *heardOf) wants(t *testing.T, alarm map[string]any, want bool) {
	t.Helper()
	if got := h.ring(t, alarm); got != want {
		t.Fatalf("it rings: %v, by\n%s%s", got, &h.metrics, h.logs)
	}
}

func (h *heardOf) ring(t *testing.T, alarm map[string]any) bool {
	known := sums(t, h.metrics.String())
	for s, value := range h.filtered(t) {
		known[s] += value
	}
	var value float64
	var ok bool
	if parts, composed := alarm["Metrics"].([]any); composed {
		value, ok = expression(t, parts, known), true
	} else {
		if alarm["Namespace"] != namespace {
			t.Fatalf("namespace %s", alarm["Namespace"])
		}
		value, ok = known[seriesOf(alarm)]
	}
	if !ok {
		return alarm["TreatMissingData"] == "breaching"
	}
	threshold := float64(alarm["Threshold"].(int))
	switch alarm["ComparisonOperator"] {
	case "GreaterThanThreshold":
		return value > threshold
	case "LessThanThreshold":
		return value < threshold
	}
	t.Fatalf("operator %s", alarm["ComparisonOperator"])
	return false
}

// filtered is what the metric filters make of the logs.
func (h *heardOf) filtered(t *testing.T) map[series]float64 {
	all := map[series]float64{}
	for _, filter := range template(t, "AWS::Logs::MetricFilter") {
		of := filter["MetricTransformations"].([]any)[0].(map[string]any)
		for line := range strings.Lines(h.logs[filter["LogGroupName"].(string)]) {
			if matches(t, filter["FilterPattern"].(string), line) {
				all[series{metric: of["MetricName"].(string)}]++
			}
		}
	}
	return all
}

// expressions are the formulas of alarms over several metrics, and what they compute.
var expressions = map[string]func(by map[string]float64) float64{
	"IF(heard < 1, unheard, 0)": func(by map[string]float64) float64 {
		if by["heard"] < 1 {
			return by["unheard"]
		}
		return 0
	},
}

func expression(t *testing.T, parts []any, known map[series]float64) float64 {
	by := map[string]float64{}
	var compute func(map[string]float64) float64
	for _, p := range parts {
		part := p.(map[string]any)
		id := part["Id"].(string)
		if formula, ok := part["Expression"].(string); ok {
			compute = expressions[formula]
			if compute == nil {
				t.Fatalf("what is %s?", formula)
			}
			continue
		}
		by[id] = known[seriesOf(part["MetricStat"].(map[string]any)["Metric"].(map[string]any))]
	}
	return compute(by)
}

// ofAWS are metrics that AWS publishes by itself, as its documentation names them, with
// their dimensions.
var ofAWS = map[string]string{
	"AWS/Lambda Errors":                          "FunctionName",
	"AWS/Lambda Throttles":                       "FunctionName",
	"AWS/SQS ApproximateAgeOfOldestMessage":      "QueueName",
	"AWS/SQS ApproximateNumberOfMessagesVisible": "QueueName",
	"AWS/DynamoDB ReadThrottleEvents":            "TableName GlobalSecondaryIndexName",
	"AWS/DynamoDB WriteThrottleEvents":           "TableName",
	"AWS/ApiGateway 5xx":                         "ApiId",
	"AWS/ApiGateway Count":                       "ApiId",
}

func isOfAWS(t *testing.T, alarm map[string]any) {
	of := []any{alarm}
	if parts, composed := alarm["Metrics"].([]any); composed {
		of = nil
		for _, p := range parts {
			if stat, ok := p.(map[string]any)["MetricStat"].(map[string]any); ok {
				of = append(of, stat["Metric"])
			}
		}
	}
	for _, each := range of {
		m := each.(map[string]any)
		name := fmt.Sprintf("%s %s", m["Namespace"], m["MetricName"])
		for _, d := range m["Dimensions"].([]any) {
			if !slices.Contains(strings.Fields(ofAWS[name]), d.(map[string]any)["Name"].(string)) {
				t.Errorf("AWS has no %s by %v; what makes an alarm ring that is not AWS's own stands in rings", name, d)
			}
		}
	}
}

// accessLog is API Gateway's line of a request, in the form that the template gives it.
func accessLog(t *testing.T, route string, status int) string {
	t.Helper()
	api := template(t, "AWS::Serverless::HttpApi")["Api"]
	if api["RouteSettings"].(map[string]any)[route] == nil {
		t.Fatalf("there is no route %q", route)
	}
	line := api["AccessLogSettings"].(map[string]any)["Format"].(string)
	line = strings.NewReplacer("$context.routeKey", route, "$context.status", fmt.Sprint(status)).Replace(line)
	if !json.Valid([]byte(line)) || strings.Contains(line, "$context.path") {
		t.Fatalf("an access log of %s", line)
	}
	return line
}

func (h *heardOf) cloud(t *testing.T, secret string) *cloud {
	c := newTestCloud(t, secret)
	c.env["USHER_METRICS_NAMESPACE"] = namespace
	c.measured(&h.metrics)
	return c
}

// place is a room of one process, with its lesson begun, and the platform that it is at.
type place struct {
	t       *testing.T
	service *doorkeeper.Service
	vonage  *simulation.Platform
	session string
	away    bool // the store
}

func newPlace(t *testing.T, h *heardOf, telling doorkeeper.Telling) *place {
	store, err := bolt.Open(filepath.Join(t.TempDir(), "usher.db"), bolt.Options{Now: wallClock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	n := &place{t: t, session: "1_session"}
	n.vonage = simulation.NewPlatform(wallClock, func(lesson.Event) {})
	n.service = doorkeeper.NewService(shaky{store, &n.away}, n.vonage, noWakes{}, doorkeeper.Settings{
		TokenLife: time.Minute, Now: wallClock, Log: slog.New(slog.DiscardHandler), Telling: telling, Queue: noWakes{},
		NewID: newID, Metrics: emf.New(&h.metrics, namespace, wallClock),
	})
	p, err := policy.Parse([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.service.PutRoom(t.Context(), room.Put{Name: "room", Policy: p, Session: n.session, Actor: "admin"}); err != nil {
		t.Fatal(err)
	}
	return n
}

// come lets somebody connect, and has that heard of.
func (n *place) come(id string) {
	who := n.vonage.Enter(n.session, id, id, wallClock())
	if err := n.service.Replay(n.t.Context(), who.Event("connectionCreated", who.CameAt)); err != nil {
		n.t.Fatal(err)
	}
}

// work works the lesson after each of those times.
func (n *place) work(after ...time.Duration) {
	n.t.Helper()
	for _, d := range after {
		time.Sleep(d)
		if err := n.service.Work(n.t.Context(), n.session); err != nil {
			n.t.Fatal(err)
		}
	}
}

// tell tells the backend after each of those times.
func (n *place) tell(after ...time.Duration) {
	n.t.Helper()
	for _, d := range after {
		time.Sleep(d)
		if err := n.service.Tell(n.t.Context(), n.session); err != nil {
			n.t.Fatal(err)
		}
	}
}

// shaky is a store that is there or away.
type shaky struct {
	room.Store
	away *bool
}

func (s shaky) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	if *s.away {
		return lesson.Lesson{}, nil, room.ErrUnavailable
	}
	return s.Store.Lesson(ctx, session, records...)
}

func (s shaky) Swap(ctx context.Context, l lesson.Lesson) (lesson.Lesson, error) {
	if *s.away {
		return l, room.ErrUnavailable
	}
	return s.Store.Swap(ctx, l)
}

func (s shaky) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	if *s.away {
		return lesson.Lesson{}, room.ErrUnavailable
	}
	return s.Store.Add(ctx, a)
}

// noWakes takes every wake and event, and does nothing with it.
type noWakes struct{}

func (noWakes) Wake(context.Context, string, epoch.Instant) error           { return nil }
func (noWakes) WakeAtDeadline(context.Context, string, epoch.Instant) error { return nil }
func (noWakes) Park(context.Context, lesson.Event) error                    { return nil }

// deaf is a backend that takes nothing.
type deaf struct{}

func (deaf) Tell(context.Context, room.Notice) error { return errors.New("no") }

// TestWakesMayBeTried: the alarm of wakes that nobody fetches leaves time to send them
// ahead, and for all their tries.
func TestWakesMayBeTried(t *testing.T) {
	const ahead = 900 // the longest delay that SQS has, in seconds
	queues, alarms := template(t, "AWS::SQS::Queue"), template(t, "AWS::CloudWatch::Alarm")
	for alarm, queue := range map[string]string{"WakesWaiting": "TasksQueue", "DeadlinesWaiting": "DeadlinesQueue"} {
		tries := queues[queue]["RedrivePolicy"].(map[string]any)["maxReceiveCount"].(int)
		least := ahead + tries*queues[queue]["VisibilityTimeout"].(int)
		if threshold := alarms[alarm]["Threshold"].(int); threshold < least {
			t.Errorf("%s rings after %d s, but a wake may take %d", alarm, threshold, least)
		}
	}
}

// TestDashboard: it is JSON, and shows every metric that there is.
func TestDashboard(t *testing.T) {
	for _, board := range template(t, "AWS::CloudWatch::Dashboard") {
		body := board["DashboardBody"].(string)
		if !json.Valid([]byte(body)) {
			t.Errorf("the body is no JSON:\n%s", body)
		}
		for _, m := range metric.All() {
			if !strings.Contains(body, `"`+m.Name+`"`) && !strings.Contains(body, `MetricName=\"`+m.Name+`\"`) {
				t.Errorf("it does not show %s", m.Name)
			}
		}
	}
}

// TestOperationsNameAlarms: whoever is called finds what to do.
func TestOperationsNameAlarms(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range template(t, "AWS::CloudWatch::Alarm") {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", name)
		}
	}
	for _, m := range metric.All() {
		if !strings.Contains(string(text), "`"+m.Name+"`") {
			t.Errorf("docs/operations.md does not explain %s", m.Name)
		}
	}
}
