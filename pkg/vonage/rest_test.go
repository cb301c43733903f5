package vonage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/childtest"
	"usher/pkg/room"
)

// platform answers every request as its script says and keeps what it was sent.
type platform struct {
	mu     sync.Mutex
	heard  []heard
	script func(n int, w http.ResponseWriter, r *http.Request)
}

type heard struct {
	line, body string // "METHOD path?query", as they came
	header     http.Header
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.heard = append(p.heard, heard{r.Method + " " + r.RequestURI, string(body), r.Header})
	n := len(p.heard)
	p.mu.Unlock()
	p.script(n, w, r)
}

// serve starts a platform below /base and gives a client for it.
func serve(t *testing.T, account Account, script func(n int, w http.ResponseWriter, r *http.Request)) (*Client, *platform) {
	t.Helper()
	p := &platform{script: script}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return newClient(t, account, func(o *Options) { o.BaseURL, o.HTTP = s.URL+"/base/", s.Client() }), p
}

func answers(status int, body string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAuthorization(t *testing.T) {
	t.Run("OpenTok", func(t *testing.T) {
		c, p := serve(t, openTokAccount(), answers(204, ""))
		if err := c.Disconnect(t.Context(), "s", "c"); err != nil {
			t.Fatal(err)
		}
		h := p.heard[0].header
		if openTokClaims(t, h.Get("X-OPENTOK-AUTH"))["iss"] != apiKey || h.Get("Authorization") != "" {
			t.Errorf("header %v", h)
		}
	})
	t.Run("Unified", func(t *testing.T) {
		c, p := serve(t, unifiedAccount(), answers(204, ""))
		if err := c.Disconnect(t.Context(), "s", "c"); err != nil {
			t.Fatal(err)
		}
		h := p.heard[0].header
		token, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
		if !ok || unifiedClaims(t, token)["application_id"] != applicationID || h.Get("X-OPENTOK-AUTH") != "" {
			t.Errorf("header %v", h)
		}
	})
}

func TestCreateSession(t *testing.T) {
	for archived, mode := range map[bool]string{false: "manual", true: "always"} {
		t.Run(mode, func(t *testing.T) {
			c, p := serve(t, openTokAccount(), answers(200, `[{"session_id":"2_x","project_id":"123456"}]`))
			session, err := c.CreateSession(t.Context(), archived)
			if err != nil || session != "2_x" {
				t.Fatal(session, err)
			}
			got := p.heard[0]
			form, err := url.ParseQuery(got.body)
			if got.line != "POST /base/session/create" || err != nil || len(form) != 2 ||
				form.Get("archiveMode") != mode || form.Get("p2p.preference") != "disabled" {
				t.Errorf("%s %s", got.line, got.body)
			}
			if got.header.Get("Content-Type") != "application/x-www-form-urlencoded" || got.header.Get("Accept") != "application/json" {
				t.Errorf("header %v", got.header)
			}
		})
	}
}

func TestCreateSessionAnswers(t *testing.T) {
	for _, body := range []string{``, `[]`, `{}`, `[{}]`, `[{"session_id":""}]`, `[{"session_id":7}]`, `<html>sesame`, `[{"session_id":"a"}] x`} {
		t.Run(body, func(t *testing.T) {
			c, _ := serve(t, openTokAccount(), answers(200, body))
			session, err := c.CreateSession(t.Context(), false)
			if err == nil || session != "" || strings.Contains(err.Error(), "sesame") {
				t.Errorf("%q, %v", session, err)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	const odd, escaped = "2_a/b#c?d %é+", "2_a%2Fb%23c%3Fd%20%25%C3%A9+"
	tests := []struct {
		name, want, body string
		ask              func(*Client) error
	}{
		{"disconnect", "DELETE /base/v2/project/123456/session/2_x/connection/c", "", func(c *Client) error {
			return c.Disconnect(t.Context(), "2_x", "c")
		}},
		{"disconnect odd ids", "DELETE /base/v2/project/123456/session/" + escaped + "/connection/" + escaped, "", func(c *Client) error {
			return c.Disconnect(t.Context(), odd, odd)
		}},
		{"signal all", "POST /base/v2/project/123456/session/2_x/signal", `{"type":"usher-ended","data":"{\"reason\":\"<>\"}"}`, func(c *Client) error {
			return c.Signal(t.Context(), "2_x", "", "usher-ended", []byte(`{"reason":"<>"}`))
		}},
		{"signal one", "POST /base/v2/project/123456/session/2_x/connection/" + escaped + "/signal", `{"type":"k","data":""}`, func(c *Client) error {
			return c.Signal(t.Context(), "2_x", odd, "k", nil)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p := serve(t, openTokAccount(), answers(204, ""))
			if err := tt.ask(c); err != nil {
				t.Fatal(err)
			}
			got := p.heard[0]
			if got.line != tt.want || !sameJSON(got.body, tt.body) {
				t.Errorf("got %s %s\nwant %s %s", got.line, got.body, tt.want, tt.body)
			}
			if tt.body != "" && got.header.Get("Content-Type") != "application/json" {
				t.Errorf("header %v", got.header)
			}
		})
	}
}

func sameJSON(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

func TestIDsThatAreNone(t *testing.T) {
	c, p := serve(t, openTokAccount(), answers(204, ""))
	for _, id := range []string{"", ".", "..", "../c", "c/..", "a/./b", `..\c`, strings.Repeat("x", 256)} {
		_, err := c.Connections(t.Context(), id)
		if c.Disconnect(t.Context(), "s", id) == nil || c.Disconnect(t.Context(), id, "c") == nil ||
			c.Signal(t.Context(), id, "", "k", nil) == nil || err == nil {
			t.Errorf("%q was taken for an id", id)
		}
	}
	if len(p.heard) > 0 {
		t.Errorf("the platform was asked: %v", p.heard)
	}
}

// operations are all requests of a Client, by their names in errors.
var operations = map[string]func(context.Context, *Client) error{
	"create session":   func(ctx context.Context, c *Client) error { _, err := c.CreateSession(ctx, false); return err },
	"list connections": func(ctx context.Context, c *Client) error { _, err := c.Connections(ctx, "s"); return err },
	"disconnect":       func(ctx context.Context, c *Client) error { return c.Disconnect(ctx, "s", "c") },
	"signal":           func(ctx context.Context, c *Client) error { return c.Signal(ctx, "s", "c", "k", nil) },
}

func TestRefusals(t *testing.T) {
	for operation, ask := range operations {
		for _, status := range []int{302, 400, 403, 413, 429, 500, 503} {
			t.Run(fmt.Sprint(operation, " ", status), func(t *testing.T) {
				c, p := serve(t, openTokAccount(), func(_ int, w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
					_, _ = io.WriteString(w, "sesame")
				})
				err := ask(t.Context(), c)
				var refusal *room.PlatformError
				if !errors.As(err, &refusal) || *refusal != (room.PlatformError{Operation: operation, Status: status}) {
					t.Errorf("got %v", err)
				}
				if len(p.heard) != 1 || strings.Contains(err.Error(), "sesame") {
					t.Errorf("asked %d times, %v", len(p.heard), err)
				}
			})
		}
	}
}

func TestNotFound(t *testing.T) {
	c, _ := serve(t, openTokAccount(), answers(404, ""))
	for _, operation := range []string{"disconnect", "signal"} {
		if err := operations[operation](t.Context(), c); !errors.Is(err, room.ErrGone) {
			t.Errorf("%s: %v", operation, err)
		}
	}
	var refusal *room.PlatformError
	if _, err := c.CreateSession(t.Context(), false); !errors.As(err, &refusal) || refusal.Status != 404 {
		t.Errorf("create session: %v", err)
	}
}

// A token that the platform refuses is not shown to it again.
func TestRefusedTokenIsReplaced(t *testing.T) {
	for _, status := range []int{401, 403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			c, p := serve(t, openTokAccount(), answers(status, ""))
			n := 0
			c.newID = func() string { n++; return fmt.Sprint(n) }
			_ = c.Disconnect(t.Context(), "s", "c")
			_ = c.Disconnect(t.Context(), "s", "c")
			same := p.heard[0].header.Get("X-OPENTOK-AUTH") == p.heard[1].header.Get("X-OPENTOK-AUTH")
			if same != (status == 500) {
				t.Errorf("same token: %v", same)
			}
		})
	}
}

func TestEndlessAnswer(t *testing.T) {
	c, _ := serve(t, openTokAccount(), func(_ int, w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := io.WriteString(w, strings.Repeat(" ", shortAnswer)); err != nil {
				return
			}
		}
	})
	for operation, ask := range operations {
		if err := ask(t.Context(), c); err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// Connections are used again after every kind of answer.
func TestConnectionsAreKept(t *testing.T) {
	peers := map[string]bool{}
	c, _ := serve(t, openTokAccount(), func(n int, w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		answers([]int{200, 404, 500}[n%3], strings.Repeat("x", 10_000))(n, w, r)
	})
	for range 9 {
		_ = c.Disconnect(t.Context(), "s", "c")
	}
	if len(peers) != 1 {
		t.Errorf("%d connections for 9 requests", len(peers))
	}
}

// hanging never answers, or never ends its answer.
type hanging struct{ answer bool }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.answer {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(waiting{r.Context()})}, nil
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

type waiting struct{ context.Context }

func (w waiting) Read([]byte) (int, error) {
	<-w.Done()
	return 0, w.Err()
}

func TestHangingPlatform(t *testing.T) {
	for operation, ask := range operations {
		for _, answer := range []bool{false, true} {
			for _, patience := range []time.Duration{time.Second, time.Hour} {
				t.Run(fmt.Sprint(operation, " ", answer, " ", patience), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := newClient(t, openTokAccount(), func(o *Options) { o.HTTP = &http.Client{Transport: hanging{answer}} })
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						began := time.Now()
						err := ask(ctx, c)
						if took := time.Since(began); took != min(patience, 3*time.Second) {
							t.Errorf("took %s", took)
						}
						if !errors.Is(err, context.DeadlineExceeded) || err.Error() != operation+": the platform did not answer in time" {
							t.Errorf("error %v", err)
						}
					})
				})
			}
		}
	}
}

func TestUnreachable(t *testing.T) {
	c := newClient(t, openTokAccount(), func(o *Options) { o.BaseURL = "http://" + childtest.Addr(t) })
	err := c.Disconnect(t.Context(), "s", "c")
	if err == nil || !strings.HasPrefix(err.Error(), "disconnect: the platform cannot be reached: dial tcp 127.0.0.1") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Disconnect(ctx, "s", "c"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "given up") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenAnswer(t *testing.T) {
	c, _ := serve(t, openTokAccount(), func(_ int, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "sesame\r\n\r\n")
		_ = conn.Close()
	})
	_, err := c.CreateSession(t.Context(), false)
	if err == nil || err.Error() != "create session: the platform broke off" {
		t.Errorf("got %v", err)
	}
}

func TestForgedCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	c := newClient(t, openTokAccount(), func(o *Options) { o.BaseURL = s.URL })
	if err := c.Disconnect(t.Context(), "s", "c"); err == nil || !strings.Contains(err.Error(), "certificate is not good") {
		t.Errorf("got %v", err)
	}
}
