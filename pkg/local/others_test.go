package local

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"usher/pkg/vonage"
)

const eventsSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// listener is somebody else's server, which notes what it took.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	open   chan struct{} // closed: it answers; until then it hangs
	status int
	tries  int
	took   []post
}

type post struct {
	header http.Header
	body   string
}

func newListener(t *testing.T, status int) *listener {
	l := &listener{open: make(chan struct{}), status: status}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	l.tries++
	l.mu.Unlock()
	select {
	case <-l.open:
	case <-r.Context().Done():
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status < 300 {
		l.took = append(l.took, post{r.Header.Clone(), string(body)})
	}
	w.WriteHeader(l.status)
}

// answer has it answer with that status from now on.
func (l *listener) answer(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *listener) tried() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tries
}

func (l *listener) posts() []post {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.took)
}

// types gives the types that it took, each one verified by its signature.
func (l *listener) types(t *testing.T) (types []string) {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(eventsSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range l.posts() {
		var said struct {
			Type string
			Data struct{ Room string }
		}
		if err := verifier.Verify([]byte(p.body), p.header); err != nil {
			t.Errorf("%s: %v", p.body, err)
		}
		if err := json.Unmarshal([]byte(p.body), &said); err != nil || said.Data.Room != "lesson" {
			t.Errorf("%s: %v", p.body, err)
		}
		types = append(types, said.Type)
	}
	return types
}

func telling(t *testing.T, data string, l *listener) *running {
	t.Helper()
	return start(t, settings(t, data, "USHER_EVENTS_URL", l.URL+"/hook?token=s3cret", "USHER_EVENTS_SECRET", eventsSecret))
}

func (r *running) gone(session string) bool { return len(r.simulator.Connected(session)) == 0 }

// TestBackendHangs: a backend that answers nothing delays nobody, neither those who come
// nor the end, and hears everything in order once it listens.
func TestBackendHangs(t *testing.T) {
	l := newListener(t, 204)
	r := telling(t, filepath.Join(t.TempDir(), "usher.db"), l)
	if status, answer := r.admin("PUT", "/v1/rooms/lesson", `{"maxSeats":2}`); status != 201 {
		t.Fatalf("%d %v", status, answer)
	}
	session := r.connect("lesson", "ann")
	r.until("the backend is asked, and somebody is seated", func() bool { return l.tried() > 0 && r.field("lesson", "seats") == 1.0 })
	r.connect("lesson", "bob")
	r.until("the lesson runs", func() bool { return r.field("lesson", "status") == "running" })
	if status, answer := r.admin("POST", "/v1/rooms/lesson/end", ""); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	r.until("everybody has gone", func() bool { return r.gone(session) })
	if posts := l.posts(); len(posts) > 0 {
		t.Fatalf("the backend took %v", posts)
	}
	close(l.open)
	want := []string{
		"promise.given", "connection.seated", "promise.given", "connection.seated", "lesson.started", "lesson.ended",
		"connection.disconnected", "connection.disconnected", "connection.left", "connection.left",
	}
	r.until("all is told", func() bool { return len(l.posts()) >= len(want) })
	if got := l.types(t); !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}

// TestBackendIsToldAfterARestart: what one process could not tell, the next one does.
func TestBackendIsToldAfterARestart(t *testing.T) {
	t.Parallel()
	l := newListener(t, 500)
	close(l.open)
	data := filepath.Join(t.TempDir(), "usher.db")
	r := telling(t, data, l)
	if status, answer := r.admin("PUT", "/v1/rooms/lesson", `{"maxSeats":2}`); status != 201 {
		t.Fatalf("%d %v", status, answer)
	}
	r.join("lesson", "ann")
	r.until("the backend is asked", func() bool { return l.tried() > 0 })
	r.stop()
	l.answer(200)
	r = telling(t, data, l)
	r.until("it is told", func() bool { return len(l.posts()) > 0 })
	if got := l.types(t); !slices.Equal(got, []string{"promise.given"}) {
		t.Errorf("told %q", got)
	}
}

// TestForward: another listener gets each callback as it came, so that its signature is
// right there too; one that was away gets it later, from another process.
func TestForward(t *testing.T) {
	t.Parallel()
	l := newListener(t, 503)
	close(l.open)
	data := filepath.Join(t.TempDir(), "usher.db")
	vars := []string{"USHER_FORWARD_URL", l.URL + "/there", "VONAGE_SIGNATURE_SECRET", "signs"}
	r := start(t, settings(t, data, vars...))
	const odd = "{ \"sessionId\":\"1_other\", \t\"event\":\"somethingElse\",\"projectId\":\"99\" }\r\n"
	if status, err := r.simulator.SendWebhook(t.Context(), []byte(odd)); status != 200 || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	if status, _ := r.call("forged", "POST", "/session-monitoring", odd); status != 401 {
		t.Errorf("a forged callback was answered %d", status)
	}
	r.until("it is sent on", func() bool { return l.tried() > 0 })
	r.stop()
	l.answer(200)
	r = start(t, settings(t, data, vars...))
	r.until("it is taken", func() bool { return len(l.posts()) > 0 })
	if posts := l.posts(); len(posts) != 1 || posts[0].body != odd {
		t.Fatalf("the other listener took %v", posts)
	}
	p := l.posts()[0]
	if err := vonage.NewVerifier("signs", time.Now).Verify(p.header.Get("Authorization"), []byte(p.body)); err != nil {
		t.Error(err)
	}
	r.connect("one-to-one", "ann")
	r.until("the next is taken", func() bool {
		return slices.ContainsFunc(l.posts(), func(p post) bool { return strings.Contains(p.body, "connectionCreated") })
	})
}
