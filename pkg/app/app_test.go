package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/api"
	"usher/pkg/config"
	"usher/pkg/epoch"
	"usher/pkg/room"
	"usher/pkg/timer"
	"usher/pkg/topic"
	"usher/pkg/version"
)

// cloud is a Cloud whose AWS is a server of this test: a secret, an empty
// table, and queues that take everything.
type cloud struct {
	*Cloud
	log bytes.Buffer

	mu     sync.Mutex
	secret string // "" cannot be read
	called []string
	sent   []map[string]any // what SendMessage was asked
	clock  time.Time
	env    map[string]string

	waiting   map[string]int    // messages in queues, by name
	confirmed int               // subscriptions of the topic of alarms
	own       map[string]string // secrets by ARN, beside the main one
}

const (
	fullSecret  = `{"OPENTOK_API_SECRET":"not-in-a-log-1","USHER_API_SECRET":"not-in-a-log-2-but-32-bytes-long","VONAGE_SIGNATURE_SECRET":"not-in-a-log-3"}`
	otherSecret = `{"OPENTOK_API_SECRET":"not-in-a-log-4","USHER_API_SECRET":"not-in-a-log-5-but-32-bytes-long"}`
)

func newTestCloud(t *testing.T, secret string) *cloud {
	c := &cloud{secret: secret, clock: time.UnixMilli(1795522511000)}
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	env := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
		"AWS_ENDPOINT_URL": server.URL, "AWS_ENDPOINT_URL_SQS": "",
		"USHER_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:usher",
		"USHER_TASKS_URL":  server.URL + "/1/tasks", "USHER_DEADLINES_URL": server.URL + "/1/deadlines", "USHER_PARK_URL": server.URL + "/1/parked",
		"OPENTOK_API_KEY": "123456", "VONAGE_VIDEO_URL": server.URL,
	}
	c.env = env
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	c.Cloud = newCloud(lookup, slog.New(slog.NewJSONHandler(&c.log, nil)), func() time.Time { return c.clock })
	t.Cleanup(func() {
		if strings.Contains(c.log.String(), "not-in-a-log") {
			t.Errorf("a secret stands in the log:\n%s", &c.log)
		}
	})
	return c
}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.called = append(c.called, operation)
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch operation {
	case "GetSecretValue":
		var in struct{ SecretID string }
		json.NewDecoder(r.Body).Decode(&in)
		secret := c.secret
		if own, ok := c.own[in.SecretID]; ok {
			secret = own
		}
		if secret == "" {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"AccessDeniedException","message":"no"}`)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"SecretString": secret})
	case "SendMessage":
		var in map[string]any
		json.NewDecoder(r.Body).Decode(&in)
		c.sent = append(c.sent, in)
		io.WriteString(w, `{"MessageId":"1"}`)
	case "GetQueueAttributes":
		var in struct{ QueueURL string }
		json.NewDecoder(r.Body).Decode(&in)
		waiting := c.waiting[path.Base(in.QueueURL)]
		fmt.Fprintf(w, `{"Attributes":{"ApproximateNumberOfMessages":"%d","ApproximateNumberOfMessagesNotVisible":"0","ApproximateNumberOfMessagesDelayed":"0"}}`, waiting)
	case "":
		if r.FormValue("Action") == "GetTopicAttributes" {
			fmt.Fprintf(w, `<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry><key>SubscriptionsConfirmed</key><value>%d</value></entry></Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`, c.confirmed)
			return
		}
		if r.Method == http.MethodGet {
			io.WriteString(w, `{"count":0,"items":[]}`)
			return
		}
		io.WriteString(w, `[{"session_id":"1_s"}]`)
	case "BatchGetItem":
		io.WriteString(w, `{"Responses":{},"UnprocessedKeys":{}}`)
	default:
		io.WriteString(w, `{}`)
	}
}

func (c *cloud) asked(operation string) (n int) {
	for _, o := range c.called {
		if o == operation {
			n++
		}
	}
	return n
}

// post sends an unsigned callback of a session that nobody knows.
func post(h http.Handler) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/session-monitoring",
		strings.NewReader(`{"sessionId":"s","event":"connectionCreated","timestamp":1795522511000,"connection":{"id":"c","createdAt":1795522511000}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFailuresAreNotKept(t *testing.T) {
	for name, bad := range map[string]string{
		"unreadable":     "",
		"not JSON":       "not-in-a-log-6",
		"null":           "null",
		"numbers":        `{"USHER_API_SECRET":7}`,
		"a wrong value":  `{"OPENTOK_API_SECRET":"not-in-a-log-7\n8","USHER_API_SECRET":"not-in-a-log-2-but-32-bytes-long"}`,
		"half a pair":    `{"USHER_API_SECRET":"not-in-a-log-2-but-32-bytes-long"}`,
		"two pairs' ids": `{"VONAGE_PRIVATE_KEY":"not-in-a-log-9","OPENTOK_API_SECRET":"x","USHER_API_SECRET":"not-in-a-log-2-but-32-bytes-long"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestCloud(t, bad)
			webhook, rooms := c.Webhook(), c.Rooms(topic.Confirmed)
			for _, h := range []http.Handler{webhook, rooms} {
				if w := post(h); w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
					t.Errorf("%d, %v, %s", w.Code, w.Header(), w.Body)
				}
			}
			if err := c.Sweep(t.Context()); err == nil {
				t.Error("the sweep did not fail")
			}
			c.secret = fullSecret
			if w := post(webhook); w.Code != 503 {
				t.Errorf("a failure is not remembered: %d %s", w.Code, w.Body)
			}
			c.clock = c.clock.Add(brief)
			if w := post(webhook); w.Code != 401 {
				t.Errorf("with the secret: %d %s", w.Code, w.Body)
			}
			if w := post(rooms); w.Code != 405 {
				t.Errorf("with the secret, rooms: %d %s", w.Code, w.Body)
			}
			if n := c.asked("GetSecretValue"); n != 5 {
				t.Errorf("the secret was asked for %d times, want 3 failures and 2 successes", n)
			}
		})
	}
}

// What is wrong with a setting that a function does not use does not stop it.
func TestAFunctionNeedsWhatItUses(t *testing.T) {
	c := newTestCloud(t, `{"OPENTOK_API_SECRET":"not-in-a-log-1","USHER_API_SECRET":"not-in-a-log-8"}`)
	webhook, rooms := c.Webhook(), c.Rooms(topic.Confirmed)
	for range 2 {
		if w := post(webhook); w.Code != 200 {
			t.Errorf("the callback with a short API secret: %d %s", w.Code, w.Body)
		}
		if w := post(rooms); w.Code != 503 {
			t.Errorf("the API with a short secret: %d %s", w.Code, w.Body)
		}
	}
	if err := c.Sweep(t.Context()); err != nil {
		t.Errorf("the sweep with a short API secret: %v", err)
	}
	c = newTestCloud(t, `{"OPENTOK_API_SECRET":"not-in-a-log-1","USHER_API_SECRET":"not-in-a-log-2-but-32-bytes-long","VONAGE_SIGNATURE_SECRET":" "}`)
	if w := post(c.Webhook()); w.Code != 503 {
		t.Errorf("the callback with a signature secret of a blank: %d %s", w.Code, w.Body)
	}
	if w := post(c.Rooms(topic.Confirmed)); w.Code != 405 {
		t.Errorf("the API with a signature secret of a blank: %d %s", w.Code, w.Body)
	}
}

func TestSecretIsRenewed(t *testing.T) {
	c := newTestCloud(t, fullSecret)
	h := c.Webhook()
	step := func(after time.Duration, secret string, status, asked int) {
		t.Helper()
		c.clock, c.secret = c.clock.Add(after), secret
		if w := post(h); w.Code != status {
			t.Errorf("answered %d %s, want %d", w.Code, w.Body, status)
		}
		if n := c.asked("GetSecretValue"); n != asked {
			t.Errorf("the secret was asked for %d times, want %d", n, asked)
		}
	}
	step(0, fullSecret, 401, 1)
	step(fresh-time.Second, otherSecret, 401, 1)     // not looked at yet
	step(2*time.Second, otherSecret, 200, 2)         // without a signature secret and with a platform on this machine
	step(fresh, "", 200, 3)                          // unreadable: the former stays
	step(time.Second, fullSecret, 200, 3)            // and is not asked for with each request
	step(stale, fullSecret, 401, 4)                  // until it can be read
	step(fresh, `{"OPENTOK_API_SECRET":""}`, 401, 5) // wrong: the former stays
}

// A key that was taken out is accepted nowhere after 10 minutes, also where the secret
// cannot be read since then, or is wrong. Lessons are worked all the same.
func TestKeysHoldForTenMinutes(t *testing.T) {
	for name, bad := range map[string]string{"unreadable": "", "wrong": `{"OPENTOK_API_SECRET":""}`} {
		t.Run(name, func(t *testing.T) {
			c := newTestCloud(t, fullSecret)
			webhook, rooms := c.Webhook(), c.Rooms(topic.Confirmed)
			step := func(after time.Duration, callback, api int) {
				t.Helper()
				c.clock = c.clock.Add(after)
				if w := post(webhook); w.Code != callback {
					t.Errorf("the callback: %d %s, want %d", w.Code, w.Body, callback)
				}
				if w := post(rooms); w.Code != api {
					t.Errorf("the API: %d %s, want %d", w.Code, w.Body, api)
				}
				if err := c.Sweep(t.Context()); err != nil {
					t.Errorf("the sweep: %v", err)
				}
			}
			step(0, 401, 405)
			c.secret = bad
			step(keysHold-time.Second, 401, 405)
			step(time.Second, 503, 503)
			step(time.Hour, 503, 503)
			c.secret = fullSecret
			step(brief, 401, 405)
		})
	}
}

// Anybody can call: Secrets Manager is not asked for each who does.
func TestAFailureIsRemembered(t *testing.T) {
	c := newTestCloud(t, "")
	h := c.Rooms(topic.Confirmed)
	for range 100 {
		c.clock = c.clock.Add(100 * time.Millisecond)
		post(h)
	}
	if n := c.asked("GetSecretValue"); n != 2 {
		t.Errorf("it was asked %d times in 10 s, want 2", n)
	}
}

// hanging is a service that takes requests and never answers.
type hanging struct{}

func (hanging) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A Secrets Manager that hangs leaves each function time to answer, and a queue's
// batch to go back.
func TestSecretsManagerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newHanging := func() *Cloud {
			env := map[string]string{
				"USHER_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:usher",
				"AWS_REGION":       "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
			}
			c := newCloud(func(name string) (string, bool) { return env[name], true }, slog.New(slog.DiscardHandler), time.Now)
			c.aws.shared.HTTPClient = hanging{}
			return c
		}
		began := time.Now()
		if w := post(newHanging().Rooms(topic.Confirmed)); w.Code != 503 || time.Since(began) != secretPatience {
			t.Errorf("answered %d after %s", w.Code, time.Since(began))
		}
		// The messages of a batch ask one after the other.
		began = time.Now()
		c := newHanging()
		for range 10 {
			if _, err := c.join(t.Context(), config.Work, whole); err == nil {
				t.Error("joined")
			}
		}
		if time.Since(began) != secretPatience {
			t.Errorf("a batch went back after %s", time.Since(began))
		}
	})
}

// Keys that the deployment made stand in secrets of their own, which only the API reads.
// What stands in the main secret wins; tickets from before are signed with the API's key.
func TestKeysOfTheirOwn(t *testing.T) {
	const main, apiARN, ticketARN = `{"OPENTOK_API_SECRET":"not-in-a-log-1"}`, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:api", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ticket"
	const ownAPI, ownTicket, mainAPI, mainTicket, oldTicket = "not-in-a-log-own-api-key-32-bytes", "not-in-a-log-own-ticket-key-32-bytes", "not-in-a-log-main-api-key-32-bytes", "not-in-a-log-main-ticket-key-32-bytes", "not-in-a-log-old-ticket-key-32-bytes"
	for name, tt := range map[string]struct {
		main             string
		reads            int
		admin, tickets   []string // keys that are good for them
		nobody, noTicket []string
	}{
		"made by the deployment": {
			main, 3,
			[]string{ownAPI},
			[]string{ownTicket, oldTicket, ownAPI},
			[]string{ownTicket, mainAPI},
			[]string{mainAPI, mainTicket},
		},
		"from before": {
			`{"OPENTOK_API_SECRET":"not-in-a-log-1","USHER_API_SECRET":"` + mainAPI + `"}`, 2,
			[]string{mainAPI},
			[]string{ownTicket, oldTicket, mainAPI},
			[]string{ownAPI, ownTicket},
			[]string{ownAPI, mainTicket},
		},
		"chosen": {
			`{"OPENTOK_API_SECRET":"not-in-a-log-1","USHER_API_SECRET":"` + mainAPI + `","USHER_TICKET_SECRET":"` + mainTicket + `"}`, 1,
			[]string{mainAPI},
			[]string{mainTicket},
			[]string{ownAPI, mainTicket},
			[]string{ownTicket, oldTicket, mainAPI},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestCloud(t, tt.main)
			c.env["USHER_API_SECRET_ARN"], c.env["USHER_TICKET_SECRET_ARN"] = apiARN, ticketARN
			c.own = map[string]string{
				apiARN:    `{"USHER_API_SECRET":"` + ownAPI + `"}`,
				ticketARN: `{"USHER_TICKET_SECRET":"` + ownTicket + `","USHER_TICKET_SECRET_PREVIOUS":"` + oldTicket + `"}`,
			}
			post(c.Webhook())
			if n := c.asked("GetSecretValue"); n != 1 {
				t.Errorf("the callback read %d secrets, want the main one", n)
			}
			rooms := c.Rooms(topic.Confirmed)
			ask := func(method, path, token string) int {
				r := httptest.NewRequest(method, path, nil)
				r.Header.Set("Authorization", "Bearer "+token)
				w := httptest.NewRecorder()
				rooms.ServeHTTP(w, r)
				return w.Code
			}
			for want, keys := range map[bool][]string{true: tt.admin, false: tt.nobody} {
				for _, key := range keys {
					if got := ask("GET", "/v1/rooms/a", api.AdminToken([]byte(key), c.clock, time.Hour)); (got != 401) != want {
						t.Errorf("an admin token by %s: %d", key, got)
					}
				}
			}
			for want, keys := range map[bool][]string{true: tt.tickets, false: tt.noTicket} {
				for _, key := range keys {
					if got := ask("POST", "/v1/rooms/a/join", api.Ticket([]byte(key), "a", "alice", "", c.clock, time.Hour)); (got != 401) != want {
						t.Errorf("a ticket by %s: %d", key, got)
					}
				}
			}
			if n := c.asked("GetSecretValue"); n != 1+tt.reads {
				t.Errorf("the API read %d secrets, want %d", n-1, tt.reads)
			}
		})
	}
}

func TestExpire(t *testing.T) {
	c := newTestCloud(t, "")
	at := epoch.Of(c.clock.Add(83*time.Second + 400*time.Millisecond))
	for _, deadline := range []bool{false, true} {
		if err := c.Expire(t.Context(), timer.Message{Wake: &timer.Wake{Session: "s", At: at, Deadline: deadline}}); err != nil {
			t.Fatal(err)
		}
	}
	want := []map[string]any{
		{
			"QueueUrl": c.aws.variable("USHER_TASKS_URL"), "DelaySeconds": 83.0,
			"MessageBody": fmt.Sprintf(`{"wake":{"session":"s","at":%d}}`, at),
		},
		{
			"QueueUrl": c.aws.variable("USHER_DEADLINES_URL"), "DelaySeconds": 83 - timer.Ahead.Seconds(),
			"MessageBody": fmt.Sprintf(`{"wake":{"session":"s","at":%d,"deadline":true}}`, at),
		},
	}
	if d := cmp.Diff(want, c.sent); d != "" {
		t.Error(d)
	}
	if n := c.asked("GetSecretValue"); n != 0 {
		t.Error("a wake needs the secret")
	}
	if err := c.Expire(t.Context(), timer.Message{}); err == nil {
		t.Error("a call without a wake was taken")
	}
}

func TestTasksWithoutSecretComeAgain(t *testing.T) {
	c := newTestCloud(t, "")
	f, err := c.Tasks(context.Background(), Batch{Records: []Message{
		{ID: "1", Body: `{"wake":{"session":"s","at":1}}`},
		{ID: "2", Body: `{"event":{"event":"e","sessionId":"s"}}`},
		{ID: "3", Body: `poison`},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Failures{Items: []Failure{{"3"}}}, f); d != "" {
		t.Error(d)
	}
	queues := map[any]any{}
	for _, m := range c.sent {
		queues[m["QueueUrl"]] = m["DelaySeconds"]
	}
	if d := cmp.Diff(map[any]any{c.aws.variable("USHER_TASKS_URL"): 10.0, c.aws.variable("USHER_PARK_URL"): 10.0}, queues); d != "" {
		t.Error(d)
	}
}

func TestSweep(t *testing.T) {
	c := newTestCloud(t, fullSecret)
	if err := c.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if n := c.asked("Query"); n < room.DueBuckets {
		t.Errorf("%d of %d buckets were looked into", n, room.DueBuckets)
	}
}

// A callback that goes on stands on its queue before the answer, whatever is wrong with
// where it goes.
func TestWebhookForwards(t *testing.T) {
	c := newTestCloud(t, otherSecret)
	c.env["USHER_FORWARD_URL"], c.env["USHER_FORWARD_QUEUE_URL"] = "nowhere", c.aws.variable("AWS_ENDPOINT_URL")+"/1/forward"
	if w := post(c.Webhook()); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if len(c.sent) != 1 || c.sent[0]["QueueUrl"] != c.env["USHER_FORWARD_QUEUE_URL"] {
		t.Fatalf("sent %v", c.sent)
	}
	m, err := timer.Decode(c.sent[0]["MessageBody"].(string))
	if err != nil || m.Forward == nil || !strings.HasPrefix(string(m.Forward.Body), `{"sessionId":"s"`) || m.Forward.Received != epoch.Of(c.clock) {
		t.Errorf("kept %+v, %v", m.Forward, err)
	}
}

// What is wrong with the settings of telling and forwarding keeps no lesson from ending.
func TestTasksWithWrongOthers(t *testing.T) {
	c := newTestCloud(t, fullSecret)
	c.env["USHER_EVENTS_URL"], c.env["USHER_FORWARD_URL"] = "nowhere", "nowhere"
	f, err := c.Tasks(t.Context(), Batch{Records: []Message{
		{ID: "1", Body: `{"wake":{"session":"s","at":1}}`},
		{ID: "2", Body: `{"tell":{"session":"s","at":1}}`},
		{ID: "3", Body: fmt.Sprintf(`{"forward":{"received":%d,"header":null,"body":null}}`, epoch.Of(c.clock))},
	}})
	if err != nil || len(f.Items) != 0 {
		t.Fatalf("%v, %v", f, err)
	}
	if n := c.asked("GetItem"); n != 1 {
		t.Errorf("%d lessons were looked at, want the one of the wake", n)
	}
	delays := map[string]any{}
	for _, m := range c.sent {
		kind, _, _ := strings.Cut(m["MessageBody"].(string), ":")
		delays[kind] = m["DelaySeconds"]
	}
	if d := cmp.Diff(map[string]any{`{"tell"`: 10.0, `{"forward"`: 5.0}, delays); d != "" {
		t.Error(d)
	}
}

// Where nobody listens any more, messages that are left are done with.
func TestTasksWithoutOthers(t *testing.T) {
	c := newTestCloud(t, fullSecret)
	f, err := c.Tasks(t.Context(), Batch{Records: []Message{
		{ID: "2", Body: `{"tell":{"session":"s","at":1}}`},
		{ID: "3", Body: `{"forward":{"received":1,"header":null,"body":null}}`},
	}})
	if err != nil || len(f.Items) != 0 || len(c.sent) != 0 {
		t.Errorf("%v, %v, sent %v", f, err, c.sent)
	}
}

func TestHealthSaysTheBuild(t *testing.T) {
	c := newTestCloud(t, fullSecret)
	c.env["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST"
	w := httptest.NewRecorder()
	c.Rooms(topic.Confirmed).ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if !strings.Contains(w.Body.String(), `"version":"`+version.Of()+`"`) {
		t.Errorf("answered %s", w.Body)
	}
}
