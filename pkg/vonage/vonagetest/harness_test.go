package vonagetest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	testKey    = "123456"
	testSecret = "the secret of the api"
	testApp    = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
	callback   = "http://usher.test/session-monitoring"
)

// patience is for what comes in a moment, or on a slow machine in minutes.
const patience = 3 * time.Minute

var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// ear is a callback that answers from memory.
type ear struct {
	mu     sync.Mutex
	heard  []heard
	answer func(n int, r *http.Request) int // n counts from 1; nil: always 200
}

type heard struct {
	at     time.Time
	event  event
	body   []byte
	header http.Header
}

func (e *ear) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	h := heard{at: time.Now(), body: body, header: r.Header}
	_ = json.Unmarshal(body, &h.event)
	e.mu.Lock()
	e.heard = append(e.heard, h)
	n := len(e.heard)
	e.mu.Unlock()
	status := http.StatusOK
	if e.answer != nil {
		status = e.answer(n, r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

func (e *ear) all() []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]heard{}, e.heard...)
}

// names lists the events heard, with the first letters of what they are about.
func (e *ear) names() []string {
	var list []string
	for _, h := range e.all() {
		list = append(list, h.event.Event)
	}
	return list
}

// connections lists the connection ids of the events heard by that name.
func (e *ear) connections(name string) []string {
	list := []string{}
	for _, h := range e.all() {
		if h.event.Event == name {
			list = append(list, h.event.Connection.ID)
		}
	}
	return list
}

// both is a platform with both environments and a callback in memory.
func both(t *testing.T, change ...func(*Options)) (*Platform, *ear) {
	t.Helper()
	e := &ear{}
	o := Options{
		APIKey: testKey, APISecret: testSecret, ApplicationID: testApp, PublicKey: &testRSA().PublicKey,
		Callback: callback, HTTP: &http.Client{Transport: e},
	}
	for _, f := range change {
		f(&o)
	}
	p := New(o)
	t.Cleanup(p.Close)
	return p, e
}

// settle waits for all webhooks that are to be sent now.
func settle(t *testing.T, p *Platform) {
	t.Helper()
	if err := p.Settle(t.Context()); err != nil {
		t.Fatal("waiting for webhooks:", err)
	}
}

// rest sends a REST request with a good OpenTok token, unless header says
// otherwise, and gives the answer.
func rest(t *testing.T, h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Accept", "application/json")
	if len(header) == 0 {
		r.Header.Set("X-OPENTOK-AUTH", hs256(t, projectClaims(nil)))
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func path(session string, rest ...string) string {
	return "/v2/project/" + testKey + "/session/" + session + strings.Join(rest, "")
}

func hs256(t *testing.T, c jwt.MapClaims) string {
	t.Helper()
	return signed(t, jwt.SigningMethodHS256, []byte(testSecret), c)
}

func rs256(t *testing.T, c jwt.MapClaims) string {
	t.Helper()
	return signed(t, jwt.SigningMethodRS256, testRSA(), c)
}

func signed(t *testing.T, m jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(m, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// claims over defaults; a nil value takes a claim away.
func over(base, change jwt.MapClaims) jwt.MapClaims {
	for name, v := range change {
		if v == nil {
			delete(base, name)
		} else {
			base[name] = v
		}
	}
	return base
}

func seconds(d time.Duration) int64 { return time.Now().Add(d).Unix() }

func projectClaims(change jwt.MapClaims) jwt.MapClaims {
	return over(jwt.MapClaims{
		"iss": testKey, "ist": "project", "iat": seconds(0), "exp": seconds(3 * time.Minute), "jti": "1",
	}, change)
}

func applicationClaims(change jwt.MapClaims) jwt.MapClaims {
	return over(jwt.MapClaims{
		"application_id": testApp, "iat": seconds(0), "exp": seconds(15 * time.Minute), "jti": "1",
	}, change)
}

func openTokClient(session string, change jwt.MapClaims) jwt.MapClaims {
	return over(jwt.MapClaims{
		"iss": testKey, "ist": "project", "iat": seconds(0), "exp": seconds(time.Minute),
		"session_id": session, "create_time": seconds(0), "nonce": 0.5, "role": "publisher",
		"expire_time": seconds(time.Minute), "connection_data": "who", "initial_layout_class_list": "",
		"scope": "session.connect",
	}, change)
}

func unifiedClient(session string, change jwt.MapClaims) jwt.MapClaims {
	return over(jwt.MapClaims{
		"application_id": testApp, "scope": "session.connect", "session_id": session, "role": "publisher",
		"connection_data": "who", "initial_layout_class_list": "", "sub": "video",
		"acl": map[string]any{"paths": map[string]any{"/session/**": map[string]any{}}},
		"iat": seconds(0), "exp": seconds(time.Minute), "jti": "1",
	}, change)
}

// foreign connects a client, or ends the test.
func foreign(t *testing.T, p *Platform, session, data string) Connection {
	t.Helper()
	c, err := p.ConnectForeign(session, data, "")
	if err != nil {
		t.Fatal("connect:", err)
	}
	return c
}

func parse[T any](t *testing.T, body *bytes.Buffer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
}

func wantError(t *testing.T, err error, status int) {
	t.Helper()
	if statusOf(err) != status {
		t.Fatalf("got %v, want status %d", err, status)
	}
}
