package vonagetest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestOnlyAProvenCallerIsServed(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	openTok := func(c jwt.MapClaims) []string { return []string{"X-OPENTOK-AUTH", hs256(t, projectClaims(c))} }
	unified := func(c jwt.MapClaims) []string {
		return []string{"Authorization", "Bearer " + rs256(t, applicationClaims(c))}
	}
	app := p.create(testApp, "manual")
	for name, c := range map[string]struct {
		path   string
		header []string
		want   int
	}{
		"opentok":                     {path(id, "/connection"), openTok(nil), 200},
		"opentok without jti":         {path(id, "/connection"), openTok(jwt.MapClaims{"jti": nil}), 200},
		"opentok expired":             {path(id, "/connection"), openTok(jwt.MapClaims{"iat": seconds(-time.Minute), "exp": seconds(-time.Second)}), 403},
		"opentok without exp":         {path(id, "/connection"), openTok(jwt.MapClaims{"exp": nil}), 403},
		"opentok without iat":         {path(id, "/connection"), openTok(jwt.MapClaims{"iat": nil}), 403},
		"opentok from the future":     {path(id, "/connection"), openTok(jwt.MapClaims{"iat": seconds(time.Minute)}), 403},
		"opentok for six minutes":     {path(id, "/connection"), openTok(jwt.MapClaims{"exp": seconds(6 * time.Minute)}), 403},
		"opentok of another key":      {path(id, "/connection"), openTok(jwt.MapClaims{"iss": "654321"}), 403},
		"opentok of an account":       {path(id, "/connection"), openTok(jwt.MapClaims{"ist": "account"}), 403},
		"opentok forged":              {path(id, "/connection"), []string{"X-OPENTOK-AUTH", signed(t, jwt.SigningMethodHS256, []byte("guess"), projectClaims(nil))}, 403},
		"opentok with another method": {path(id, "/connection"), []string{"X-OPENTOK-AUTH", signed(t, jwt.SigningMethodHS512, []byte(testSecret), projectClaims(nil))}, 403},
		"opentok unsigned":            {path(id, "/connection"), []string{"X-OPENTOK-AUTH", signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, projectClaims(nil))}, 403},
		"unified":                     {"/v2/project/" + testApp + "/session/" + app + "/connection", unified(nil), 200},
		"unified expired":             {"/v2/project/" + testApp + "/session/" + app + "/connection", unified(jwt.MapClaims{"exp": seconds(-1 * time.Second)}), 403},
		"unified without jti":         {"/v2/project/" + testApp + "/session/" + app + "/connection", unified(jwt.MapClaims{"jti": nil}), 403},
		"unified of another":          {"/v2/project/" + testApp + "/session/" + app + "/connection", unified(jwt.MapClaims{"application_id": "other"}), 403},
		"the public key as a secret": {
			"/v2/project/" + testApp + "/session/" + app + "/connection",
			[]string{"Authorization", "Bearer " + signed(t, jwt.SigningMethodHS256, testRSA().N.Bytes(), applicationClaims(nil))},
			403,
		},
		"opentok token as bearer":        {path(id, "/connection"), []string{"Authorization", "Bearer " + hs256(t, projectClaims(nil))}, 403},
		"no token":                       {path(id, "/connection"), []string{"X", "y"}, 403},
		"another project in the path":    {"/v2/project/" + testApp + "/session/" + id + "/connection", openTok(nil), 403},
		"a session of the other project": {path(app, "/connection"), openTok(nil), 404},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, rest(t, p, "GET", c.path, "", c.header...), c.want)
		})
	}
}

func TestCreateSessionAnswersAnArrayOfOne(t *testing.T) {
	p, _ := both(t)
	w := rest(t, p, "POST", "/session/create", "archiveMode=always&p2p.preference=disabled",
		"X-OPENTOK-AUTH", hs256(t, projectClaims(nil)), "Content-Type", "application/x-www-form-urlencoded")
	wantStatus(t, w, 200)
	list := parse[[]struct {
		ID      string `json:"session_id"`
		Project string `json:"project_id"`
	}](t, w.Body)
	if len(list) != 1 || list[0].Project != testKey || projectOf(list[0].ID) != testKey {
		t.Fatalf("got %+v", list)
	}
	if v, err := p.Session(list[0].ID); err != nil || v.ArchiveMode != "always" {
		t.Fatalf("got %+v, %v", v, err)
	}
}

func TestCreateSessionRefusesWhatCannotBe(t *testing.T) {
	p, _ := both(t)
	auth := hs256(t, projectClaims(nil))
	for name, c := range map[string]struct{ body, kind string }{
		"an unknown archive mode":    {"archiveMode=often", "application/x-www-form-urlencoded"},
		"an unknown preference":      {"p2p.preference=maybe", "application/x-www-form-urlencoded"},
		"an archived relayed one":    {"archiveMode=always&p2p.preference=enabled", "application/x-www-form-urlencoded"},
		"json instead of a form":     {`{"archiveMode":"always"}`, "application/json"},
		"a form with a broken value": {"archiveMode=%zz", "application/x-www-form-urlencoded"},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, rest(t, p, "POST", "/session/create", c.body, "X-OPENTOK-AUTH", auth, "Content-Type", c.kind), 400)
		})
	}
}

func TestCreateSessionSpeaksXMLToWhoDoesNotAskForJSON(t *testing.T) {
	p, _ := both(t)
	w := rest(t, p, "POST", "/session/create", "", "X-OPENTOK-AUTH", hs256(t, projectClaims(nil)), "Accept", "*/*")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "<sessions>") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
}

func TestSessionIDsAreKnownAgainAfterARestart(t *testing.T) {
	before, _ := both(t)
	id := before.CreateSession()
	foreign(t, before, id, "alice")
	after, _ := both(t)
	w := rest(t, after, "GET", path(id, "/connection"), "")
	wantStatus(t, w, 200)
	if l := parse[page](t, w.Body); l.Count != 0 || len(l.Items) != 0 {
		t.Fatalf("somebody is in: %+v", l)
	}
	foreign(t, after, id, "alice")
	if n := len(after.Connected(id)); n != 1 {
		t.Fatalf("%d are in", n)
	}
}

func TestSessionsOfOthersAreUnknown(t *testing.T) {
	p, _ := both(t)
	for name, id := range map[string]string{
		"another project": newSessionID("1_", "654321", time.Now()),
		"no prefix":       "3_" + p.CreateSession()[2:],
		"not base64":      "1_!!!",
		"no randomness":   "1_MX4xMjM0NTZ-fjF-fn4", // 1~123456~~1~~~
		"too long":        newSessionID("1_", testKey, time.Now()) + strings.Repeat("A", 256),
		"just text":       "room",
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, rest(t, p, "GET", path(id, "/connection"), ""), 404)
			_, err := p.ConnectForeign(id, "", "")
			wantError(t, err, 404)
		})
	}
}

type page struct {
	Count     int    `json:"count"`
	ProjectID string `json:"projectId"`
	SessionID string `json:"sessionId"`
	Items     []struct {
		ID        string `json:"connectionId"`
		State     string `json:"connectionState"`
		CreatedAt any    `json:"createdAt"`
		Data      *string
	} `json:"items"`
}

func TestListOfConnectionsIsPaged(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	var ids []string
	for i := range 60 {
		ids = append(ids, foreign(t, p, id, fmt.Sprint("user", i)).ID)
	}
	for _, c := range []struct {
		query         string
		first, length int
	}{
		{"", 0, 50},
		{"?count=1000", 0, 60},
		{"?count=1", 0, 1},
		{"?offset=50", 50, 10},
		{"?offset=20&count=7", 20, 7},
		{"?offset=60", 60, 0},
		{"?offset=1000", 60, 0},
	} {
		t.Run("list"+c.query, func(t *testing.T) {
			w := rest(t, p, "GET", path(id, "/connection", c.query), "")
			wantStatus(t, w, 200)
			l := parse[page](t, w.Body)
			if l.Count != 60 || l.ProjectID != testKey || l.SessionID != id || len(l.Items) != c.length {
				t.Fatalf("count %d, %d items, project %s", l.Count, len(l.Items), l.ProjectID)
			}
			for i, item := range l.Items {
				_, isNumber := item.CreatedAt.(float64)
				if item.ID != ids[c.first+i] || item.State != "Connected" || !isNumber || item.Data != nil {
					t.Fatalf("item %d is %+v", i, item)
				}
			}
		})
	}
	for _, query := range []string{"?count=0", "?count=1001", "?offset=-1", "?count=ten"} {
		t.Run("refused"+query, func(t *testing.T) {
			wantStatus(t, rest(t, p, "GET", path(id, "/connection", query), ""), 400)
		})
	}
}

func TestForceDisconnect(t *testing.T) {
	p, e := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "alice")
	wantStatus(t, rest(t, p, "DELETE", path(id, "/connection/", c.ID), ""), 204)
	wantStatus(t, rest(t, p, "DELETE", path(id, "/connection/", c.ID), ""), 404)
	wantStatus(t, rest(t, p, "DELETE", path(id, "/connection/", newUUID()), ""), 404)
	wantStatus(t, rest(t, p, "DELETE", path(id, "/connection/not-an-id"), ""), 400)
	if n := len(p.Connected(id)); n != 0 {
		t.Fatalf("%d are in", n)
	}
	settle(t, p)
	for _, h := range e.all() {
		if h.event.Event == "connectionDestroyed" && h.event.Reason != ForceDisconnected {
			t.Errorf("reason %q", h.event.Reason)
		}
	}
	inbox, err := p.Inbox(id, c.ID)
	if err != nil || inbox[len(inbox)-1].Event != "sessionDisconnected" || inbox[len(inbox)-1].Reason != ForceDisconnected {
		t.Fatalf("its client was told %+v, %v", inbox, err)
	}
}

func TestListOfStreams(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	wantStatus(t, rest(t, p, "GET", path(id, "/stream"), ""), 404)
	c := foreign(t, p, id, "alice")
	s, err := p.Publish(id, c.ID, "screen", "slides")
	if err != nil {
		t.Fatal(err)
	}
	w := rest(t, p, "GET", path(id, "/stream"), "")
	wantStatus(t, w, 200)
	l := parse[struct {
		Count int `json:"count"`
		Items []struct{ ID, VideoType, Name string }
	}](t, w.Body)
	if l.Count != 1 || l.Items[0].ID != s.ID || l.Items[0].VideoType != "screen" || l.Items[0].Name != "slides" {
		t.Fatalf("got %+v", l)
	}
	wantStatus(t, rest(t, p, "GET", path(id, "/stream/", s.ID), ""), 200)
	wantStatus(t, rest(t, p, "GET", path(id, "/stream/", newUUID()), ""), 404)
}

func TestMute(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "alice")
	s, _ := p.Publish(id, c.ID, "camera", "")
	wantStatus(t, rest(t, p, "POST", path(id, "/stream/", s.ID, "/mute"), ""), 200)
	wantStatus(t, rest(t, p, "POST", path(id, "/stream/", newUUID(), "/mute"), ""), 404)
	if !p.Connected(id)[0].Streams[0].Muted {
		t.Fatal("it is not muted")
	}
}

func TestSignalReachesEveryoneOrOne(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	wantStatus(t, rest(t, p, "POST", path(id, "/signal"), `{"type":"hi","data":"x"}`), 404)
	a, b := foreign(t, p, id, "alice"), foreign(t, p, id, "bob")
	wantStatus(t, rest(t, p, "POST", path(id, "/signal"), `{"type":"usher-warning","data":"all"}`), 204)
	wantStatus(t, rest(t, p, "POST", path(id, "/connection/", b.ID, "/signal"), `{"type":"usher-ended","data":"one"}`), 204)
	wantStatus(t, rest(t, p, "POST", path(id, "/connection/", newUUID(), "/signal"), `{"data":"x"}`), 404)
	wantStatus(t, rest(t, p, "POST", path(id, "/connection/bob/signal"), `{"data":"x"}`), 400)
	for _, c := range []struct {
		id   string
		want string
	}{{a.ID, "[usher-warning=all]"}, {b.ID, "[usher-warning=all usher-ended=one]"}} {
		if got := fmt.Sprint(signalsOf(t, p, id, c.id)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if got := p.Signals(id); len(got) != 2 || got[1].To != b.ID || got[1].From != "" {
		t.Errorf("recorded %+v", got)
	}
}

// signalsOf lists the signals that a connection got from the server.
func signalsOf(t *testing.T, p *Platform, session, connection string) []string {
	t.Helper()
	inbox, err := p.Inbox(session, connection)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range inbox {
		if m.Event == "signal" && m.From == nil {
			list = append(list, m.Type+"="+m.Data)
		}
	}
	return list
}

func TestSignalHasBounds(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	foreign(t, p, id, "alice")
	body := func(kind, data int) string {
		return `{"type":"` + strings.Repeat("t", kind) + `","data":"` + strings.Repeat("d", data) + `"}`
	}
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"the most of both":     {body(128, 8192), 204},
		"a type too long":      {body(129, 1), 413},
		"data too long":        {body(1, 8193), 413},
		"not json":             {"type=x", 400},
		"data that is no text": {`{"type":"x","data":{"a":1}}`, 400},
		"no type":              {`{"data":"x"}`, 204},
		"a plain type":         {`{"type":"usher-Ended_1~"}`, 204},
		"a type with a colon":  {`{"type":"usher:ended"}`, 400},
		"a type with a blank":  {`{"type":"usher ended"}`, 400},
		"a type in Greek":      {`{"type":"τέλος"}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, rest(t, p, "POST", path(id, "/signal"), c.body), c.want)
		})
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	p, _ := both(t, func(o *Options) { o.Now = func() time.Time { return now } })
	id := p.CreateSession()
	rest(t, p, "GET", path(id, "/connection?count=1000"), "", "X-OPENTOK-AUTH", "nonsense")
	got := p.Requests()
	want := Request{Method: "GET", Path: path(id, "/connection"), Query: "count=1000", At: now.UnixMilli(), Status: http.StatusForbidden}
	if len(got) != 1 || got[0] != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	var list []string
	for i := range 5000 {
		list = keepLast(list, strconv.Itoa(i), 100)
	}
	if n := len(list); n < 100 || n > 200 || list[n-1] != "4999" {
		t.Fatalf("%d kept, the last is %s", n, list[n-1])
	}
}
