package vonagetest

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// browser plays what the browser stand-in does, over a real server.
type browser struct {
	t     *testing.T
	base  string
	token string
	id    string
}

func (b *browser) do(method, path, body string) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return res
}

func (b *browser) want(status int, method, path, body string) *http.Response {
	b.t.Helper()
	res := b.do(method, path, body)
	b.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != status {
		b.t.Fatalf("%s %s: status %d, want %d", method, path, res.StatusCode, status)
	}
	return res
}

// open connects a page.
func open(t *testing.T, server *httptest.Server, session, token string) *browser {
	t.Helper()
	b := &browser{t: t, base: server.URL + "/client/sessions/" + session + "/connections", token: token}
	res := b.want(201, "POST", "", "")
	var c Connection
	if err := json.NewDecoder(res.Body).Decode(&c); err != nil {
		t.Fatal(err)
	}
	b.id = "/" + c.ID
	return b
}

// listen opens the event stream; hang up with stop.
func (b *browser) listen(query string) (messages <-chan Message, stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", b.base+b.id+"/events"+query, nil)
	r.Header.Set("Authorization", "Bearer "+b.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatal(err, res)
	}
	out := make(chan Message, 100)
	go func() {
		defer close(out)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			raw, ok := strings.CutPrefix(lines.Text(), "data: ")
			var m Message
			if ok && json.Unmarshal([]byte(raw), &m) == nil {
				out <- m
			}
		}
	}()
	return out, cancel
}

func serve(t *testing.T, p *Platform) *httptest.Server {
	t.Helper()
	p.opts.Grace = time.Hour // these pages listen when they come to it
	server := httptest.NewServer(p)
	t.Cleanup(func() { p.Close(); server.Close() })
	return server
}

func TestAPageIsToldWhatHappens(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	server := serve(t, p)
	bob := foreign(t, p, id, "bob")
	screen, _ := p.Publish(id, bob.ID, "screen", "")
	b := open(t, server, id, hs256(t, openTokClient(id, nil)))
	told, _ := b.listen("")
	expect := func(event string) Message {
		t.Helper()
		select {
		case m, ok := <-told:
			if !ok || m.Event != event {
				t.Fatalf("told %+v (open %v), want %s", m, ok, event)
			}
			return m
		case <-time.After(patience):
			t.Fatal("never told of " + event)
			return Message{}
		}
	}
	if m := expect("connectionCreated"); m.Seq != 1 || m.Connection.ID != bob.ID || m.Connection.Data != "bob" {
		t.Fatalf("told %+v", m)
	}
	if m := expect("connectionCreated"); "/"+m.Connection.ID != b.id {
		t.Fatalf("told %+v", m)
	}
	if m := expect("streamCreated"); m.Stream.ID != screen.ID || m.Stream.Kind != "screen" {
		t.Fatalf("told %+v", m)
	}
	_ = p.Signal(id, bob.ID, "", "hi", "x")
	if m := expect("signal"); m.From == nil || m.From.ID != bob.ID {
		t.Fatalf("told %+v", m)
	}
	_ = p.Signal(id, "", "", "usher-ended", "{}")
	if m := expect("signal"); m.From != nil || m.Type != "usher-ended" || m.Data != "{}" {
		t.Fatalf("told %+v", m)
	}
	_ = p.Disconnect(id, b.id[1:], ForceDisconnected)
	if m := expect("sessionDisconnected"); m.Reason != ForceDisconnected {
		t.Fatalf("told %+v", m)
	}
	if m, ok := <-told; ok {
		t.Fatalf("told %+v after the end", m)
	}
}

func TestAPageGoesOnWhereItsStreamBroke(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	b := open(t, serve(t, p), id, hs256(t, openTokClient(id, nil)))
	told, stop := b.listen("")
	<-told
	stop()
	_ = p.Signal(id, "", "", "a", "")
	again, _ := b.listen("?after=1")
	if m := <-again; m.Seq != 2 || m.Type != "a" {
		t.Fatalf("told %+v", m)
	}
}

// A page is sent away before it listens, and learns why all the same.
func TestAPageThatListensTooLateIsToldWhyItLeft(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	b := open(t, serve(t, p), id, hs256(t, openTokClient(id, nil)))
	_ = p.Disconnect(id, b.id[1:], ForceDisconnected)
	told, _ := b.listen("")
	var last Message
	for m := range told {
		last = m
	}
	if last.Event != "sessionDisconnected" || last.Reason != ForceDisconnected {
		t.Fatalf("told at last %+v", last)
	}
}

func TestAPageActsForItselfAlone(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	server := serve(t, p)
	a := open(t, server, id, hs256(t, openTokClient(id, nil)))
	b := open(t, server, id, hs256(t, openTokClient(id, map[string]any{"nonce": 0.7})))
	foreignID := "/" + foreign(t, p, id, "").ID

	made := a.want(201, "POST", a.id+"/streams", `{"kind":"custom","name":"x"}`)
	var s Stream
	_ = json.NewDecoder(made.Body).Decode(&s)
	b.want(200, "GET", b.id+"/streams/"+s.ID, "")
	b.want(404, "GET", b.id+"/streams/"+newUUID(), "")
	b.want(404, "DELETE", b.id+"/streams/"+s.ID, "")
	b.want(204, "POST", b.id+"/signals", `{"type":"hi","data":"x","to":"`+a.id[1:]+`"}`)
	for _, other := range []string{a.id, foreignID} {
		b.want(403, "DELETE", other, "")
		b.want(403, "POST", other+"/streams", `{"kind":"screen"}`)
		b.want(403, "POST", other+"/signals", `{"data":"x"}`)
		b.want(403, "GET", other+"/events", "")
		b.want(403, "DELETE", other+"/streams/"+s.ID, "")
	}
	a.want(204, "DELETE", a.id+"/streams/"+s.ID, "")
	a.want(204, "DELETE", a.id, "")
	a.want(404, "DELETE", a.id, "")
	if n := len(p.Connected(id)); n != 2 {
		t.Fatalf("%d are in", n)
	}
}

func TestAPageIsHeldToItsRole(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	server := serve(t, p)
	s, _ := p.Publish(id, foreign(t, p, id, "").ID, "camera", "")
	watcher := open(t, server, id, hs256(t, openTokClient(id, map[string]any{"role": "subscriber"})))
	watcher.want(403, "POST", watcher.id+"/streams", `{"kind":"camera"}`)
	watcher.want(200, "GET", watcher.id+"/streams/"+s.ID, "")
	speaker := open(t, server, id, hs256(t, openTokClient(id, map[string]any{"role": "publisheronly"})))
	speaker.want(201, "POST", speaker.id+"/streams", `{"kind":"camera"}`)
	speaker.want(403, "GET", speaker.id+"/streams/"+s.ID, "")
}

func TestAPageNeedsAGoodToken(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	b := &browser{t: t, base: serve(t, p).URL + "/client/sessions/" + id + "/connections", token: "x"}
	b.want(403, "POST", "", "")
}

// The connection outlives its token, so the page goes on acting with it.
func TestAPageActsAfterItsTokenExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		id := p.CreateSession()
		token := hs256(t, openTokClient(id, nil))
		c, err := p.Connect(id, token)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		at := "/client/sessions/" + id + "/connections"
		wantStatus(t, rest(t, p, "POST", at+"/"+c.ID+"/streams", "", "Authorization", "Bearer "+token), 201)
		wantStatus(t, rest(t, p, "POST", at, "", "Authorization", "Bearer "+token), 403)
		p.Close()
	})
}

// tape is an answer that notes the deadlines set on its connection.
type tape struct {
	*httptest.ResponseRecorder
	reads, writes []time.Time
}

func (a *tape) SetReadDeadline(at time.Time) error  { a.reads = append(a.reads, at); return nil }
func (a *tape) SetWriteDeadline(at time.Time) error { a.writes = append(a.writes, at); return nil }

// watch listens to a connection's events in memory until stop is called.
func watch(t *testing.T, p *Platform, c Connection, token string) (got *tape, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "/client/sessions/"+c.SessionID+"/connections/"+c.ID+"/events", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	got, done := &tape{ResponseRecorder: httptest.NewRecorder()}, make(chan struct{})
	go func() {
		defer close(done)
		p.ServeHTTP(got, r)
	}()
	return got, func() { cancel(); <-done }
}

func TestAClosedTabHasLeftAfterAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		id := p.CreateSession()
		token := hs256(t, openTokClient(id, nil))
		c, err := p.Connect(id, token)
		if err != nil {
			t.Fatal(err)
		}
		_, stop := watch(t, p, c, token)
		time.Sleep(time.Hour)
		stop()
		time.Sleep(2 * time.Second)
		_, stopAgain := watch(t, p, c, token) // a stream that is opened again in time
		time.Sleep(time.Hour)
		if len(p.Connected(id)) != 1 {
			t.Error("it left though its page listens")
		}
		stopAgain()
		time.Sleep(4 * time.Second)
		if len(p.Connected(id)) != 0 {
			t.Error("it is still in")
		}
		settle(t, p)
		if last := e.all()[2].event; last.Event != "connectionDestroyed" || last.Reason != ClientDisconnected {
			t.Errorf("heard %+v", last)
		}
		p.Close()
	})
}

func TestAPageThatNeverListensHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		id := p.CreateSession()
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/client/sessions/"+id+"/connections", nil)
		r.Header.Set("Authorization", "Bearer "+hs256(t, openTokClient(id, nil)))
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		wantStatus(t, w, 201)
		time.Sleep(2 * time.Second)
		if len(p.Connected(id)) != 1 {
			t.Error("it left before the grace")
		}
		time.Sleep(2 * time.Second)
		if len(p.Connected(id)) != 0 {
			t.Error("it is still in")
		}
		p.Close()
	})
}

// A server's own limits on a request would cut the stream: each write gets a
// limit of its own, and reading none.
func TestAnEventStreamHasAHeartbeatAndItsOwnDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		id := p.CreateSession()
		token := hs256(t, openTokClient(id, nil))
		c, err := p.Connect(id, token)
		if err != nil {
			t.Fatal(err)
		}
		got, stop := watch(t, p, c, token)
		time.Sleep(25 * time.Second)
		stop()
		if n := strings.Count(got.Body.String(), ": still here\n\n"); n != 2 || !got.Flushed {
			t.Errorf("%d heartbeats in 25 seconds:\n%s", n, got.Body)
		}
		if len(got.reads) != 1 || !got.reads[0].IsZero() || len(got.writes) != 3 || !got.writes[2].After(time.Now()) {
			t.Errorf("read deadlines %v, write deadlines %v", got.reads, got.writes)
		}
		p.Close()
	})
}

func TestTheScriptIsServed(t *testing.T) {
	p, _ := both(t)
	server := httptest.NewServer(http.StripPrefix("/simulator", p))
	defer server.Close()
	res, err := http.Get(server.URL + "/simulator/opentok.js")
	if err != nil || res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") {
		t.Fatal(err, res)
	}
	res.Body.Close()
}

func TestPagesOfAllOriginsMayConnect(t *testing.T) {
	p, _ := both(t)
	r := httptest.NewRequestWithContext(t.Context(), "OPTIONS", "/client/sessions/x/connections", nil)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" {
		t.Fatal(w.Code, w.Header())
	}
}
