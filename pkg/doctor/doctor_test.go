package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ward is a deployment that answers as it should, but for what a test breaks: a method
// and a path, with the status that is answered instead.
type ward struct {
	broken map[string]int
	late   time.Duration // its clock
	deaf   bool          // callbacks are answered and forgotten
	checks string
	open   bool // unsigned callbacks are heard
	flaky  int  // so many requests to delete the room fail
	absent int  // and so many then find none

	mu    sync.Mutex
	asked []string
	heard string
}

const signature = "a secret of signed callbacks"

func (w *ward) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/rooms/"), "/")
	if strings.HasPrefix(r.URL.Path, "/v1/rooms/") {
		r.URL.Path = strings.TrimSuffix("/v1/rooms/ROOM/"+rest, "/")
	}
	said := r.Method + " " + r.URL.Path
	w.asked = append(w.asked, said)
	if status := w.broken[said]; status != 0 {
		out.WriteHeader(status)
		fmt.Fprint(out, `{"detail":"as the test wants it"}`)
		return
	}
	switch said {
	case "GET /healthz":
		fmt.Fprint(out, `{"status":"ok","version":"1.2.3"}`)
	case "POST /v1/checkup":
		fmt.Fprintf(out, `{"version":"1.2.3","now":%q,"checks":[%s]}`, time.Now().Add(w.late).UTC().Format(time.RFC3339Nano), w.checks)
	case "POST /session-monitoring":
		w.callback(out, r)
	case "POST /v1/rooms/ROOM/reopen":
		fmt.Fprint(out, `{"sessionId":"1_session"}`)
	case "GET /v1/rooms/ROOM/events":
		fmt.Fprintf(out, `{"events":[{"event":"connectionCreated","because":null,"connectionId":%q}]}`, w.heard)
	case "DELETE /v1/rooms/ROOM":
		w.remove(out)
	default:
		fmt.Fprint(out, `{"sessionId":null}`)
	}
	if said != "GET /healthz" && said != "POST /session-monitoring" && r.Header.Get("Authorization") != "Bearer the token" {
		w.asked = append(w.asked, said+" without the token")
	}
}

func (w *ward) remove(out http.ResponseWriter) {
	switch {
	case w.flaky > 0:
		w.flaky--
		out.WriteHeader(http.StatusBadGateway)
	case w.absent > 0:
		w.absent--
		out.WriteHeader(http.StatusNotFound)
	default:
		out.WriteHeader(http.StatusNoContent)
	}
}

func (w *ward) callback(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte(signature), nil })
	if err != nil && !w.open {
		out.WriteHeader(http.StatusUnauthorized)
		return
	}
	var e struct{ Connection struct{ ID string } }
	if json.Unmarshal(body, &e) == nil && !w.deaf && w.heard == "" {
		w.heard = e.Connection.ID
	}
	fmt.Fprint(out, `{}`)
}

func examine(t *testing.T, w *ward, change func(*Patient)) []Line {
	t.Helper()
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	p := Patient{URL: server.URL + "/", Token: "the token", Signature: signature, HTTP: server.Client(), Now: time.Now, After: atOnce}
	if change != nil {
		change(&p)
	}
	return p.Examine(t.Context())
}

// atOnce is a wait that takes no time.
func atOnce(time.Duration) <-chan time.Time {
	over := make(chan time.Time)
	close(over)
	return over
}

// ill gives the names of what is not well.
func ill(lines []Line) string {
	var names []string
	for _, l := range lines {
		if !l.OK {
			names = append(names, l.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestWell(t *testing.T) {
	w := &ward{checks: `{"name":"sweep","ok":true,"detail":"The sweep ran."}`}
	lines := examine(t, w, nil)
	var names []string
	for _, l := range lines {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); ill(lines) != "" || got != "reachable unsigned token clock room signed sweep" {
		t.Errorf("%+v", lines)
	}
	asked := strings.Join(w.asked, "\n")
	if strings.Contains(asked, "without the token") || !strings.HasSuffix(asked, "DELETE /v1/rooms/ROOM") {
		t.Errorf("asked:\n%s", asked)
	}
}

func TestIll(t *testing.T) {
	for _, c := range []struct {
		name string
		ward *ward
		want string
	}{
		{"somebody else's address", &ward{broken: map[string]int{"GET /healthz": 404}}, "reachable"},
		{"not ready", &ward{broken: map[string]int{"GET /healthz": 503}}, "reachable"},
		{"the callback is not ready", &ward{broken: map[string]int{"POST /session-monitoring": 503}}, "unsigned signed"},
		{"a token that is not good", &ward{broken: map[string]int{"POST /v1/checkup": 401}}, "token"},
		{"an older version", &ward{broken: map[string]int{"POST /v1/checkup": 404}}, "token"},
		{"a clock that is ahead", &ward{late: time.Minute}, "clock"},
		{"a clock that is behind", &ward{late: -time.Minute}, "clock"},
		{"no session can be made", &ward{broken: map[string]int{"POST /v1/rooms/ROOM/reopen": 503}}, "room"},
		{"no room can be made", &ward{broken: map[string]int{"PUT /v1/rooms/ROOM": 500}}, "room"},
		{"callbacks are forgotten", &ward{deaf: true}, "signed"},
		{"the log is away", &ward{broken: map[string]int{"GET /v1/rooms/ROOM/events": 503}}, "signed"},
		{"the room stays", &ward{broken: map[string]int{"DELETE /v1/rooms/ROOM": 500}}, "left behind"},
		{"what it says of itself", &ward{checks: `{"name":"sweep","ok":false,"detail":"no"},{"name":"callback","ok":true,"detail":""}`}, "sweep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := examine(t, c.ward, nil)
			if got := ill(lines); got != c.want {
				t.Errorf("ill are %q, want %q: %+v", got, c.want, lines)
			}
			for _, l := range lines {
				if !l.OK && !strings.Contains(strings.TrimSuffix(l.Detail, "."), ".") && l.Name != "sweep" {
					t.Errorf("%s does not say what to do: %s", l.Name, l.Detail)
				}
				if strings.Contains(l.Detail, "the token") || strings.Contains(l.Detail, signature) {
					t.Errorf("%s shows a secret: %s", l.Name, l.Detail)
				}
			}
		})
	}
}

// TestNothingIsLeftBehind: a request to delete the room that fails is made again, and one
// that finds none too, where what makes the room may yet arrive.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, c := range []struct {
		name      string
		ward      *ward
		ill       string
		deletions int
	}{
		{"well", &ward{}, "", 1},
		{"two fail", &ward{flaky: 2}, "", 3},
		{"it has gone with an answer that was lost", &ward{flaky: 1, absent: 9}, "", 2},
		{"it may yet be made", &ward{absent: 1, broken: map[string]int{"PUT /v1/rooms/ROOM": 504}}, "room", 2},
		{"it is never made", &ward{absent: 9, broken: map[string]int{"PUT /v1/rooms/ROOM": 504}}, "room", 3},
		{"all fail", &ward{flaky: 9}, "left behind", 3},
		{"it may not be deleted", &ward{broken: map[string]int{"DELETE /v1/rooms/ROOM": 403}}, "left behind", 1},
	} {
		lines := examine(t, c.ward, nil)
		asked := strings.Count(strings.Join(c.ward.asked, "\n"), "DELETE /v1/rooms/ROOM")
		if ill(lines) != c.ill || asked != c.deletions {
			t.Errorf("%s: %d requests, ill are %q", c.name, asked, ill(lines))
		}
	}
}

// TestWhatToDo: words that name the thing to take hold of.
func TestWhatToDo(t *testing.T) {
	for _, c := range []struct {
		asked  string
		status int
		want   string
	}{
		{"POST /v1/checkup", 401, "USHER_API_SECRET"},
		{"POST /v1/checkup", 403, "good for all rooms"},
		{"GET /healthz", 404, "output Url"},
	} {
		lines := examine(t, &ward{broken: map[string]int{c.asked: c.status}}, nil)
		if last := lines[len(lines)-1]; last.OK || !strings.Contains(last.Detail, c.want) {
			t.Errorf("%s answers %d: %q does not say %q", c.asked, c.status, last.Detail, c.want)
		}
	}
}

// TestTokenIsNotRepeated: something that is not Usher may say what it was sent.
func TestTokenIsNotRepeated(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			fmt.Fprint(w, `{"status":"ok","version":"1"}`)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"detail":"you sent %s"}`, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	lines := Patient{URL: server.URL, Token: "very-secret", HTTP: server.Client(), Now: time.Now}.Examine(t.Context())
	if ill(lines) != "token" || strings.Contains(fmt.Sprint(lines), "very-secret") {
		t.Errorf("%+v", lines)
	}
}

// TestNullIsNoAnswer: a server that says null to everything has no clock that is wrong.
func TestNullIsNoAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := "null"
		if r.URL.Path == "/healthz" {
			answer = `{"status":"ok","version":"1"}`
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	if lines := (Patient{URL: server.URL, Token: "t", HTTP: server.Client(), Now: time.Now}).Examine(t.Context()); ill(lines) != "token" {
		t.Errorf("%+v", lines)
	}
}

func TestAnotherSignatureSecret(t *testing.T) {
	lines := examine(t, &ward{}, func(p *Patient) { p.Signature = "another" })
	if ill(lines) != "signed" {
		t.Errorf("%+v", lines)
	}
}

func TestNobodyThere(t *testing.T) {
	lines := examine(t, &ward{}, func(p *Patient) { p.URL = "http://127.0.0.1:1" })
	if len(lines) != 1 || ill(lines) != "reachable" {
		t.Errorf("%+v", lines)
	}
}

// On this machine a simulated platform signs nothing; elsewhere that is a hole.
func TestUnsignedCallbacks(t *testing.T) {
	if lines := examine(t, &ward{open: true}, func(p *Patient) { p.Signature = "" }); ill(lines) != "" {
		t.Errorf("on this machine: %+v", lines)
	}
	elsewhere := func(p *Patient) {
		proxy := p.HTTP.Transport
		host := p.URL
		p.URL = "http://usher.example"
		p.HTTP = &http.Client{Transport: toHost{proxy, host}}
	}
	if lines := examine(t, &ward{open: true}, elsewhere); ill(lines) != "unsigned" {
		t.Errorf("elsewhere: %+v", lines)
	}
}

// toHost sends every request to one server.
type toHost struct {
	under http.RoundTripper
	host  string
}

func (h toHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = strings.TrimSuffix(strings.TrimPrefix(h.host, "http://"), "/")
	return h.under.RoundTrip(r)
}
