//go:build verify

package local

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/api"
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
	// turns, where set, gives the next of several programs; url is that of one alone.
	turns func() *url.URL
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
	if m.turns != nil {
		return m.turns()
	}
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
	var c api.Credentials
	ticket := api.Ticket(m.secret, name, user, "", time.Now(), time.Minute)
	if m.call(ticket, "POST", "/v1/rooms/"+name+"/join", "{}", &c) != http.StatusOK {
		return "", false
	}
	_, err := m.platform.Connect(c.SessionID, c.Token)
	return c.SessionID, err == nil
}

func (m *mortal) view(name string) (v api.Room) {
	m.t.Helper()
	if status := m.admin("GET", "/v1/rooms/"+name, "", &v); status != http.StatusOK {
		m.t.Fatalf("room %s: %d", name, status)
	}
	return v
}

func (m *mortal) lines(name string) (all []api.Line) {
	m.t.Helper()
	for after := "0"; ; {
		var page struct {
			Events []api.Line
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

// eventually polls for what must come true.
func (m *mortal) eventually(what string, ok func() bool) {
	m.t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			m.t.Fatalf("%s: not within %v", what, patience)
		}
		<-time.After(20 * time.Millisecond)
	}
}
