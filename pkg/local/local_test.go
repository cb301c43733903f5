package local

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/config"

	"usher/pkg/policy"
)

// settings are those of a program that was told nothing, but for the port.
func settings(t *testing.T, data string, vars ...string) config.Settings {
	t.Helper()
	all := map[string]string{"USHER_ADDR": "127.0.0.1:0", "USHER_DATA": data, "USHER_API_SECRET": "0123456789abcdef0123456789abcdef"}
	for i := 0; i < len(vars); i += 2 {
		all[vars[i]] = vars[i+1]
	}
	s, err := config.Load(func(name string) (string, bool) { v, ok := all[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// running is a Local that serves until its test ends or stop is called.
type running struct {
	*Local
	t    *testing.T
	stop func()
}

func start(t *testing.T, s config.Settings) *running {
	t.Helper()
	l, err := New(t.Context(), s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	r := &running{Local: l, t: t}
	r.stop = func() {
		r.stop = func() {}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the run ended with %v", err)
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// call makes a request with a token and gives the status and the answer.
func (r *running) call(token, method, path, body string) (int, map[string]any) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	answer := map[string]any{}
	_ = json.Unmarshal(text, &answer)
	return resp.StatusCode, answer
}

func (r *running) admin(method, path, body string) (int, map[string]any) {
	r.t.Helper()
	return r.call(api.AdminToken(r.settings.APISecret, time.Now(), time.Hour), method, path, body)
}

// join gives the session and a token for user.
func (r *running) join(name, user string) (session, token string) {
	r.t.Helper()
	status, answer := r.call(api.Ticket(r.settings.APISecret, name, user, "", time.Now(), time.Minute), "POST", "/v1/rooms/"+name+"/join", "")
	if status != 200 {
		r.t.Fatalf("join of %s: %d %v", user, status, answer)
	}
	return answer["sessionId"].(string), answer["token"].(string)
}

// connect joins and connects.
func (r *running) connect(name, user string) (session string) {
	r.t.Helper()
	session, token := r.join(name, user)
	if _, err := r.simulator.Connect(session, token); err != nil {
		r.t.Fatalf("connecting %s: %v", user, err)
	}
	return session
}

// patience is for what comes true in a moment, or on a slow machine in minutes.
const patience = 3 * time.Minute

// until polls for what must come true.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-limit:
			r.t.Fatalf("%s: not within %v", what, patience)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *running) field(name, field string) any {
	r.t.Helper()
	status, answer := r.admin("GET", "/v1/rooms/"+name, "")
	if status != 200 {
		r.t.Fatalf("room %s: %d %v", name, status, answer)
	}
	return answer[field]
}

func TestStartsWithNothing(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	if status, answer := r.call("", "GET", "/healthz", ""); status != 200 {
		t.Errorf("healthz: %d %v", status, answer)
	}
	for name, want := range map[string]string{
		"one-to-one": `{"maxSeats":2,"demo":true}`, "limited-time-room": `{"lessonSeconds":60,"demo":true}`,
	} {
		if policy, _ := json.Marshal(r.field(name, "policy")); !sameJSON(string(policy), want) {
			t.Errorf("room %s has the policy %s", name, policy)
		}
	}
	if status, _ := r.call("", "GET", "/v1/rooms", ""); status != 401 {
		t.Errorf("rooms without a token: %d", status)
	}
	if status, _ := r.call("", "GET", simulatorPath+"/nothing", ""); status != 404 {
		t.Errorf("the simulator answers %d", status)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	one, _ := json.Marshal(x)
	other, _ := json.Marshal(y)
	return string(one) == string(other)
}

func TestKeepsTheDoor(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "VONAGE_SIGNATURE_SECRET", "signs"))
	if status, answer := r.admin("PUT", "/v1/rooms/lesson", `{"maxSeats":2}`); status != 201 {
		t.Fatalf("put: %d %v", status, answer)
	}
	session := r.connect("lesson", "alice")
	r.connect("lesson", "bob")
	r.until("two seated", func() bool { return r.field("lesson", "seats") == 2.0 })
	status, answer := r.call(api.Ticket(r.settings.APISecret, "lesson", "carol", "", time.Now(), time.Minute), "POST", "/v1/rooms/lesson/join", "")
	if status != 409 || answer["code"] != "room-full" {
		t.Errorf("a third one: %d %v", status, answer)
	}
	if _, err := r.simulator.ConnectForeign(session, "mallory", ""); err != nil {
		t.Fatal(err)
	}
	r.until("the stranger is out", func() bool { return len(r.simulator.Connected(session)) == 2 })
	if status, answer := r.admin("POST", "/v1/rooms/lesson/end", ""); status != 200 {
		t.Fatalf("end: %d %v", status, answer)
	}
	r.until("everybody is out", func() bool { return len(r.simulator.Connected(session)) == 0 })
}

// page visits a room's page as somebody new.
func (r *running) page(path string) (status int, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.URL()+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPages(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	if status, _ := r.page("/"); status != 200 {
		t.Errorf("console: %d", status)
	}
	for range 2 {
		if status, text := r.page("/room/one-to-one"); status != 200 || !strings.Contains(text, simulatorPath+"/opentok.js") {
			t.Errorf("demo room: %d %s", status, text)
		}
	}
	for path, want := range map[string]int{
		"/room/one-to-one": 409, "/room/limited-time-room": 200, "/room/nobody": 404,
		simulatorPath + "/opentok.js": 200,
	} {
		if status, text := r.page(path); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, text)
		}
	}
}

func TestUnsignedWhereSigned(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "VONAGE_SIGNATURE_SECRET", "signs"))
	for path, want := range map[string]int{api.WebhookPath: 401, api.WebhookPath + "/": 401, api.WebhookPath + "//": 404, api.WebhookPath + "/x": 405} {
		if status, _ := r.call("", "POST", path, `{"sessionId":"1_x","event":"sessionCreated"}`); status != want {
			t.Errorf("an unsigned callback at %s: %d", path, status)
		}
	}
}

// TestGoesOn: what ran goes on after a restart, and a lesson whose time came
// while nobody was there ends.
func TestGoesOn(t *testing.T) {
	s := settings(t, filepath.Join(t.TempDir(), "usher.db"))
	first := start(t, s)
	first.admin("PUT", "/v1/rooms/short", `{"lessonSeconds":1,"quorum":1}`)
	first.admin("PUT", "/v1/rooms/long", `{"lessonSeconds":600,"quorum":1}`)
	session := first.connect("long", "alice")
	first.connect("short", "bob")
	first.until("both run", func() bool {
		return first.field("long", "status") == "running" && first.field("short", "status") != "open"
	})
	ends := first.field("long", "endsAt")
	first.stop()

	second := start(t, s)
	if second.field("long", "status") != "running" || second.field("long", "endsAt") != ends || second.field("long", "sessionId") != session {
		t.Errorf("the long lesson is now %v until %v", second.field("long", "status"), second.field("long", "endsAt"))
	}
	second.until("the short lesson has ended", func() bool { return second.field("short", "status") == "ended" })
	if second.field("short", "outcome") != "completed" {
		t.Errorf("the short lesson's outcome is %v", second.field("short", "outcome"))
	}
	again, token := second.join("long", "alice")
	if _, err := second.simulator.Connect(again, token); err != nil || again != session {
		t.Errorf("the session of before is not known: %q, %v", again, err)
	}
}

func TestRoomsOfTheSettingsAreCreatedOnce(t *testing.T) {
	s := settings(t, filepath.Join(t.TempDir(), "usher.db"))
	s.Rooms = []config.Entry{{Name: "mine", Policy: policy.Stored(`{"maxSeats":3}`)}}
	first := start(t, s)
	if status, answer := first.admin("PUT", "/v1/rooms/mine", `{"maxSeats":4}`); status != 200 {
		t.Fatalf("put: %d %v", status, answer)
	}
	first.stop()
	second := start(t, s)
	if policy := second.field("mine", "policy").(map[string]any); policy["maxSeats"] != 4.0 {
		t.Errorf("a restart put the room again: %v", policy)
	}
}

// TestKeepsASecret: without a secret in the settings one is made, kept, and
// not shown.
func TestKeepsASecret(t *testing.T) {
	s := settings(t, filepath.Join(t.TempDir(), "usher.db"))
	s.APISecret = nil
	first := start(t, s)
	made := string(first.settings.APISecret)
	var shown strings.Builder
	first.Greet(&shown)
	if len(made) < 32 || strings.Contains(shown.String(), made) {
		t.Errorf("the secret has %d bytes, or is shown:\n%s", len(made), shown.String())
	}
	first.stop()
	if second := start(t, s); string(second.settings.APISecret) != made {
		t.Error("a restart made another secret")
	}
}

func TestGreetingLetsIn(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	var shown strings.Builder
	r.Greet(&shown)
	_, token, found := strings.Cut(shown.String(), "/#token=")
	token, _, _ = strings.Cut(token, "\n")
	if status, answer := r.call(token, "GET", "/v1/rooms", ""); !found || status != 200 {
		t.Errorf("the token of the greeting: %d %v\n%s", status, answer, shown.String())
	}
}

// The simulated platform obeys everybody. A page of any site can point its own
// name at this machine, and would be taken for one of ours: so names are checked.
func TestOnlyLoopbackNamesAreAnswered(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	ask := func(host, path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	for _, host := range []string{"localhost", "LOCALHOST:5000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:5000", "127.8.9.10:5000"} {
		if status, _ := ask(host, "/healthz"); status != 200 {
			t.Errorf("%s: %d", host, status)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1:5000", "[::2]:5000", "0.0.0.0:5000"} {
		for _, path := range []string{"/", "/healthz", "/room/one-to-one", "/v1/rooms", api.WebhookPath, simulatorPath + "/control/sessions"} {
			if status, text := ask(host, path); status != 421 || !strings.Contains(text, "localhost") {
				t.Errorf("%s%s: %d %s", host, path, status, text)
			}
		}
	}
}

func TestOtherNamesAreAnsweredWithARealPlatform(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"),
		"OPENTOK_API_KEY", "123456", "OPENTOK_API_SECRET", "s", "VONAGE_VIDEO_URL", "http://127.0.0.1:1"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "usher.example"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 200 {
		t.Errorf("behind a proxy: %d", res.StatusCode)
	}
}

// screen is a writer that is what mode says.
type screen struct {
	strings.Builder
	mode fs.FileMode
}

func (s *screen) Stat() (fs.FileInfo, error) { return sized{s.mode}, nil }

type sized struct{ mode fs.FileMode }

func (s sized) Mode() fs.FileMode { return s.mode }
func (sized) Name() string        { return "" }
func (sized) Size() int64         { return 0 }
func (sized) ModTime() time.Time  { return time.Time{} }
func (sized) IsDir() bool         { return false }
func (sized) Sys() any            { return nil }

// With a real platform a service's output is kept in a log that many may read:
// an admin's token is for the person at the terminal.
func TestTheTokenIsForAPerson(t *testing.T) {
	real := []string{"OPENTOK_API_KEY", "123456", "OPENTOK_API_SECRET", "s", "VONAGE_VIDEO_URL", "http://127.0.0.1:1"}
	for name, c := range map[string]struct {
		vars []string
		mode fs.FileMode
		want bool
	}{
		"simulated, to a file":     {nil, 0, true},
		"simulated, to a terminal": {nil, fs.ModeDevice | fs.ModeCharDevice, true},
		"real, to a terminal":      {real, fs.ModeDevice | fs.ModeCharDevice, true},
		"real, to a file":          {real, 0, false},
		"real, to a pipe":          {real, fs.ModeNamedPipe, false},
		"real, to a socket":        {real, fs.ModeSocket, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), c.vars...))
			shown := screen{mode: c.mode}
			r.Greet(&shown)
			if got := strings.Contains(shown.String(), "eyJ"); got != c.want || !strings.Contains(shown.String(), r.URL()) {
				t.Errorf("a token is shown: %v\n%s", got, shown.String())
			}
		})
	}
	t.Run("real, to nothing known", func(t *testing.T) {
		r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), real...))
		var shown strings.Builder
		if r.Greet(&shown); strings.Contains(shown.String(), "eyJ") {
			t.Errorf("a token is shown:\n%s", shown.String())
		}
	})
}

func TestCannotStart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "usher.db")
	other := start(t, settings(t, data))
	taken := other.listener.Addr().String()
	_, port, _ := net.SplitHostPort(taken)
	cases := []struct {
		name string
		set  config.Settings
		want []string
	}{
		{"the port is taken", settings(t, data+"2", "USHER_ADDR", taken), []string{taken, "another address, like USHER_ADDR=127.0.0.1:"}},
		{"the port is taken, by name", settings(t, data+"2", "USHER_ADDR", "localhost:"+port), []string{"USHER_ADDR=localhost:"}},
		{"the address is not ours", settings(t, data+"2", "USHER_ADDR", "192.0.2.1:5000"), []string{"USHER_ADDR", "192.0.2.1:5000"}},
		{"the data file is in use", settings(t, data), []string{data, "another process is using it"}},
		{"the data file is a folder", settings(t, t.TempDir()), []string{"not a regular file"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, err := New(t.Context(), c.set, slog.New(slog.DiscardHandler))
			if err == nil {
				_ = l.Close()
				t.Fatal("it started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q: %v", want, err)
				}
			}
		})
	}
}

// TestListensEverywhere: as in a container, where [::1] mostly leads nowhere.
func TestListensEverywhere(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "USHER_ADDR", addr))
		if !strings.HasPrefix(r.URL(), "http://127.0.0.1:") {
			t.Errorf("with USHER_ADDR %s it is at %s", addr, r.URL())
		}
		r.join("one-to-one", "alice")
	}
}
