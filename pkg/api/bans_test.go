package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/epoch"
	"usher/pkg/problem"
)

// longNote is as long as a note may be, in characters of two bytes.
var longNote = strings.Repeat("é", 500)

func TestBan(t *testing.T) {
	minute := noon.Add(time.Minute)
	for body, want := range map[string]struct {
		user, note string
		until      epoch.Instant
	}{
		`{"user":"ann"}`: {"ann", "", 0},
		`{"user":"ann","seconds":null,"note":null}`:             {"ann", "", 0},
		`{"user":"ann","seconds":60,"note":"loud"}`:             {"ann", "loud", minute},
		`{"user":"ann","seconds":1}`:                            {"ann", "", noon.Add(time.Second)},
		`{"user":"ann","seconds":315360000}`:                    {"ann", "", noon.Add(10 * 365 * 24 * time.Hour)},
		`{"user":"e\u0301","note":""}`:                          {"e\u0301", "", 0},
		`{"user":"` + strings.Repeat("x", 128) + `"}`:           {strings.Repeat("x", 128), "", 0},
		`{"user":"ann","seconds":60,"note":"` + longNote + `"}`: {"ann", longNote, minute},
	} {
		t.Run(clip(body), func(t *testing.T) {
			d := newDesk(t)
			answered(t, d.ask("POST", "/v1/rooms/maths/bans", body), 200)
			got := d.stub.ban
			if d.stub.said != "ban" || d.stub.name != "maths" || got.User != want.user || got.Note != want.note || got.Until != want.until || got.Actor != "admin" {
				t.Errorf("asked %s of %s: %+v, want %+v by admin", d.stub.said, d.stub.name, got, want)
			}
		})
	}
}

func TestBanIsAnswered(t *testing.T) {
	d := newDesk(t)
	token := hs256(t, apiSecret, adminClaims(put("sub", "ops@school"), put("room", "maths")))
	w := d.ask("POST", "/v1/rooms/maths/bans", `{"user":"ann","seconds":60,"note":"a\u202eb"}`, bearer(token))
	answered(t, w, 200)
	want := `{"user":"ann","until":"2026-12-01T12:01:00.000Z","note":"a\\u202eb","at":"2026-12-01T12:00:00.000Z","actor":"ops@school"}` + "\n"
	if w.Body.String() != want {
		t.Errorf("answered %s, want %s", w.Body, want)
	}
}

// refusedBans are bodies that ban nobody.
var refusedBans = map[string]struct {
	code  problem.Code
	field string
}{
	``:                                       {problem.BadJSON, ""},
	`"ann"`:                                  {problem.BadJSON, ""},
	`{"user":"ann"`:                          {problem.BadJSON, ""},
	`{"user":"ann","user":"bob"}`:            {problem.BadJSON, ""},
	`{"user":"ann","seconds":1,"seconds":2}`: {problem.BadJSON, ""},
	"{\"user\":\"\xff\"}":                    {problem.BadJSON, ""},
	`{}`:                                     {problem.InvalidField, "user"},
	`{"user":null}`:                          {problem.InvalidField, "user"},
	`{"seconds":60}`:                         {problem.InvalidField, "user"},
	`{"user":7}`:                             {problem.InvalidField, "user"},
	`{"user":["ann"]}`:                       {problem.InvalidField, "user"},
	`{"user":""}`:                            {codeInvalidUser, ""},
	`{"user":"a\nb"}`:                        {codeInvalidUser, ""},
	`{"user":"a\u2028b"}`:                    {codeInvalidUser, ""},
	`{"user":"a\u202eb"}`:                    {codeInvalidUser, ""},
	`{"user":"` + strings.Repeat("x", 129) + `"}`:                 {codeInvalidUser, ""},
	`{"user":"` + strings.Repeat("é", 65) + `"}`:                  {codeInvalidUser, ""},
	`{"user":"ann","seconds":0}`:                                  {problem.InvalidField, "seconds"},
	`{"user":"ann","seconds":-1}`:                                 {problem.InvalidField, "seconds"},
	`{"user":"ann","seconds":1.5}`:                                {problem.InvalidField, "seconds"},
	`{"user":"ann","seconds":"60"}`:                               {problem.InvalidField, "seconds"},
	`{"user":"ann","seconds":1e3}`:                                {problem.InvalidField, "seconds"},
	`{"user":"ann","seconds":346896000}`:                          {problem.InvalidField, "seconds"},
	`{"user":"ann","seconds":99999999999999999999}`:               {problem.InvalidField, "seconds"},
	`{"user":"ann","note":7}`:                                     {problem.InvalidField, "note"},
	`{"user":"ann","note":"` + longNote + `é"}`:                   {problem.InvalidField, "note"},
	`{"user":"ann","until":"2026-12-01T18:05:00Z"}`:               {problem.InvalidField, "until"},
	`{"User":"ann"}`:                                              {problem.InvalidField, "User"},
	`{"user":"ann","note":"` + strings.Repeat("x", 64<<10) + `"}`: {codeTooLarge, ""},
}

func TestBanIsRefused(t *testing.T) {
	for body, want := range refusedBans {
		t.Run(clip(body), func(t *testing.T) {
			d := newDesk(t)
			p := refused(t, d.ask("POST", "/v1/rooms/maths/bans", body), statusOf[want.code], want.code)
			if p.Field != want.field || d.stub.said != "" {
				t.Errorf("field %q, want %q; the service was asked %q", p.Field, want.field, d.stub.said)
			}
		})
	}
}

func TestBans(t *testing.T) {
	d := newDesk(t)
	w := d.ask("GET", "/v1/rooms/maths/bans?after=ada%C3%A9&limit=1", "")
	answered(t, w, 200)
	want := `{"bans":[{"user":"ann","until":null,"note":null,"at":"2026-12-01T12:00:00.000Z","actor":"admin"}],"next":"ann"}` + "\n"
	if w.Body.String() != want || d.stub.said != "bans" || d.stub.after != "adaé" || d.stub.limit != 1 {
		t.Errorf("answered %s, asked %+v", w.Body, d.stub)
	}
}

func TestBansQueriesAreRefused(t *testing.T) {
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=1001": "limit", "limit=x": "limit", "after=a&after=b": "after",
		"after=" + strings.Repeat("x", 256): "after",
	} {
		t.Run(clip(query), func(t *testing.T) {
			d := newDesk(t)
			p := refused(t, d.ask("GET", "/v1/rooms/maths/bans?"+query, ""), 400, problem.InvalidField)
			if p.Field != field || d.stub.said != "" {
				t.Errorf("field %q, want %q; the service was asked %q", p.Field, field, d.stub.said)
			}
		})
	}
}

func TestLiftBan(t *testing.T) {
	for _, user := range []string{"ann", "e\u0301 & co", strings.Repeat("x", 128)} {
		t.Run(clip(user), func(t *testing.T) {
			d := newDesk(t)
			w := d.ask("DELETE", "/v1/rooms/maths/bans?user="+url.QueryEscape(user), "")
			answered(t, w, 204)
			if w.Body.Len() > 0 || d.stub.said != "lift" || d.stub.user != user || d.stub.actor != "admin" {
				t.Errorf("answered %q, asked %+v", w.Body, d.stub)
			}
		})
	}
}

func TestLiftBanIsRefused(t *testing.T) {
	for _, query := range []string{"", "?", "?user=", "?User=ann", "?user=ann&user=bob", "?user=a%0Ab", "?user=%FF", "?user=" + strings.Repeat("x", 129)} {
		t.Run(clip(query), func(t *testing.T) {
			d := newDesk(t)
			p := refused(t, d.ask("DELETE", "/v1/rooms/maths/bans"+query, ""), 400, problem.InvalidField)
			if p.Field != "user" || d.stub.said != "" {
				t.Errorf("field %q, the service was asked %q", p.Field, d.stub.said)
			}
		})
	}
}

// Only who may rule the room rules who stays out of it.
func TestWhoMayBan(t *testing.T) {
	for name, tt := range map[string]struct {
		token  string
		status int
		code   problem.Code
	}{
		"a ticket":          {hs256(t, apiSecret, jwt.MapClaims{"scope": "join", "aud": "usher", "sub": "ann", "room": "maths", "iat": seconds(0), "exp": seconds(time.Hour)}), 401, codeUnauthorized},
		"the room's ticket": {hs256(t, ticketSecret, ticketClaims()), 403, codeWrongScope},
		"another room":      {hs256(t, apiSecret, adminClaims(put("room", "art"))), 403, codeWrongRoom},
		"no room's":         {hs256(t, apiSecret, adminClaims(put("room", ""))), 403, codeWrongRoom},
		"its own room":      {hs256(t, apiSecret, adminClaims(put("room", "maths"))), 200, ""},
	} {
		for method, target := range map[string]string{"POST": "bans", "GET": "bans", "DELETE": "bans?user=ann"} {
			t.Run(fmt.Sprint(name, ", ", method), func(t *testing.T) {
				d, body := newDesk(t), ""
				if method == "POST" {
					body = `{"user":"ann"}`
				}
				w := d.ask(method, "/v1/rooms/maths/"+target, body, bearer(tt.token))
				if tt.status == 200 && w.Code < 300 && d.stub.said != "" {
					return
				}
				refused(t, w, tt.status, tt.code)
				if d.stub.said != "" {
					t.Errorf("the service was asked %q", d.stub.said)
				}
			})
		}
	}
}

func TestBansOfNoRoom(t *testing.T) {
	for method, target := range map[string]string{"POST": "bans", "GET": "bans", "DELETE": "bans?user=ann"} {
		t.Run(method, func(t *testing.T) {
			d, body := newDesk(t), ""
			if method == "POST" {
				body = `{"user":"ann"}`
			}
			d.stub.err = &problem.Details{Code: problem.NoSuchRoom, Detail: "no such room"}
			refused(t, d.ask(method, "/v1/rooms/maths/"+target, body), 404, problem.NoSuchRoom)
			refused(t, newDesk(t).ask(method, "/v1/rooms/-x/"+target, body), 400, problem.InvalidRoom)
		})
	}
}

// A ban that has an end says when to come again.
func TestJoinOfSomebodyBanned(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "", 59500 * time.Millisecond: "60"} {
		d := newDesk(t)
		d.stub.err = &problem.Details{Code: problem.Removed, Detail: "removed", RetryAfter: after}
		w := d.ask("POST", "/v1/rooms/maths/join", "")
		refused(t, w, 403, problem.Removed)
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After is %q, want %q", got, want)
		}
	}
}

// TestBanIsDescribed holds the description of the body to its reader, as far as a
// schema can say it: users are measured in bytes, and some characters are none.
func TestBanIsDescribed(t *testing.T) {
	bodies := []string{`{}`, `[]`, `null`, `{"user":"ann"}`, `{"user":"ann","more":1}`, `{"seconds":60}`}
	for _, value := range append(probes(), `null`) {
		bodies = append(bodies, `{"user":"ann","seconds":`+value+`}`, `{"user":"ann","note":`+value+`}`)
	}
	for _, body := range bodies {
		_, err := readBan([]byte(body), noon)
		if described := takenBySchema(t, "PostBan", body); described != (err == nil) {
			t.Errorf("%s: described as good %v, read %v", clip(body), described, err)
		}
	}
}
