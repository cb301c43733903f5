//go:build verify

package functions_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"usher/pkg/api"
	"usher/pkg/vonage/vonagetest"
)

const application = "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"

// stage is the whole stack on the emulator, deployed as the README says, with the
// simulated platform for Vonage.
type stage struct {
	*emulator
	*project
	t         *testing.T
	platform  *vonagetest.Platform
	client    *http.Client      // reaches the stack's API
	resources map[string]string // physical ids by logical ones
	secret    map[string]string
}

// TestRehearsal is a first day: the README's commands, and a lesson of each kind.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	forgotten := s.lessonWithoutWakes()
	t.Run("wrong parameters are refused", func(t *testing.T) { s.on(t).wrongParameters() })
	t.Run("a third one is disconnected, and the lesson ends on time", func(t *testing.T) { s.on(t).shortLesson() })
	t.Run("a long lesson has a schedule", func(t *testing.T) { s.on(t).schedule() })
	t.Run("a parked event is replayed", func(t *testing.T) { s.on(t).parked() })
	t.Run("the sweep ends what no wake would", func(t *testing.T) { s.on(t).ends(forgotten) })
	t.Run("the profile prod is a stack of its own", func(t *testing.T) { s.on(t).prod() })
}

// on is the stage of a part of the test.
func (s *stage) on(t *testing.T) *stage {
	part, e, p := *s, *s.emulator, *s.project
	part.t, e.t, p.t = t, t, t
	part.emulator, part.project = &e, &p
	return &part
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	vonage := httptest.NewUnstartedServer(nil)
	s.resources = map[string]string{}
	// The functions trust the platform's certificate.
	vonage.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.platform.ServeHTTP(w, r) })
	vonage.StartTLS()
	t.Cleanup(vonage.Close)
	certificate := filepath.Join(t.TempDir(), "certificate.pem")
	write(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: vonage.Certificate().Raw}))

	s.emulator = newEmulator(t, "SSL_CERT_FILE="+certificate)
	s.project = copyProject(t, append(s.environment(), "GOARCH="+goruntime.GOARCH))
	s.client = &http.Client{Transport: gatewayTransport{s.addr, func() string { return s.resources["Api"] }}}
	s.platform = vonagetest.New(vonagetest.Options{
		ApplicationID: application, PublicKey: &key.PublicKey, SignatureSecret: "SIGNATURE-SECRET",
		Callback: "http://" + s.addr + api.WebhookPath, HTTP: s.client,
	})
	t.Cleanup(s.platform.Close)
	write(t, filepath.Join(s.dir, "private.key"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))

	t.Cleanup(s.logs)
	s.deploy(map[string]string{"ApplicationId": application, "VideoUrl": vonage.URL})
	return s
}

// logs shows what the functions logged, where something failed.
func (s *stage) logs() {
	if !s.t.Failed() {
		return
	}
	for name, group := range s.resources {
		if strings.HasSuffix(name, "Log") && name != "ApiLog" {
			out, err := s.tryAWS("logs", "filter-log-events", "--log-group-name", group, "--query", "events[].message")
			s.t.Logf("%s: %s (%v)", name, out, err)
		}
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// deploy does what the README says under "Deploy": with questions, again without, and
// the secret.
func (s *stage) deploy(parameters map[string]string) {
	s.t.Helper()
	blocks := steps(s.t, "## Deploy")
	if len(blocks) != 3 || strings.TrimSpace(blocks[1]) != "make sam-deploy" {
		s.t.Fatalf("the README deploys by %q: want the first time, every other time, and the secret", blocks)
	}
	before := s.sums()
	began := time.Now()
	s.mustShell(blocks[0], answersOf(s.t, parameters)...)
	s.t.Logf("deployed in %s", time.Since(began).Round(time.Second))
	first := s.parameters("usher-dev")
	for name, want := range parameters {
		if first[name] != want {
			s.t.Errorf("parameter %s is %q, want %q", name, first[name], want)
		}
	}
	s.mustShell(blocks[1])
	if d := cmp.Diff(first, s.parameters("usher-dev")); d != "" {
		s.t.Errorf("the second deployment changed parameters:\n%s", d)
	}
	if d := cmp.Diff(before, s.sums()); d != "" {
		s.t.Errorf("deploying changed files:\n%s", d)
	}
	s.mustShell(blocks[2])
	s.look()
	s.route()
	s.allowSchedules()
}

func (s *stage) parameters(stack string) map[string]string {
	s.t.Helper()
	var list []struct{ ParameterKey, ParameterValue string }
	s.aws(&list, "cloudformation", "describe-stacks", "--stack-name", stack, "--query", "Stacks[0].Parameters")
	all := map[string]string{}
	for _, p := range list {
		all[p.ParameterKey] = p.ParameterValue
	}
	return all
}

// look finds what the stack is made of, and its secret.
func (s *stage) look() {
	s.t.Helper()
	var list []struct{ LogicalResourceID, PhysicalResourceID string }
	s.aws(&list, "cloudformation", "describe-stack-resources", "--stack-name", "usher-dev", "--query", "StackResources")
	for _, r := range list {
		s.resources[r.LogicalResourceID] = r.PhysicalResourceID
	}
	s.secret = map[string]string{}
	for _, name := range []string{"ApiSecret", "TicketSecret", "Secret"} { // the last wins
		var text string
		s.aws(&text, "secretsmanager", "get-secret-value", "--secret-id", s.resources[name], "--query", "SecretString")
		if err := json.Unmarshal([]byte(text), &s.secret); err != nil {
			s.t.Fatal(err)
		}
	}
}

// route makes the API's routes, which the emulator leaves out: it does not read an
// API's Body.
func (s *stage) route() {
	s.t.Helper()
	expanded := filepath.Join(s.t.TempDir(), "expanded.json")
	run(s.t, nil, tool(s.t, "bin/python"), "testdata/sam/expand.py", "template.yaml", expanded)
	var template struct {
		Resources struct {
			API struct {
				Properties struct {
					Body struct {
						Paths map[string]map[string]json.RawMessage
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(read(s.t, expanded)), &template); err != nil {
		s.t.Fatal(err)
	}
	targets := map[string]string{}
	for path, methods := range template.Resources.API.Properties.Body.Paths {
		for method, integration := range methods {
			function := regexp.MustCompile(`\$\{(\w+Function\w*)`).FindSubmatch(integration)
			if function == nil {
				s.t.Fatalf("%s %s goes to no function: %s", method, path, integration)
			}
			name := string(function[1])
			if targets[name] == "" {
				targets[name] = s.integration(name)
			}
			route := path
			if method == "x-amazon-apigateway-any-method" && path != "/$default" && path != "$default" {
				route = "ANY " + path
			}
			s.aws(nil, "apigatewayv2", "create-route", "--api-id", s.resources["Api"],
				"--route-key", strings.TrimPrefix(route, "/"), "--target", "integrations/"+targets[name])
		}
	}
}

// integration calls a function, or an alias of one, whose physical id is an ARN.
func (s *stage) integration(function string) (id string) {
	s.t.Helper()
	arn := s.resources[function]
	if !strings.HasPrefix(arn, "arn:") {
		arn = "arn:aws:lambda:eu-central-1:000000000000:function:" + arn
	}
	s.aws(&id, "apigatewayv2", "create-integration", "--api-id", s.resources["Api"], "--integration-type", "AWS_PROXY",
		"--payload-format-version", "2.0", "--query", "IntegrationId",
		"--integration-uri", arn)
	return id
}

// token is a bearer token of the API's. Tickets have a key of their own.
func (s *stage) token(claims jwt.MapClaims) string {
	s.t.Helper()
	now, key := time.Now(), s.secret["USHER_API_SECRET"]
	if claims["scope"] == "join" {
		key = s.secret["USHER_TICKET_SECRET"]
	}
	claims["aud"], claims["iat"], claims["exp"] = "usher", now.Unix(), now.Add(time.Hour).Unix()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// ask makes a request to the API, as the admin unless there is a ticket.
func (s *stage) ask(v any, method, path, ticket, body string) {
	s.t.Helper()
	if ticket == "" {
		ticket = s.token(jwt.MapClaims{"scope": "admin", "sub": "me"})
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr+path, bytes.NewBufferString(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+ticket)
	w, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(w.Body)
	if err != nil || w.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %d %s (%v)", method, path, w.StatusCode, answer, err)
	}
	if err := json.Unmarshal(answer, v); err != nil {
		s.t.Fatalf("%s %s: %s: %v", method, path, answer, err)
	}
}

// place is a room as the API shows it.
type place struct {
	SessionID   string
	Status      string
	Outcome     string
	Seats       int
	StartedAt   time.Time
	EndsAt      time.Time
	Connections []struct{ ID, User string }
}

func (s *stage) room(name string) (p place) {
	s.t.Helper()
	s.ask(&p, "GET", "/v1/rooms/"+name, "", "")
	return p
}

func (s *stage) put(name, policy string) {
	s.t.Helper()
	var p place
	s.ask(&p, "PUT", "/v1/rooms/"+name, "", policy)
}

// enter joins with a ticket and connects with the credentials.
func (s *stage) enter(room, user string) vonagetest.Connection {
	s.t.Helper()
	var credentials struct{ Token string }
	s.ask(&credentials, "POST", "/v1/rooms/"+room+"/join", s.token(jwt.MapClaims{"scope": "join", "room": room, "sub": user}), "")
	c, err := s.platform.Connect("", credentials.Token)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// deny takes rights from a function, and gives them back.
func (s *stage) deny(function string, actions ...string) (restore func()) {
	s.t.Helper()
	s.policy(function, "denied", map[string]any{"Effect": "Deny", "Action": actions, "Resource": "*"})
	return func() {
		s.aws(nil, "iam", "delete-role-policy", "--role-name", s.resources[function+"Role"], "--policy-name", "denied")
	}
}

func (s *stage) policy(function, name string, statement map[string]any) {
	s.t.Helper()
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.aws(nil, "iam", "put-role-policy", "--role-name", s.resources[function+"Role"], "--policy-name", name,
		"--policy-document", string(document))
}

// allowSchedules names the schedules as the emulator does, which takes every group for
// the default one.
func (s *stage) allowSchedules() {
	s.policy("WebhookFunction", "schedules", map[string]any{
		"Effect": "Allow", "Action": "scheduler:CreateSchedule", "Resource": "arn:aws:scheduler:*:*:schedule/default/*",
	})
}

// wrongParameters asks CloudFormation for changes that it must refuse.
func (s *stage) wrongParameters() {
	names := slices.Collect(maps.Keys(s.parameters("usher-dev")))
	for _, wrong := range []struct{ parameters, says string }{
		{"ParameterKey=ApplicationId,ParameterValue=", "Set either ApplicationId"},
		{"ParameterKey=ApiKey,ParameterValue=47000001", "Set either ApplicationId"},
		{"ParameterKey=ApplicationId,ParameterValue=47000001", "ApplicationId must be"},
		{"ParameterKey=DomainName,ParameterValue=usher.school.example", "Set both DomainName and CertificateArn"},
	} {
		args := []string{
			"cloudformation", "create-change-set", "--stack-name", "usher-dev", "--change-set-name", "wrong",
			"--use-previous-template", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--parameters", wrong.parameters,
		}
		for _, name := range names {
			if !strings.Contains(wrong.parameters, "="+name+",") {
				args = append(args, "ParameterKey="+name+",UsePreviousValue=true")
			}
		}
		out, err := s.tryAWS(args...)
		if err == nil || !strings.Contains(err.Error(), wrong.says) {
			s.t.Errorf("%s: %s %v, want a refusal that says %q", wrong.parameters, out, err, wrong.says)
		}
	}
}

// shortLesson has two seats and twenty seconds.
func (s *stage) shortLesson() {
	s.put("short", `{"maxSeats": 2, "lessonSeconds": 20, "foreignTokens": "accept"}`)
	session := s.enter("short", "alice").SessionID
	s.enter("short", "bob")
	until(s.t, "the lesson runs", func() bool { return s.room("short").Status == "running" })
	began := time.Now()
	third, err := s.platform.ConnectForeign(session, `{"user":"mallory"}`, "")
	if err != nil {
		s.t.Fatal(err)
	}
	until(s.t, "the third one is disconnected", func() bool { return !s.in(session, third.ID) })
	s.t.Logf("disconnected within %s", time.Since(began).Round(time.Millisecond))
	if n := len(s.platform.Connected(session)); n != 2 {
		s.t.Errorf("%d are in, want the two", n)
	}
	s.ends("short")
}

func (s *stage) in(session, connection string) bool {
	for _, c := range s.platform.Connected(session) {
		if c.ID == connection {
			return true
		}
	}
	return false
}

// ends waits for a room's lesson to end by its time, not before it, with nobody left in.
func (s *stage) ends(name string) {
	s.t.Helper()
	r := s.room(name)
	until(s.t, "everybody is sent away", func() bool { return len(s.platform.Connected(r.SessionID)) == 0 })
	late := time.Since(r.EndsAt)
	if late < 0 {
		s.t.Errorf("everybody was sent away %s too early", -late)
	}
	s.t.Logf("empty within %s of the end", late.Round(time.Millisecond))
	until(s.t, "the lesson has ended", func() bool { r = s.room(name); return r.Status == "ended" })
	if r.Outcome != "completed" {
		s.t.Errorf("it ended as %q, want completed", r.Outcome)
	}
}

// schedule inspects what EventBridge Scheduler is told of a lesson of an hour.
func (s *stage) schedule() {
	s.put("long", `{"lessonSeconds": 3600}`)
	s.enter("long", "alice")
	s.enter("long", "bob")
	until(s.t, "the lesson runs", func() bool { return s.room("long").Status == "running" })
	var list []struct{ Name string }
	group := s.resources["Alarms"]
	s.aws(&list, "scheduler", "list-schedules", "--group-name", group, "--query", "Schedules")
	if len(list) != 1 {
		s.t.Fatalf("%d schedules, want one", len(list))
	}
	var got struct {
		ScheduleExpression, ActionAfterCompletion string
		Target                                    struct {
			Arn, RoleArn, Input string
			DeadLetterConfig    struct{ Arn string }
		}
	}
	s.aws(&got, "scheduler", "get-schedule", "--group-name", group, "--name", list[0].Name)
	ends := s.room("long").EndsAt
	want := ends.Add(-90 * time.Second).Truncate(time.Minute).UTC().Format("at(2006-01-02T15:04:05)")
	if got.ScheduleExpression != want || got.ActionAfterCompletion != "DELETE" {
		s.t.Errorf("it is %s and then %s, want %s and DELETE", got.ScheduleExpression, got.ActionAfterCompletion, want)
	}
	if input := fmt.Sprintf(`"at":%d`, ends.UnixMilli()); !strings.Contains(got.Target.Input, input) {
		s.t.Errorf("it calls with %s, want %s in it", got.Target.Input, input)
	}
	for what, arn := range map[string][2]string{
		"function": {got.Target.Arn, ":" + s.resources["ExpireFunction"]}, "role": {got.Target.RoleArn, "/" + s.resources["AlarmsRole"]},
		"dead letters": {got.Target.DeadLetterConfig.Arn, "AlarmsDead"},
	} {
		if !strings.Contains(arn[0], arn[1]) {
			s.t.Errorf("its %s is %s, want %s", what, arn[0], arn[1])
		}
	}
}

// parked takes DynamoDB from the callback.
func (s *stage) parked() {
	s.put("parked", `{"maxSeats": 2}`)
	restore := s.deny("WebhookFunction", "dynamodb:*")
	defer restore()
	c := s.enter("parked", "alice")
	until(s.t, "the callback is answered", func() bool {
		for _, w := range s.platform.Webhooks() {
			if w.ConnectionID == c.ID && w.State == vonagetest.Delivered {
				return true
			}
		}
		return false
	})
	until(s.t, "the event is replayed", func() bool { return s.room("parked").Seats == 1 })
}

// lessonWithoutWakes runs a lesson of twenty seconds whose wakes could not be placed.
func (s *stage) lessonWithoutWakes() (room string) {
	restore := s.deny("WebhookFunction", "sqs:SendMessage", "scheduler:CreateSchedule")
	defer restore()
	s.put("forgotten", `{"lessonSeconds": 20}`)
	s.enter("forgotten", "alice")
	s.enter("forgotten", "bob")
	until(s.t, "the lesson runs", func() bool { return s.room("forgotten").Status == "running" })
	return "forgotten"
}

// prod deploys the other profile, and says yes to its changes.
func (s *stage) prod() {
	answers := answersOf(s.t, map[string]string{"ApplicationId": application})
	s.mustShell("make sam-deploy PROFILE=prod", append(answers, "y")...)
	got := s.parameters("usher")
	if got["WebhookConcurrency"] != "100" || got["RoomsConcurrency"] != "50" {
		s.t.Errorf("%s are reserved for the callback and %s for the API, want 100 and 50", got["WebhookConcurrency"], got["RoomsConcurrency"])
	}
}
