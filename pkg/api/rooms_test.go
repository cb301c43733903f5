package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"usher/pkg/policy"
	"usher/pkg/problem"
	"usher/pkg/room"
)

func TestPutRoom(t *testing.T) {
	t.Run("a new one", func(t *testing.T) {
		d := newDesk(t)
		d.stub.created = true
		w := d.ask("PUT", "/v1/rooms/maths", `{"maxSeats":2,"sessionId":"1_abc"}`, header("If-None-Match", "*"))
		answered(t, w, 201)
		if w.Header().Get("ETag") != tag || w.Header().Get("Location") != "/v1/rooms/maths" {
			t.Errorf("headers %v", w.Header())
		}
		p := d.stub.put
		if d.stub.name != "maths" || p.Session != "1_abc" || p.Policy.MaxSeats() != 2 || !reflect.DeepEqual(p.If, []room.Condition{room.Absent{}}) {
			t.Errorf("put %+v", d.stub)
		}
		if raw, _ := json.Marshal(p.Policy); string(raw) != `{"maxSeats":2}` {
			t.Errorf("the policy is %s", raw)
		}
	})
	t.Run("a known one", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("PUT", "/v1/rooms/maths", `{"sessionId":null}`, header("If-Match", tag)), 200)
		if p := d.stub.put; p.Session != "" || !reflect.DeepEqual(p.If, []room.Condition{room.OneOf{snapshotOf("maths").Room.Version()}}) {
			t.Errorf("put %+v", p)
		}
	})
	t.Run("by a token of this room", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("PUT", "/v1/rooms/maths", `{"maxSeats":2}`, bearer(GrantToken(apiSecret, Grant{Room: "maths"}, noon.Std(), time.Hour))), 200)
	})
	t.Run("of the longest body", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("PUT", "/v1/rooms/maths", "{}"+strings.Repeat(" ", longestPolicy-2)), 200)
	})
}

func TestPutRoomIsRefused(t *testing.T) {
	tests := map[string]struct {
		target, body string
		header       func(*http.Request)
		status       int
		code         problem.Code
		fields       string
	}{
		"no body":                          {body: "", status: 400, code: problem.BadJSON},
		"broken":                           {body: `{"maxSeats":`, status: 400, code: problem.BadJSON},
		"more behind":                      {body: `{} {}`, status: 400, code: problem.BadJSON},
		"null":                             {body: `null`, status: 400, code: problem.BadJSON},
		"a list":                           {body: `[]`, status: 400, code: problem.BadJSON},
		"not UTF-8":                        {body: "{\"clock\":\"\xff\"}", status: 400, code: problem.BadJSON},
		"a field twice":                    {body: `{"maxSeats":2,"maxSeats":9}`, status: 400, code: problem.InvalidField, fields: "maxSeats"},
		"the session twice":                {body: `{"sessionId":"a","sessionId":"b"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"unknown field":                    {body: `{"seats":2}`, status: 400, code: problem.InvalidField, fields: "seats"},
		"two wrong fields":                 {body: `{"maxSeats":-1,"quorum":1.5}`, status: 400, code: problem.InvalidField, fields: "maxSeats quorum"},
		"empty session":                    {body: `{"sessionId":""}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session is a number":              {body: `{"sessionId":5}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session too long":                 {body: `{"sessionId":"` + strings.Repeat("x", 256) + `"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session with a line end":          {body: `{"sessionId":"1_a\nb"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session with a blank":             {body: `{"sessionId":"1_a "}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session with a control character": {body: `{"sessionId":"1_a\u0007"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session with a line separator":    {body: `{"sessionId":"1_a\u2028"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session that is a step":           {body: `{"sessionId":".."}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session with a step":              {body: `{"sessionId":"1_a/../b"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session with half a character":    {body: `{"sessionId":"1_\ud800"}`, status: 400, code: problem.InvalidField, fields: "sessionId"},
		"session by a token of one room": {
			body: `{"sessionId":"1_a"}`, header: bearer(GrantToken(apiSecret, Grant{Room: "maths"}, noon.Std(), time.Hour)), status: 403, code: codeWrongScope,
		},
		"not enforced":         {body: `{"maxSeats":100}`, status: 400, code: problem.NotSupported, fields: "maxSeats"},
		"over 128 KiB":         {body: "{}" + strings.Repeat(" ", longestPolicy-1), status: 413, code: codeTooLarge},
		"length not announced": {body: "{}" + strings.Repeat(" ", longestPolicy-1), header: func(r *http.Request) { r.ContentLength = -1 }, status: 413, code: codeTooLarge},
		"empty If-None-Match":  {body: `{}`, header: header("If-None-Match", ""), status: 400, code: problem.InvalidField, fields: "If-None-Match"},
		"empty If-Match":       {body: `{}`, header: header("If-Match", ""), status: 400, code: problem.InvalidField, fields: "If-Match"},
		"other If-None-Match":  {body: `{}`, header: header("If-None-Match", `"7"`), status: 400, code: problem.InvalidField, fields: "If-None-Match"},
		"name before body":     {target: "/v1/rooms/-x", body: `{`, status: 400, code: problem.InvalidRoom},
		"token before name":    {target: "/v1/rooms/-x", body: `{`, header: header("Authorization", ""), status: 401, code: codeUnauthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if tt.target == "" {
				tt.target = "/v1/rooms/maths"
			}
			if tt.header == nil {
				tt.header = func(*http.Request) {}
			}
			p := refused(t, d.ask("PUT", tt.target, tt.body, tt.header), tt.status, tt.code)
			fields := strings.Join(p.Fields, " ")
			if fields == "" {
				fields = p.Field
			}
			if fields != tt.fields || d.stub.said != "" {
				t.Errorf("fields %q, want %q; the service was asked %q", fields, tt.fields, d.stub.said)
			}
		})
	}
}

func TestRoomNames(t *testing.T) {
	for _, name := range []string{"-x", "_x", "a%2Fb", "a%20b", "%C3%A4", "a%00", strings.Repeat("x", 65), "%2e%2e"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			refused(t, d.ask("GET", "/v1/rooms/"+name, ""), 400, problem.InvalidRoom)
		})
	}
	for _, name := range []string{"a", "A.b_c-9", strings.Repeat("x", 64), "a..b"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			answered(t, d.ask("GET", "/v1/rooms/"+name, ""), 200)
			if d.stub.name != name {
				t.Errorf("asked for %q", d.stub.name)
			}
		})
	}
}

func TestGetAndDeleteRoom(t *testing.T) {
	d := newDesk(t)
	w := d.ask("GET", "/v1/rooms/maths", "")
	answered(t, w, 200)
	if w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
	answered(t, d.ask("DELETE", "/v1/rooms/maths", ""), 204)
	if d.stub.said != "delete" || d.stub.name != "maths" {
		t.Errorf("asked %q of %q", d.stub.said, d.stub.name)
	}
}

func TestPages(t *testing.T) {
	t.Run("rooms, as they come", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("GET", "/v1/rooms", ""), 200)
		if d.stub.limit != 100 || d.stub.after != "" || d.stub.status != "" {
			t.Errorf("asked %+v", d.stub)
		}
	})
	t.Run("rooms, chosen", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("GET", "/v1/rooms?after=b&limit=1000&status=paused", ""), 200)
		if d.stub.limit != 1000 || d.stub.after != "b" || d.stub.status != "paused" {
			t.Errorf("asked %+v", d.stub)
		}
	})
	t.Run("connections", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("GET", "/v1/rooms/maths/connections?after=c%2F1&limit=1", ""), 200)
		if d.stub.limit != 1 || d.stub.after != "c/1" {
			t.Errorf("asked %+v", d.stub)
		}
	})
	t.Run("events", func(t *testing.T) {
		d := newDesk(t)
		answered(t, d.ask("GET", "/v1/rooms/maths/events?sessionId=1_x&after=17&limit=5", ""), 200)
		if d.stub.limit != 5 || d.stub.seq != 17 || d.stub.session != "1_x" {
			t.Errorf("asked %+v", d.stub)
		}
	})
}

func TestPagesAreRefused(t *testing.T) {
	long := strings.Repeat("x", 256)
	for target, field := range map[string]string{
		"/v1/rooms?limit=0":                                "limit",
		"/v1/rooms?limit=1001":                             "limit",
		"/v1/rooms?limit=-1":                               "limit",
		"/v1/rooms?limit=ten":                              "limit",
		"/v1/rooms?limit=1.0":                              "limit",
		"/v1/rooms?limit=99999999999999999999":             "limit",
		"/v1/rooms?status=gone":                            "status",
		"/v1/rooms?after=" + long:                          "after",
		"/v1/rooms?after=%ff":                              "after",
		"/v1/rooms?limit=":                                 "limit",
		"/v1/rooms?limit":                                  "limit",
		"/v1/rooms?limit=%2B1":                             "limit",
		"/v1/rooms?limit=01":                               "limit",
		"/v1/rooms?limit=1&limit=2":                        "limit",
		"/v1/rooms?status=":                                "status",
		"/v1/rooms?status=open&status=open":                "status",
		"/v1/rooms?status=Open":                            "status",
		"/v1/rooms?after=a&after=b":                        "after",
		"/v1/rooms?after=%zz":                              "after",
		"/v1/rooms?limit=1&after=a;b":                      "after",
		"/v1/rooms?a%zz=1":                                 "a%zz",
		"/v1/rooms/maths/connections?limit=0":              "limit",
		"/v1/rooms/maths/connections?after=" + long:        "after",
		"/v1/rooms/maths/events?after=-1":                  "after",
		"/v1/rooms/maths/events?after=c1":                  "after",
		"/v1/rooms/maths/events?after=9223372036854775808": "after",
		"/v1/rooms/maths/events?after=":                    "after",
		"/v1/rooms/maths/events?after=1.0":                 "after",
		"/v1/rooms/maths/events?after=1e3":                 "after",
		"/v1/rooms/maths/events?after=-0":                  "after",
		"/v1/rooms/maths/events?after=0x10":                "after",
		"/v1/rooms/maths/events?after=%D9%A1":              "after",
		"/v1/rooms/maths/events?after=1&after=1":           "after",
		"/v1/rooms/maths/events?after=%20":                 "after",
		"/v1/rooms/maths/events?limit=1001":                "limit",
		"/v1/rooms/maths/events?limit=null":                "limit",
		"/v1/rooms/maths/events?limit=":                    "limit",
		"/v1/rooms/maths/events?sessionId=":                "sessionId",
		"/v1/rooms/maths/events?sessionId=%ff":             "sessionId",
		"/v1/rooms/maths/events?sessionId=a&sessionId=a":   "sessionId",
		"/v1/rooms/maths/events?sessionId=" + long:         "sessionId",
	} {
		t.Run(clip(target), func(t *testing.T) {
			d := newDesk(t)
			if p := refused(t, d.ask("GET", target, ""), 400, problem.InvalidField); p.Field != field || d.stub.said != "" {
				t.Errorf("field %q, want %q; the service was asked %q", p.Field, field, d.stub.said)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	for target, id := range map[string]string{"c053fcc8-c681": "c053fcc8-c681", "a%2Fb": "a/b", "a/b": "a/b", "a%23%20b": "a# b", "%C3%A4": "ä"} {
		t.Run(target, func(t *testing.T) {
			d := newDesk(t)
			answered(t, d.ask("DELETE", "/v1/rooms/maths/connections/"+target, "", bearer(hs256(t, apiSecret, adminClaims()))), 204)
			if d.stub.id != id || d.stub.actor != "ops@school" {
				t.Errorf("removed %q for %q, want %q", d.stub.id, d.stub.actor, id)
			}
		})
	}
	for name, id := range map[string]string{"empty": "", "too long": strings.Repeat("x", 256)} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			refused(t, d.ask("DELETE", "/v1/rooms/maths/connections/"+id, ""), 404, problem.NoSuchConnection)
		})
	}
}

func TestPathsAndMethods(t *testing.T) {
	for _, target := range []string{
		"/nothing", "/v1", "/v1/", "/v2/rooms", "/v1/rooms/", "/v1/rooms/maths/", "/v1/rooms/maths/bans/", "/v1/rooms/maths/bans/alice", "/v1/rooms/maths/attendance/",
		"/v1/rooms/maths/lesson", "/v1//rooms", "/v1/../v1/rooms", "/v1/rooms/maths/join/", "/healthz/",
	} {
		t.Run("GET "+target, func(t *testing.T) {
			d := newDesk(t)
			refused(t, d.ask("GET", target, ""), 404, codeNotFound)
		})
	}
	for target, allow := range map[string]string{
		"POST /v1/rooms":                      "GET, HEAD",
		"PATCH /v1/rooms/maths":               "DELETE, GET, HEAD, PUT",
		"GET /v1/rooms/maths/join":            "OPTIONS, POST",
		"GET /v1/rooms/maths/end":             "POST",
		"OPTIONS /v1/rooms/maths/end":         "POST",
		"DELETE /v1/rooms/maths/connections":  "GET, HEAD",
		"GET /v1/rooms/maths/connections/c1":  "DELETE",
		"POST /v1/rooms/maths/events":         "GET, HEAD",
		"PUT /v1/rooms/maths/bans":            "DELETE, GET, HEAD, POST",
		"DELETE /healthz":                     "GET, HEAD",
		"BREW /v1/rooms/maths/extend":         "POST",
		"PUT /v1/rooms/maths/connections/c/d": "DELETE",
	} {
		t.Run(target, func(t *testing.T) {
			method, path, _ := strings.Cut(target, " ")
			w := newDesk(t).ask(method, path, "")
			refused(t, w, 405, codeMethod)
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("Allow is %q, want %q", got, allow)
			}
		})
	}
}

// FuzzPutBody demands that any body is either taken or refused for what it is,
// and that what is taken is what package room reads of it.
func FuzzPutBody(f *testing.F) {
	for _, body := range []string{`{}`, `{"maxSeats":2,"sessionId":"a"}`, `{"sessionId":null}`, `{"a":{"a":1},"a":[`, `null`, "\xff", `{"sessionId":"a","sessionId":"b"}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := newDesk(t)
		w := d.ask("PUT", "/v1/rooms/maths", body)
		p, session, err := policy.ParsePut([]byte(body))
		var refusal *problem.Details
		switch {
		case err == nil && len(body) <= longestPolicy:
			answered(t, w, 200)
			if d.stub.put.Policy.String() != p.String() || d.stub.put.Session != session {
				t.Errorf("%q became %+v", body, d.stub.put)
			}
		case len(body) <= longestPolicy && errors.As(err, &refusal):
			refused(t, w, 400, refusal.Code)
		default:
			refused(t, w, 413, codeTooLarge)
		}
	})
}
