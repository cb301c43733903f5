package vonagetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestBodiesAreTheVendors(t *testing.T) {
	at := int64(1_470_257_688_309)
	p, e := both(t, func(o *Options) { o.Now = func() time.Time { return time.UnixMilli(at) } })
	id := p.CreateSession()
	c := foreign(t, p, id, "TOKENDATA")
	camera, _ := p.Publish(id, c.ID, "camera", "")
	audio, _ := p.Publish(id, c.ID, "audio", "talk")
	if err := p.Unpublish(id, camera.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := p.Disconnect(id, c.ID, NetworkDisconnected); err != nil {
		t.Fatal(err)
	}
	if err := p.Announce(id, "sessionNotification", "serverRotation"); err != nil {
		t.Fatal(err)
	}
	settle(t, p)
	head := func(name string) string {
		return fmt.Sprintf(`{"sessionId":%q,"projectId":"123456","event":%q,"timestamp":%d`, id, name, at)
	}
	conn := func(data string) string { return fmt.Sprintf(`{"id":%q,"createdAt":%d,"data":%q}`, c.ID, at, data) }
	stream := func(s Stream, more string) string {
		return fmt.Sprintf(`"stream":{"id":%q,"connection":%s,"createdAt":%d,"name":%q%s}}`, s.ID, conn(""), at, s.Name, more)
	}
	want := []string{
		head("sessionCreated") + `}`,
		head("connectionCreated") + `,"connection":` + conn("TOKENDATA") + `}`,
		head("streamCreated") + `,` + stream(camera, `,"videoType":"camera"`),
		head("streamCreated") + `,` + stream(audio, ""),
		head("streamDestroyed") + `,"reason":"clientUnpublished",` + stream(camera, `,"videoType":"camera"`),
		head("streamDestroyed") + `,"reason":"networkDisconnected",` + stream(audio, ""),
		head("connectionDestroyed") + `,"reason":"networkDisconnected","connection":` + conn("") + `}`,
		head("sessionDestroyed") + `,"reason":"networkDisconnected"}`,
		head("sessionNotification") + `,"reason":"serverRotation"}`,
	}
	var got []string
	for _, h := range e.all() {
		got = append(got, string(h.body))
		if h.header.Get("Content-Type") != "application/json" || h.header.Get("Authorization") != "" {
			t.Errorf("header %v", h.header)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got\n%v\nwant\n%v", got, want)
	}
}

func TestAnnounceKnowsSessionEventsAlone(t *testing.T) {
	p, _ := both(t)
	wantError(t, p.Announce(p.CreateSession(), "connectionCreated", ""), 400)
	wantError(t, p.Announce("room", "sessionDestroyed", ""), 404)
}

func TestVanishLeavesWithoutAWebhook(t *testing.T) {
	p, e := both(t)
	id := p.CreateSession()
	c, other := foreign(t, p, id, "alice"), foreign(t, p, id, "bob")
	_, _ = p.Publish(id, c.ID, "camera", "")
	if err := p.Disconnect(id, c.ID, Vanish); err != nil {
		t.Fatal(err)
	}
	settle(t, p)
	want := []string{"sessionCreated", "connectionCreated", "connectionCreated", "streamCreated"}
	if got := e.names(); !slices.Equal(got, want) {
		t.Fatalf("heard %v", got)
	}
	if in := p.Connected(id); len(in) != 1 || in[0].ID != other.ID {
		t.Fatalf("in: %+v", in)
	}
}

func TestCallbacksAreSigned(t *testing.T) {
	const secret = "fifty characters at most"
	p, e := both(t, func(o *Options) { o.SignatureSecret = secret })
	foreign(t, p, p.CreateSession(), "alice")
	settle(t, p)
	ids := map[any]bool{}
	for _, h := range e.all() {
		c := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(h.header.Get("Authorization")[len("Bearer "):], c,
			func(*jwt.Token) (any, error) { return []byte(secret), nil }, jwt.WithValidMethods([]string{"HS256"}))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(h.body)
		if c["iss"] != "Vonage" || c["payload_hash"] != hex.EncodeToString(sum[:]) || c["api_key"] != testKey ||
			c["application_id"] != testApp || c["exp"] != nil || c["iat"] == nil {
			t.Errorf("claims %v", c)
		}
		ids[c["jti"]] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d different jti for 2 webhooks", len(ids))
	}
}

func TestACallbackIsARealRequest(t *testing.T) {
	got := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
	}))
	defer server.Close()
	p, _ := both(t, func(o *Options) { o.Callback, o.HTTP = server.URL+"/session-monitoring", nil })
	if status, err := p.SendWebhook(t.Context(), []byte("as it is")); status != 200 || err != nil {
		t.Fatal(status, err)
	}
	if want := "POST /session-monitoring application/json as it is"; want != <-got {
		t.Fatal("another request came")
	}
}

// slow is a callback that answers before it reads.
type slow struct{ read chan []byte }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	go func() {
		<-s.read
		body, _ := io.ReadAll(r.Body)
		s.read <- body
	}()
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

func TestWhoSentAWebhookMayWriteOverIt(t *testing.T) {
	s := slow{make(chan []byte)}
	p, _ := both(t, func(o *Options) { o.HTTP = &http.Client{Transport: s} })
	body := []byte("as it was")
	if _, err := p.SendWebhook(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	clear(body)
	s.read <- nil
	if got := <-s.read; string(got) != "as it was" {
		t.Errorf("sent %q", got)
	}
}

func TestARawWebhookNeedsACallbackThatAnswers(t *testing.T) {
	p, _ := both(t, func(o *Options) { o.Callback = "" })
	_, err := p.SendWebhook(t.Context(), []byte("{}"))
	wantError(t, err, 409)
	p, _ = both(t, func(o *Options) { o.Callback = ":" })
	_, err = p.SendWebhook(t.Context(), []byte("{}"))
	wantError(t, err, 409)
	p, _ = both(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = p.SendWebhook(ctx, []byte("{}"))
	wantError(t, err, 502)
}

func TestWithoutACallbackWebhooksAreRecorded(t *testing.T) {
	p, e := both(t, func(o *Options) { o.Callback = "" })
	foreign(t, p, p.CreateSession(), "alice")
	settle(t, p)
	list := p.Webhooks()
	if len(e.all()) != 0 || len(list) != 2 || list[1].State != Lost || list[1].Number != 2 {
		t.Fatalf("recorded %+v", list)
	}
}

// A slow answer keeps the next webhook of the same session back, and those of
// others not.
func TestWebhooksOfASessionKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		slow, quick := p.CreateSession(), p.CreateSession()
		e.answer = func(n int, r *http.Request) int {
			if n == 1 {
				time.Sleep(time.Second)
			}
			return 200
		}
		foreign(t, p, slow, "first")
		synctest.Wait()
		foreign(t, p, quick, "second")
		synctest.Wait()
		if n := len(e.all()); n != 3 {
			t.Fatalf("%d webhooks while the first is slow, want 1 and the other session's 2", n)
		}
		settle(t, p)
		last := e.all()[3].event
		if last.SessionID != slow || last.Event != "connectionCreated" {
			t.Fatalf("the last is %+v", last)
		}
		p.Close()
	})
}

func TestAFailedWebhookIsTriedAgainAfter5SecondsDoubling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t, func(o *Options) { o.SignatureSecret = "secret" })
		e.answer = func(int, *http.Request) int { return 503 }
		start := time.Now()
		if err := p.Announce(p.CreateSession(), "sessionDestroyed", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		var waits []time.Duration
		last := start
		for _, h := range e.all() {
			waits = append(waits, h.at.Sub(last))
			last = h.at
		}
		want := []time.Duration{0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900}
		for i, w := range want {
			if waits[i] != w*time.Second {
				t.Fatalf("wait %d is %v, want %v s", i, waits[i], int(w))
			}
		}
		if total := last.Sub(start); total > 24*time.Hour || total < 24*time.Hour-15*time.Minute {
			t.Errorf("the last try came after %v", total)
		}
		if w := p.Webhooks()[0]; w.State != GivenUp || w.Status != 503 {
			t.Errorf("recorded %+v", w)
		}
		p.Close()
	})
}

func TestAnUnsignedOpenTokCallbackIsTried4Times(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		e.answer = func(int, *http.Request) int { return 500 }
		_ = p.Announce(p.CreateSession(), "sessionDestroyed", "")
		_ = p.Announce(p.create(testApp, "manual"), "sessionDestroyed", "")
		time.Sleep(10 * time.Minute)
		tries := p.Webhooks()
		if tries[0].Tries != 4 || tries[1].Tries < 6 {
			t.Errorf("%d tries for OpenTok, %d for Unified", tries[0].Tries, tries[1].Tries)
		}
		p.Close()
	})
}

func TestARetryDoesNotHoldUpWhatComesAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t, func(o *Options) { o.Retry = Retry{First: time.Minute} })
		e.answer = func(n int, _ *http.Request) int {
			if n == 1 {
				return 500
			}
			return 200
		}
		foreign(t, p, p.CreateSession(), "alice")
		settle(t, p)
		if got := e.names(); !slices.Equal(got, []string{"sessionCreated", "connectionCreated"}) {
			t.Fatalf("heard %v", got)
		}
		time.Sleep(2 * time.Minute)
		if got := e.names(); len(got) != 3 || got[2] != "sessionCreated" {
			t.Fatalf("heard %v", got)
		}
		if w := p.Webhooks()[0]; w.State != Delivered || w.Tries != 2 {
			t.Fatalf("recorded %+v", w)
		}
		p.Close()
	})
}

func TestAnAnswerThatDoesNotComeIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		e.answer = func(_ int, r *http.Request) int { <-r.Context().Done(); return 0 }
		_ = p.Announce(p.CreateSession(), "sessionDestroyed", "")
		time.Sleep(webhookTimeout + time.Second)
		if w := p.Webhooks()[0]; w.State != Retrying || w.Tries != 1 || w.Status != 0 {
			t.Fatalf("recorded %+v", w)
		}
		p.Close()
	})
}

// The bubble of a synctest ends only when all of its goroutines have.
func TestCloseLeavesNothingRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		e.answer = func(_ int, r *http.Request) int { <-r.Context().Done(); return 0 }
		if err := p.SetFaults(Faults{Delay: 1, DelayMS: 60_000}); err != nil {
			t.Fatal(err)
		}
		id := p.CreateSession()
		foreign(t, p, id, "delayed")
		_ = p.SetFaults(Faults{})
		foreign(t, p, id, "hanging")
		synctest.Wait()
		p.Close()
		n := len(e.all())
		time.Sleep(time.Hour)
		if got := len(e.all()); got != n {
			t.Errorf("%d webhooks after Close", got-n)
		}
		wantStatus(t, rest(t, p, "GET", path(id, "/connection"), ""), 503)
		if p.Settle(t.Context()) == nil {
			t.Error("all is said to be settled though webhooks were not sent")
		}
	})
}

func TestWebhookRecordShowsTheBody(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "alice")
	s, _ := p.Publish(id, c.ID, "camera", "")
	settle(t, p)
	w := p.Webhooks()[2]
	if w.Event != "streamCreated" || w.StreamID != s.ID || w.ConnectionID != c.ID || w.State != Delivered || !json.Valid(w.Body) {
		t.Fatalf("recorded %+v", w)
	}
}
