package vonagetest

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// curl sends a control request as a script does.
func curl(t *testing.T, p *Platform, method, path, body string, want int) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, w.Code, want, w.Body)
	}
	return w
}

func TestAScriptPlaysALesson(t *testing.T) {
	p, e := both(t)
	id := parse[SessionView](t, curl(t, p, "POST", "/control/sessions", "", 201).Body).ID
	at := "/control/sessions/" + id
	token := hs256(t, openTokClient(id, nil))
	alice := parse[Connection](t, curl(t, p, "POST", at+"/connections", `{"token":"`+token+`"}`, 201).Body)
	bob := parse[Connection](t, curl(t, p, "POST", at+"/connections", `{"data":"bob","role":"moderator"}`, 201).Body)
	if alice.Data != "who" || bob.Data != "bob" || bob.Role != "moderator" {
		t.Fatalf("connected %+v and %+v", alice, bob)
	}
	stream := parse[Stream](t, curl(t, p, "POST", at+"/connections/"+bob.ID+"/streams", `{"kind":"screen"}`, 201).Body)
	curl(t, p, "POST", at+"/connections/"+bob.ID+"/signals", `{"type":"hi","data":"x"}`, 204)
	curl(t, p, "DELETE", at+"/streams/"+stream.ID, "", 204)
	curl(t, p, "DELETE", at+"/connections/"+bob.ID+"?reason=networkDisconnected", "", 204)
	curl(t, p, "POST", at+"/announcements", `{"event":"sessionNotification"}`, 204)
	settle(t, p)
	want := "sessionCreated connectionCreated connectionCreated streamCreated streamDestroyed connectionDestroyed sessionNotification"
	if got := strings.Join(e.names(), " "); got != want {
		t.Fatalf("heard %s", got)
	}
	in := parse[SessionView](t, curl(t, p, "GET", at, "", 200).Body)
	if len(in.Connections) != 1 || len(in.Gone) != 1 || in.Gone[0].Reason != NetworkDisconnected {
		t.Fatalf("session %+v", in)
	}
}

func TestAScriptStopsAStreamSilently(t *testing.T) {
	p, e := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "alice")
	quiet, _ := p.Publish(id, c.ID, "screen", "")
	loud, _ := p.Publish(id, c.ID, "screen", "")
	for _, stream := range []string{quiet.ID + "?reason=vanish", loud.ID} {
		curl(t, p, "DELETE", "/control/sessions/"+id+"/streams/"+stream, "", 204)
	}
	settle(t, p)
	if got := strings.Join(e.names(), " "); got != "sessionCreated connectionCreated streamCreated streamCreated streamDestroyed" {
		t.Errorf("heard %s", got)
	}
	if in := p.Connected(id); len(in) != 1 || len(in[0].Streams) != 0 {
		t.Errorf("left is %+v", in)
	}
	inbox, _ := p.Inbox(id, c.ID)
	if told := inbox[len(inbox)-2]; told.Event != "streamDestroyed" || told.Stream.ID != quiet.ID || told.Reason != NetworkDisconnected {
		t.Errorf("its client was told %+v", told)
	}
}

func TestAScriptCannotMakeASubscriberPublish(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	for role, want := range map[string]int{"subscriber": 403, "publisher": 201, "moderator": 201} {
		c, err := p.Connect(id, hs256(t, openTokClient(id, map[string]any{"role": role})))
		if err != nil || c.Role != role {
			t.Fatalf("%s connects as %+v, %v", role, c, err)
		}
		curl(t, p, "POST", "/control/sessions/"+id+"/connections/"+c.ID+"/streams", `{"kind":"camera"}`, want)
	}
}

func TestAScriptSeesEverything(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	at := "/control/sessions/" + id
	c := foreign(t, p, id, "alice")
	_ = p.Signal(id, "", "", "hi", "x")
	rest(t, p, "GET", path(id, "/connection"), "")
	settle(t, p)
	for path, want := range map[string]string{
		"/control/sessions":                    c.ID,
		at + "/connections":                    c.ID,
		at + "/connections/" + c.ID + "/inbox": `"event":"signal"`,
		at + "/signals":                        `"type":"hi"`,
		"/control/webhooks":                    `"event":"connectionCreated"`,
		"/control/requests":                    `"method":"GET"`,
		"/control/faults":                      `"lose":0`,
		"/control/webhooks/held":               `"webhooks":[]`,
	} {
		t.Run(path, func(t *testing.T) {
			if got := curl(t, p, "GET", path, "", 200).Body.String(); !strings.Contains(got, want) {
				t.Errorf("%s is not in %s", want, got)
			}
		})
	}
}

func TestAScriptSetsFaultsAndHoldsWebhooks(t *testing.T) {
	p, e := both(t)
	curl(t, p, "PUT", "/control/faults", `{"pageCap":3,"list":{"next":2,"status":503}}`, 200)
	if f := p.Faults(); f.PageCap != 3 || f.List.Next != 2 || f.List.Status != 503 {
		t.Fatalf("faults %+v", f)
	}
	curl(t, p, "PUT", "/control/faults", `{}`, 200)
	if p.Faults().PageCap != 0 {
		t.Fatal("a PUT replaces all faults")
	}
	curl(t, p, "POST", "/control/webhooks/hold", `{"next":2}`, 204)
	foreign(t, p, p.CreateSession(), "alice")
	settle(t, p)
	if len(e.all()) != 0 {
		t.Fatal("they are not held")
	}
	curl(t, p, "POST", "/control/webhooks/release", `{"order":[1]}`, 204)
	settle(t, p)
	if got := e.names(); len(got) != 1 || got[0] != "connectionCreated" {
		t.Fatalf("heard %v", got)
	}
	curl(t, p, "DELETE", "/control/webhooks/held", "", 200)
}

func TestAScriptSendsARawWebhook(t *testing.T) {
	p, e := both(t, func(o *Options) { o.SignatureSecret = "secret" })
	w := curl(t, p, "POST", "/control/webhooks", "{not json", 200)
	if got := parse[map[string]int](t, w.Body); got["status"] != 200 {
		t.Fatalf("answered %v", got)
	}
	if got := e.all()[0]; string(got.body) != "{not json" || got.header.Get("Authorization") == "" {
		t.Fatalf("sent %s, %v", got.body, got.header)
	}
}

func TestControlSaysWhatIsWrong(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	at := "/control/sessions/" + id
	big := `{"data":"` + strings.Repeat("x", bodyLimit) + `"}`
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"no such session":    {"POST", "/control/sessions/room/connections", "{}", 404, "no such session"},
		"a bad token":        {"POST", at + "/connections", `{"token":"x"}`, 403, "invalid token"},
		"an unknown field":   {"POST", at + "/connections", `{"user":"x"}`, 400, "user"},
		"not json":           {"POST", at + "/connections", `x`, 400, "JSON"},
		"two bodies":         {"POST", at + "/connections", `{}{}`, 400, "goes on"},
		"a body too large":   {"POST", at + "/connections", big, 413, "too large"},
		"a bad role":         {"POST", at + "/connections", `{"role":"king"}`, 400, "role"},
		"data too long":      {"POST", at + "/connections", `{"data":"` + strings.Repeat("x", 1001) + `"}`, 400, "1000"},
		"no such connection": {"DELETE", at + "/connections/x", "", 404, "no such connection"},
		"no such stream":     {"DELETE", at + "/streams/x", "", 404, "no such stream"},
		"nobody's inbox":     {"GET", at + "/connections/x/inbox", "", 404, "never was"},
		"nothing held":       {"POST", "/control/webhooks/release", `{"order":[0]}`, 400, "no webhook"},
		"a bad fault":        {"PUT", "/control/faults", `{"lose":2}`, 400, "lose"},
		"no such path":       {"GET", "/control/nonsense", "", 404, "/control/nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			w := curl(t, p, c.method, c.path, c.body, c.status)
			if !strings.Contains(w.Body.String(), c.says) || !json.Valid(w.Body.Bytes()) {
				t.Errorf("answered %s", w.Body)
			}
		})
	}
}

func TestAPageOfAnotherOriginCannotControl(t *testing.T) {
	p, _ := both(t)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/control/sessions", nil)
	r.Header.Set("Origin", "https://evil.test")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != 403 || len(p.Sessions()) != 0 {
		t.Fatalf("status %d", w.Code)
	}
}
