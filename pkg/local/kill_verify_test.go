//go:build verify

package local

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/room"
	"usher/pkg/vonage/vonagetest"
)

// mortal is the built program, which is killed and started again by the same
// command, beside a simulated platform that lives on.
type mortal struct {
	t        *testing.T
	binary   string
	vars     []string
	platform *vonagetest.Platform
	secret   []byte

	mu  sync.Mutex
	cmd *exec.Cmd
	url *url.URL
	log record
}

const (
	mortalKey    = "4600"
	mortalSecret = "the secret of the simulated project"
	mortalAPIKey = "0123456789abcdef0123456789abcdef"
)

// newMortal builds the program. The platform's callback is an address that
// stays; behind it the program has a new port at each start.
func newMortal(t *testing.T, vars ...string) *mortal {
	t.Helper()
	m := &mortal{t: t, binary: filepath.Join(t.TempDir(), "usher"), secret: []byte(mortalAPIKey), url: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", m.binary, "usher")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the program cannot be built: %v\n%s", err, out)
	}
	door := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(m.at()) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(door.Close)
	m.platform = vonagetest.New(vonagetest.Options{
		APIKey: mortalKey, APISecret: mortalSecret, Callback: door.URL + api.WebhookPath,
		Retry: vonagetest.Retry{First: 50 * time.Millisecond, Max: 400 * time.Millisecond, For: time.Hour, Tries: 1 << 20},
	})
	t.Cleanup(m.platform.Close)
	server := httptest.NewServer(m.platform)
	t.Cleanup(server.Close)
	m.vars = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "USHER_ADDR=127.0.0.1:0", "USHER_TOKEN_SECONDS=30", "USHER_API_SECRET=" + mortalAPIKey,
		"USHER_DATA=" + filepath.Join(t.TempDir(), "usher.db"),
		"OPENTOK_API_KEY=" + mortalKey, "OPENTOK_API_SECRET=" + mortalSecret, "VONAGE_VIDEO_URL=" + server.URL,
	}, vars...)
	t.Cleanup(m.kill)
	t.Cleanup(func() {
		if t.Failed() {
			text := m.log.String()
			t.Logf("the end of the program's log:\n%s", text[max(0, len(text)-20_000):])
		}
	})
	return m
}

// record is a log that is read while it is written.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (m *mortal) at() *url.URL {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.url
}

// start runs the program until it says where it is.
func (m *mortal) start() {
	m.t.Helper()
	cmd := exec.Command(m.binary)
	cmd.Env, cmd.Stderr = m.vars, &m.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.cmd = cmd
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, at, found := strings.Cut(lines.Text(), " is at "); found {
			u, err := url.Parse(at)
			if err != nil {
				m.t.Fatal(err)
			}
			m.mu.Lock()
			m.url = u
			m.mu.Unlock()
			return
		}
	}
	m.t.Fatal("the program does not start")
}

// kill ends the program without a word (SIGKILL).
func (m *mortal) kill() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		m.cmd = nil
	}
}

// call asks the program, which may be dead: then the status is 0.
func (m *mortal) call(token, method, path, body string, into any) (status int) {
	req, err := http.NewRequest(method, m.at().String()+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || into != nil && json.Unmarshal(text, into) != nil {
		return 0
	}
	return resp.StatusCode
}

func (m *mortal) admin(method, path, body string, into any) int {
	return m.call(api.AdminToken(m.secret, time.Now(), time.Hour), method, path, body, into)
}

// enter joins as user and connects.
func (m *mortal) enter(name, user string) (session string, ok bool) {
	var c room.Credentials
	ticket := api.Ticket(m.secret, name, user, "", time.Now(), time.Minute)
	if m.call(ticket, "POST", "/v1/rooms/"+name+"/join", "{}", &c) != http.StatusOK {
		return "", false
	}
	_, err := m.platform.Connect(c.SessionID, c.Token)
	return c.SessionID, err == nil
}

func (m *mortal) view(name string) (v room.View) {
	m.t.Helper()
	if status := m.admin("GET", "/v1/rooms/"+name, "", &v); status != http.StatusOK {
		m.t.Fatalf("room %s: %d", name, status)
	}
	return v
}

func (m *mortal) lines(name string) (all []room.LineView) {
	m.t.Helper()
	for after := "0"; ; {
		var page struct {
			Events []room.LineView
			Next   json.Number
		}
		if status := m.admin("GET", "/v1/rooms/"+name+"/events?limit=1000&after="+after, "", &page); status != http.StatusOK {
			m.t.Fatalf("the log of %s: %d", name, status)
		}
		if len(page.Events) == 0 {
			return all
		}
		all, after = append(all, page.Events...), page.Next.String()
	}
}

// eventually polls for what must come true within the limit.
func (m *mortal) eventually(limit time.Duration, what string, ok func() bool) {
	m.t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			m.t.Fatalf("%s: not within %v", what, limit)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// storm is people who come and go in one room until stop is closed.
type storm struct {
	*mortal
	name, session string
	dice          *rand.Rand
}

func (s storm) rage(stop <-chan struct{}) {
	users := []string{"ann", "ben", "cem", "dora", "eve"}
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(s.dice.IntN(30)) * time.Millisecond):
		}
		in := s.platform.Connected(s.session)
		switch roll := s.dice.IntN(10); {
		case roll < 3:
			_, _ = s.platform.ConnectForeign(s.session, `{"user":"`+users[s.dice.IntN(len(users))]+`-elsewhere"}`, "")
		case roll < 6:
			_, _ = s.enter(s.name, users[s.dice.IntN(len(users))])
		case len(in) > 0:
			_ = s.platform.Disconnect(s.session, in[s.dice.IntN(len(in))].ID, vonagetest.ClientDisconnected)
		}
	}
}

func TestKilledAgainAndAgain(t *testing.T) {
	local := dynamotest.Start(t)
	for name, vars := range map[string][]string{
		"bolt":     nil,
		"dynamodb": {"AWS_ENDPOINT_URL_DYNAMODB=" + local.URL},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMortal(t, vars...)
			m.start()
			rooms := map[string]string{
				"three": `{"maxSeats":3,"foreignTokens":"accept"}`,
				"one":   `{"maxSeats":1,"foreignTokens":"accept","duplicateUser":"refuse-newer"}`,
				"hall":  `{"foreignTokens":"accept","lessonSeconds":3600}`,
			}
			sessions := m.open(rooms)
			if err := m.platform.SetFaults(vonagetest.Faults{Seed: 1, Repeat: 0.1, Shuffle: 0.3, DelayMS: 400, Parallel: 4}); err != nil {
				t.Fatal(err)
			}
			m.killInStorm(sessions, 12)
			m.settle()
			for name := range sessions {
				m.agree(name)
			}
			for _, lead := range []time.Duration{900 * time.Millisecond, 400 * time.Millisecond, 50 * time.Millisecond} {
				m.endsOnTime("timed-"+lead.String(), lead)
			}
			m.kill()
			if text := m.log.String(); strings.Contains(text, " status=5") || strings.Contains(text, "panic") {
				t.Error("the program answered 5xx, or panicked")
			}
		})
	}
}

// open puts the rooms and lets somebody in, so that they have sessions.
func (m *mortal) open(rooms map[string]string) (sessions map[string]string) {
	m.t.Helper()
	sessions = map[string]string{}
	for name, policy := range rooms {
		if status := m.admin("PUT", "/v1/rooms/"+name, policy, nil); status != http.StatusCreated {
			m.t.Fatalf("put %s: %d", name, status)
		}
		session, ok := m.enter(name, "first")
		if !ok {
			m.t.Fatalf("nobody gets into %s", name)
		}
		sessions[name] = session
	}
	return sessions
}

// killInStorm kills the program that many times at random moments while people
// come and go, and leaves it running.
func (m *mortal) killInStorm(sessions map[string]string, times int) {
	m.t.Helper()
	stop, dice := make(chan struct{}), rand.New(rand.NewPCG(1, 2))
	var all sync.WaitGroup
	for name, session := range sessions {
		s := storm{m, name, session, rand.New(rand.NewPCG(dice.Uint64(), 0))}
		all.Go(func() { s.rage(stop) })
	}
	for range times {
		<-time.After(time.Duration(100+dice.IntN(1200)) * time.Millisecond)
		m.kill()
		<-time.After(time.Duration(dice.IntN(300)) * time.Millisecond)
		m.start()
	}
	close(stop)
	all.Wait()
}

// settle waits until every webhook has been taken.
func (m *mortal) settle() {
	m.t.Helper()
	tries := 0
	m.eventually(time.Minute, "all webhooks are taken", func() bool {
		all := m.platform.Webhooks()
		tries = 0
		for _, w := range all {
			tries += w.Tries
		}
		return !slices.ContainsFunc(all, func(w vonagetest.Webhook) bool { return w.State != vonagetest.Delivered })
	})
	m.t.Logf("%d webhooks in %d tries", len(m.platform.Webhooks()), tries)
}

// agree holds that the room, the platform and the log say the same, and that
// the log tells of nothing that must not be.
func (m *mortal) agree(name string) {
	m.t.Helper()
	session := *m.view(name).SessionID
	ids := func() (truth, known []string) {
		for _, c := range m.platform.Connected(session) {
			truth = append(truth, c.ID)
		}
		for _, c := range m.view(name).Connections {
			known = append(known, c.ID)
		}
		slices.Sort(truth)
		slices.Sort(known)
		return truth, known
	}
	m.eventually(90*time.Second, name+": the room knows who is in, and everybody is decided", func() bool {
		truth, known := ids()
		return slices.Equal(truth, known) && m.view(name).Waiting == 0
	})
	v := m.view(name)
	truth, _ := ids()
	told := m.readLog(name, capOf(v))
	if limit := capOf(v); v.Seats != len(truth) || len(told.seated) != len(truth) || limit > 0 && len(truth) > limit {
		m.t.Errorf("%s: %d seats of %d, %d by the log, %d in truth", name, v.Seats, limit, len(told.seated), len(truth))
	}
	full, _ := m.platform.Session(session)
	for _, c := range full.Gone {
		if c.Reason == vonagetest.ForceDisconnected && !told.sentAway[c.ID] {
			m.t.Errorf("%s: %s was disconnected, and the log does not say why", name, c.ID)
		}
	}
	for _, id := range truth {
		if told.sentAway[id] {
			m.t.Errorf("%s: %s was told to go and is still in", name, id)
		}
	}
	m.t.Logf("%s: %d lines, %d were let in, %d sent away, %d are in", name, told.lines, told.letIn, len(told.sentAway), len(truth))
}

func capOf(v room.View) int {
	p := room.StoredPolicy(string(v.Policy))
	return p.MaxSeats()
}

// told is what a log says.
type told struct {
	lines, letIn     int
	seated, sentAway map[string]bool
}

// readLog adds up the log: its numbers have no holes, never more are seated
// than the cap, and nobody is decided twice.
func (m *mortal) readLog(name string, limit int) told {
	m.t.Helper()
	sum := told{seated: map[string]bool{}, sentAway: map[string]bool{}}
	for i, line := range m.lines(name) {
		sum.lines++
		id := ""
		if line.ConnectionID != nil {
			id = *line.ConnectionID
		}
		if line.Seq != int64(i)+1 {
			m.t.Fatalf("%s: line %d of the log has the number %d", name, i+1, line.Seq)
		}
		switch line.Action {
		case room.DidSeat:
			if sum.seated[id] || sum.sentAway[id] {
				m.t.Errorf("%s: %s is seated again", name, id)
			}
			sum.seated[id] = true
			sum.letIn++
		case room.DidRefuse, room.DidDisconnect:
			if id == "" {
				continue // refused at the door
			}
			if sum.sentAway[id] {
				m.t.Errorf("%s: %s is sent away twice", name, id)
			}
			sum.sentAway[id] = true
			delete(sum.seated, id)
		case room.DidLeave, room.DidRepair:
			delete(sum.seated, id)
		}
		if limit > 0 && len(sum.seated) > limit {
			m.t.Errorf("%s: %d are seated after line %d", name, len(sum.seated), line.Seq)
		}
	}
	return sum
}

// endsOnTime kills the program that long before a lesson's deadline and starts
// it at once: the first request to disconnect leaves within a second after the
// deadline, or after the start where that is later.
func (m *mortal) endsOnTime(name string, lead time.Duration) {
	m.t.Helper()
	session := m.open(map[string]string{name: `{"lessonSeconds":3}`})[name]
	if _, ok := m.enter(name, "second"); !ok {
		m.t.Fatal("the second one does not get in")
	}
	m.eventually(2*time.Second, "the lesson runs", func() bool { return m.view(name).EndsAt != nil })
	ends, err := time.Parse(time.RFC3339, *m.view(name).EndsAt)
	if err != nil {
		m.t.Fatal(err)
	}
	<-time.After(time.Until(ends.Add(-lead)))
	m.kill()
	m.start()
	up := time.Now()
	m.eventually(15*time.Second, "everybody is out", func() bool { return len(m.platform.Connected(session)) == 0 })
	first := time.Time{}
	for _, r := range m.platform.Requests() {
		if r.Method == http.MethodDelete && strings.Contains(r.Path, session) {
			first = time.UnixMilli(r.At)
			break
		}
	}
	latest := ends
	if up.After(ends) {
		latest = up
	}
	if first.Before(ends) || first.After(latest.Add(time.Second)) {
		m.t.Errorf("%s: the first request left %v after the deadline, %v after the start", name, first.Sub(ends), first.Sub(up))
	}
	m.t.Logf("killed %v before the deadline, up again %v after the kill: the first request left %v after the deadline", lead, up.Sub(ends)+lead, first.Sub(ends))
}
