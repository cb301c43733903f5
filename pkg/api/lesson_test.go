package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/problem"
)

func TestJoin(t *testing.T) {
	for name, body := range map[string]string{"no body": "", "an empty object": "{}"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			w := d.ask("POST", "/v1/rooms/maths/join", body)
			answered(t, w, 200)
			want := `{"apiKey":"1","sessionId":"2_MX4x","token":"t","expiresAt":"2026-12-01T12:00:00.000Z",` +
				`"role":null,"startedAt":null,"endsAt":null,"secondsLeft":null,"closesAt":null,"now":"2026-12-01T12:00:00.000Z"}` + "\n"
			if w.Body.String() != want || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("answered %s %v", w.Body, w.Header())
			}
			if d.stub.name != "maths" || d.stub.user != "alice" || d.stub.role != "" {
				t.Errorf("asked %+v", d.stub)
			}
		})
	}
	t.Run("with a role, into a lesson that runs", func(t *testing.T) {
		d := newDesk(t)
		d.stub.startedAt = noon.Add(-time.Minute)
		w := d.ask("POST", "/v1/rooms/maths/join", "", bearer(Ticket(ticketSecret, "maths", "alice", "teacher", noon.Std(), time.Hour)))
		answered(t, w, 200)
		if want := `"role":"teacher","startedAt":"2026-12-01T11:59:00.000Z","endsAt":null,`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("answered %s, want %s", w.Body, want)
		}
	})
	t.Run("room names come after the ticket", func(t *testing.T) {
		d := newDesk(t)
		refused(t, d.ask("POST", "/v1/rooms/-x/join", ""), 403, codeWrongRoom)
		own := Ticket(ticketSecret, "-x", "alice", "", noon.Std(), time.Hour)
		refused(t, d.ask("POST", "/v1/rooms/-x/join", "", bearer(own)), 400, problem.InvalidRoom)
	})
}

// withData signs a ticket whose claims end with the text, which no library need write.
func withData(claims string) string {
	return rawToken(ticketSecret, `{"scope":"join","aud":"usher","sub":"alice","room":"maths","iat":1796126400,"exp":1796126500,`+claims+`}`)
}

func TestDataOfATicket(t *testing.T) {
	for name, text := range map[string]struct{ claim, data string }{
		"object":                  {`{ "seat" : "A 7", "seat":null }`, `{"seat":"A 7","seat":null}`},
		"number":                  {`1.50`, `1.50`},
		"no":                      {`false`, `false`},
		"empty text":              {`""`, `""`},
		"600 bytes of <":          {`"` + strings.Repeat("<", 598) + `"`, ""},
		"600 bytes of 4 each":     {`"` + strings.Repeat("😀", 149) + `ab"`, ""},
		"600 bytes and blanks":    {`[` + strings.Repeat(" ", 5000) + `"` + strings.Repeat("x", 596) + `"]`, `["` + strings.Repeat("x", 596) + `"]`},
		"escapes stay as written": {`"\u003c\u0041\ud800"`, ""},
		"line separators":         {"\"\u2028\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := text.data
			if want == "" {
				want = text.claim
			}
			d := newDesk(t)
			answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(withData(`"data":`+text.claim))), 200)
			if d.stub.data != want {
				t.Errorf("the service got %s", d.stub.data)
			}
		})
	}
	d := newDesk(t)
	answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(Ticket(ticketSecret, "maths", "alice", "", noon.Std(), time.Hour))), 200)
	if d.stub.data != "" {
		t.Errorf("without data the service got %s", d.stub.data)
	}
	who := doorkeeper.Applicant{User: "alice", Role: "teacher", Data: json.RawMessage(`{"seat": 7}`)}
	answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(DataTicket(ticketSecret, "maths", who, noon.Std(), time.Hour))), 200)
	if d.stub.user != "alice" || d.stub.role != "teacher" || d.stub.data != `{"seat":7}` {
		t.Errorf("a ticket made here gives %+v", d.stub)
	}
}

func TestDataOfATicketIsRefused(t *testing.T) {
	for name, claims := range map[string]string{
		"null": `"data":null`, "null with blanks": `"data" : null `, "twice": `"data":1,"data":2`, "in another case": `"Data":1`,
		"beside one in another case": `"data":1,"DATA":1`, "broken": `"data":{`, "not UTF-8": "\"data\":\"\xff\"",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			refused(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(withData(claims))), 401, codeUnauthorized)
			if d.stub.said != "" {
				t.Errorf("the service was asked %s", d.stub.said)
			}
		})
	}
	for name, data := range map[string]string{
		"601 bytes":             `"` + strings.Repeat("x", 599) + `"`,
		"601 bytes of <":        `"` + strings.Repeat("<", 599) + `"`,
		"604 bytes of 4 each":   `"` + strings.Repeat("😀", 150) + `ab"`,
		"601 bytes, 6 a letter": `"` + strings.Repeat(`\u003c`, 99) + `abcde"`,
		"a megabyte":            `"` + strings.Repeat("x", 1<<20) + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			p := refused(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(withData(`"data":`+data))), 400, problem.InvalidField)
			if p.Field != "data" || len(p.Detail) > 200 || d.stub.said != "" {
				t.Errorf("field %q, %q; the service was asked %q", p.Field, p.Detail, d.stub.said)
			}
		})
	}
	t.Run("what is wrong before it", func(t *testing.T) {
		token := rawToken(ticketSecret, `{"scope":"join","aud":"usher","sub":"","room":"maths","iat":1796126400,"exp":1796126500,"data":"`+strings.Repeat("x", 700)+`"}`)
		refused(t, newDesk(t).ask("POST", "/v1/rooms/maths/join", "", bearer(token)), 400, codeInvalidUser)
	})
	t.Run("a megabyte that nobody signed", func(t *testing.T) {
		token := spoil(withData(`"data":"` + strings.Repeat("x", 1<<20) + `"`))
		refused(t, newDesk(t).ask("POST", "/v1/rooms/maths/join", "", bearer(token)), 401, codeUnauthorized)
	})
}

func TestEndAndReopen(t *testing.T) {
	for _, act := range []string{"end", "reopen"} {
		for name, body := range map[string]string{"no body": "", "an empty object": "{}"} {
			t.Run(act+", "+name, func(t *testing.T) {
				d := newDesk(t)
				w := d.ask("POST", "/v1/rooms/maths/"+act, body)
				answered(t, w, 200)
				if d.stub.said != act || d.stub.name != "maths" || d.stub.actor != "admin" || w.Header().Get("ETag") != tag {
					t.Errorf("asked %+v, answered %v", d.stub, w.Header())
				}
			})
		}
	}
}

func TestExtend(t *testing.T) {
	for body, want := range map[string]string{
		`{"seconds":1}`:                                    "1 0",
		`{"seconds":86400}`:                                "86400 0",
		`{"seconds":600,"endsAt":null}`:                    "600 0",
		`{"endsAt":"2026-12-01T18:05:00Z"}`:                "0 1796148300000",
		`{"endsAt":"2026-12-01T19:05:00.250+01:00"}`:       "0 1796148300250",
		`{"seconds":null,"endsAt":"2026-12-01T18:05:00Z"}`: "0 1796148300000",
	} {
		t.Run(body, func(t *testing.T) {
			d := newDesk(t)
			answered(t, d.ask("POST", "/v1/rooms/maths/extend", body), 200)
			if got := fmt.Sprint(d.stub.seconds, int64(d.stub.endsAt)); got != want || d.stub.actor != "admin" {
				t.Errorf("extended by %s for %s, want %s", got, d.stub.actor, want)
			}
		})
	}
}

// TestExtensionWithAByteOrderMark asks the reader itself: no schema knows marks.
func TestExtensionWithAByteOrderMark(t *testing.T) {
	if seconds, _, err := readExtension([]byte("\ufeff" + `{"seconds":1}`)); err != nil || seconds != 1 {
		t.Errorf("read as %d, %v", seconds, err)
	}
}

func TestExtendIsRefused(t *testing.T) {
	for body, want := range map[string]struct {
		code  problem.Code
		field string
	}{
		``:                          {problem.BadJSON, ""},
		`600`:                       {problem.BadJSON, ""},
		`{"seconds":600}x`:          {problem.BadJSON, ""},
		`{"seconds":1,"seconds":2}`: {problem.BadJSON, ""},
		"{\"seconds\":\"\xff\"}":    {problem.BadJSON, ""},
		`{"":1}`:                    {problem.InvalidField, `""`},
		`{}`:                        {problem.InvalidField, "seconds"},
		`{"seconds":null}`:          {problem.InvalidField, "seconds"},
		`{"seconds":600,"endsAt":"2026-12-01T18:05:00Z"}`: {problem.InvalidField, "seconds"},
		`{"seconds":0}`:                     {problem.InvalidField, "seconds"},
		`{"seconds":-5}`:                    {problem.InvalidField, "seconds"},
		`{"seconds":86401}`:                 {problem.InvalidField, "seconds"},
		`{"seconds":1.5}`:                   {problem.InvalidField, "seconds"},
		`{"seconds":1e2}`:                   {problem.InvalidField, "seconds"},
		`{"seconds":"600"}`:                 {problem.InvalidField, "seconds"},
		`{"minutes":10}`:                    {problem.InvalidField, "minutes"},
		`{"Seconds":10}`:                    {problem.InvalidField, "Seconds"},
		`{"endsAt":1796148300000}`:          {problem.InvalidField, "endsAt"},
		`{"endsAt":"18:05"}`:                {problem.InvalidField, "endsAt"},
		`{"endsAt":"2026-12-01 18:05"}`:     {problem.InvalidField, "endsAt"},
		`{"endsAt":"1969-12-01T18:05:00Z"}`: {problem.InvalidField, "endsAt"},
		`{"endsAt":"1970-01-01T00:00:00Z"}`: {problem.InvalidField, "endsAt"},
	} {
		t.Run(body, func(t *testing.T) {
			d := newDesk(t)
			p := refused(t, d.ask("POST", "/v1/rooms/maths/extend", body), 400, want.code)
			if p.Field != want.field || d.stub.said != "" {
				t.Errorf("field %q, want %q; the service was asked %q", p.Field, want.field, d.stub.said)
			}
		})
	}
}

// FuzzExtension demands that what is read is exactly one of the two, in bounds.
func FuzzExtension(f *testing.F) {
	f.Add([]byte(`{"seconds":600}`))
	f.Add([]byte(`{"endsAt":"2026-12-01T18:05:00Z"}`))
	f.Add([]byte(`{"seconds":null,"endsAt":5}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		seconds, endsAt, err := readExtension(raw)
		if err == nil && ((seconds == 0) == (endsAt == 0) || seconds < 0 || seconds > longestExtension || endsAt < 0) {
			t.Errorf("%q was read as %d, %d", raw, seconds, endsAt)
		}
	})
}
