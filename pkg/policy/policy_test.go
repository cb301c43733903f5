package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/pkg/problem"
)

func TestPolicyDefaults(t *testing.T) {
	for _, raw := range []string{`{}`, ` { } `, `{"demo":null,"quorum":null}`} {
		p, err := Parse([]byte(raw))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if !reflect.DeepEqual(p, Policy{}) || p.String() != "{}" {
			t.Errorf("%s is %v, not the zero Policy", raw, p)
		}
		if p.Quorum() != 2 || p.MaxSeats() != 0 || p.LessonSeconds() != 0 || p.Duplicates() != ReplaceOlder ||
			p.JudgesForeignDuplicates() || p.Foreign(true) != Refuse || p.Foreign(false) != Accept || p.Archive() || p.Demo() ||
			!p.Admits("alice") || !p.Admits("") || p.SeatsOf("") != 0 || len(p.CappedRoles()) != 0 || p.Observes("") || p.Moderates("") ||
			!p.MayPublish("", Screen) || p.PublishesNothing("") || p.UnpublishGrace() != 5*time.Second || p.RejoinAfter() != 0 {
			t.Errorf("%s has other than the defaults", raw)
		}
	}
}

func TestPolicyFields(t *testing.T) {
	p, err := Parse([]byte(`{"lessonSeconds":3600,"quorum":3,"clock":"first-quorum","maxSeats":4,
		"duplicateUser":"allow","foreignTokens":"accept","archive":true,"demo":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.LessonSeconds() != 3600 || p.Quorum() != 3 || p.MaxSeats() != 4 || p.Duplicates() != Allow ||
		!p.JudgesForeignDuplicates() || p.Foreign(true) != Accept || !p.Archive() || !p.Demo() {
		t.Errorf("read as %+v", p.fields)
	}
	alone, err := Parse([]byte(`{"maxSeats":1}`))
	if err != nil || alone.Quorum() != 1 {
		t.Errorf("one seat: quorum %d, %v", alone.Quorum(), err)
	}
}

// TestEveryFieldHasItsPlace: a row of the table fills the place of its own name
// and no other, and there is no place without a row.
func TestEveryFieldHasItsPlace(t *testing.T) {
	samples := map[string]string{
		"opensAt": `"2026-12-01T17:00:00Z"`, "closesAt": `"2026-12-01T18:05:00Z"`, "lessonSeconds": `60`, "quorum": `3`,
		"quorumRoles": `{"a":1}`, "clock": `"pause"`, "warnSeconds": `[60]`, "maxSeats": `2`, "maxByRole": `{"a":1}`,
		"observers": `["a"]`, "allowedUsers": `[]`, "duplicateUser": `"allow"`, "rejoinSeconds": `1`, "foreignTokens": `"accept"`,
		"publish": `{}`, "unpublishGraceSeconds": `0`, "moderators": `[]`, "archive": `true`, "demo": `true`,
	}
	if places := reflect.TypeFor[fields]().NumField(); len(table) != places || len(samples) != places {
		t.Errorf("%d rows, %d samples, %d places", len(table), len(samples), places)
	}
	for name := range table {
		p := reflect.ValueOf(Stored(`{"` + name + `":` + samples[name] + `}`).fields)
		for i := range p.NumField() {
			if place := p.Type().Field(i).Name; p.Field(i).IsZero() == (place == name) {
				t.Errorf("%s as %s: %s is %v", name, samples[name], place, p.Field(i))
			}
		}
	}
}

// refusals name the code and the wrong fields of a policy.
var refusals = []struct {
	name, raw string
	code      problem.Code
	fields    string
}{
	{"empty", ``, problem.BadJSON, ""},
	{"null", `null`, problem.BadJSON, ""},
	{"list", `[]`, problem.BadJSON, ""},
	{"text", `"{}"`, problem.BadJSON, ""},
	{"cut off", `{"maxSeats":2`, problem.BadJSON, ""},
	{"two values", `{} {}`, problem.BadJSON, ""},
	{"comma at the end", `{"maxSeats":2,}`, problem.BadJSON, ""},
	{"not UTF-8", "{\"clock\":\"\xff\"}", problem.BadJSON, ""},

	{"unknown field", `{"seats":2}`, problem.InvalidField, "seats"},
	{"unknown field, null", `{"seats":null}`, problem.InvalidField, "seats"},
	{"other case", `{"MaxSeats":2}`, problem.InvalidField, "MaxSeats"},
	{"session of a policy", `{"sessionId":"1_x"}`, problem.InvalidField, "sessionId"},
	{"twice", `{"maxSeats":2,"maxSeats":2}`, problem.InvalidField, "maxSeats"},
	{"all that is wrong", `{"maxSeats":-1,"demo":1,"x":0}`, problem.InvalidField, "maxSeats demo x"},
	{"wrong before not supported", `{"opensAt":"2026-12-01T17:00:00Z","demo":1}`, problem.InvalidField, "demo"},

	{"seats negative", `{"maxSeats":-1}`, problem.InvalidField, "maxSeats"},
	{"seats absurd", `{"maxSeats":15001}`, problem.InvalidField, "maxSeats"},
	{"seats fraction", `{"maxSeats":2.5}`, problem.InvalidField, "maxSeats"},
	{"seats with a point", `{"maxSeats":2.0}`, problem.InvalidField, "maxSeats"},
	{"seats with an exponent", `{"maxSeats":1e1}`, problem.InvalidField, "maxSeats"},
	{"seats huge", `{"maxSeats":99999999999999999999}`, problem.InvalidField, "maxSeats"},
	{"seats text", `{"maxSeats":"2"}`, problem.InvalidField, "maxSeats"},
	{"seats yes", `{"maxSeats":true}`, problem.InvalidField, "maxSeats"},
	{"lesson over a day", `{"lessonSeconds":86401}`, problem.InvalidField, "lessonSeconds"},
	{"lesson negative", `{"lessonSeconds":-60}`, problem.InvalidField, "lessonSeconds"},
	{"quorum none", `{"quorum":0}`, problem.InvalidField, "quorum"},
	{"quorum absurd", `{"quorum":65}`, problem.InvalidField, "quorum"},
	{"quorum above the cap", `{"quorum":3,"maxSeats":2}`, problem.InvalidField, "quorum maxSeats"},
	{"both quorums", `{"quorum":2,"quorumRoles":{"teacher":1}}`, problem.InvalidField, "quorum quorumRoles"},
	{"quorum of no role", `{"quorumRoles":{}}`, problem.InvalidField, "quorumRoles"},
	{"quorum list", `{"quorumRoles":["teacher"]}`, problem.InvalidField, "quorumRoles"},
	{"quorum bad role", `{"quorumRoles":{"a b":1}}`, problem.InvalidField, "quorumRoles"},
	{"quorum role twice", `{"quorumRoles":{"a":1,"a":2}}`, problem.InvalidField, "quorumRoles"},
	{"quorum role none", `{"quorumRoles":{"a":0}}`, problem.InvalidField, "quorumRoles"},
	{"quorum roles absurd", `{"quorumRoles":{"a":33,"b":33}}`, problem.InvalidField, "quorumRoles"},
	{"quorum roles above the cap", `{"quorumRoles":{"a":1,"b":2},"maxSeats":2}`, problem.InvalidField, "quorumRoles maxSeats"},
	{"quorum roles above the role's cap", `{"quorumRoles":{"a":2},"maxByRole":{"a":1}}`, problem.InvalidField, "quorumRoles maxByRole"},
	{"clock unknown", `{"clock":"stop"}`, problem.InvalidField, "clock"},
	{"pause without a length", `{"clock":"pause"}`, problem.InvalidField, "clock lessonSeconds"},
	{"warning without an end", `{"warnSeconds":[60]}`, problem.InvalidField, "warnSeconds lessonSeconds closesAt"},
	{"warning number", `{"warnSeconds":60,"lessonSeconds":600}`, problem.InvalidField, "warnSeconds"},
	{"warning negative", `{"warnSeconds":[-1],"lessonSeconds":600}`, problem.InvalidField, "warnSeconds"},
	{"eleven warnings", `{"warnSeconds":[1,2,3,4,5,6,7,8,9,10,11],"lessonSeconds":600}`, problem.InvalidField, "warnSeconds"},
	{"role cap none", `{"maxByRole":{"student":0}}`, problem.InvalidField, "maxByRole"},
	{"role cap null", `{"maxByRole":{"student":null}}`, problem.InvalidField, "maxByRole"},
	{"role cap absurd", `{"maxByRole":{"student":15001}}`, problem.InvalidField, "maxByRole"},
	{"observers text", `{"observers":"recorder"}`, problem.InvalidField, "observers"},
	{"observers bad role", `{"observers":["re corder"]}`, problem.InvalidField, "observers"},
	{"allowed number", `{"allowedUsers":[1]}`, problem.InvalidField, "allowedUsers"},
	{"allowed nameless", `{"allowedUsers":[""]}`, problem.InvalidField, "allowedUsers"},
	{"allowed null", `{"allowedUsers":[null]}`, problem.InvalidField, "allowedUsers"},
	{"allowed 501", `{"allowedUsers":["a"` + strings.Repeat(`,"a"`, 500) + `]}`, problem.InvalidField, "allowedUsers"},
	{"duplicate rule unknown", `{"duplicateUser":"refuse"}`, problem.InvalidField, "duplicateUser"},
	{"rejoin absurd", `{"rejoinSeconds":1000000000}`, problem.InvalidField, "rejoinSeconds"},
	{"foreign rule unknown", `{"foreignTokens":""}`, problem.InvalidField, "foreignTokens"},
	{"kind unknown", `{"publish":{"hologram":[]}}`, problem.InvalidField, "publish"},
	{"kind twice", `{"publish":{"screen":[],"screen":[]}}`, problem.InvalidField, "publish"},
	{"kind without a list", `{"publish":{"screen":"advisor"}}`, problem.InvalidField, "publish"},
	{"moderators text", `{"moderators":"teacher"}`, problem.InvalidField, "moderators"},
	{"moderators bad role", `{"moderators":["tea cher"]}`, problem.InvalidField, "moderators"},
	{"grace negative", `{"unpublishGraceSeconds":-5}`, problem.InvalidField, "unpublishGraceSeconds"},
	{"grace absurd", `{"unpublishGraceSeconds":3601}`, problem.InvalidField, "unpublishGraceSeconds"},
	{"archive text", `{"archive":"always"}`, problem.InvalidField, "archive"},
	{"opening in words", `{"opensAt":"tomorrow"}`, problem.InvalidField, "opensAt"},
	{"opening without a zone", `{"opensAt":"2026-12-01T17:00:00"}`, problem.InvalidField, "opensAt"},
	{"closing number", `{"closesAt":1796144400}`, problem.InvalidField, "closesAt"},
	{"closing in 1969", `{"closesAt":"1969-12-01T17:00:00Z"}`, problem.InvalidField, "closesAt"},
	{"kept too long", `{"quorum":2,"allowedUsers":[` + repeated(105, `"`+strings.Repeat("<", 128)+`"`) + `]}`, problem.InvalidField, "allowedUsers"},
	{"closes before it opens", `{"opensAt":"2026-12-01T17:00:00Z","closesAt":"2026-12-01T17:00:00Z"}`, problem.InvalidField, "opensAt closesAt"},

	{"hall", `{"maxSeats":65}`, problem.NotSupported, "maxSeats"},
	{"hall of one role", `{"maxByRole":{"student":65}}`, problem.NotSupported, "maxByRole"},
	{"hall of roles", `{"maxByRole":{"student":60,"teacher":5},"maxSeats":0}`, problem.NotSupported, "maxByRole"},
}

func TestPolicyRefusals(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(c.raw))
			var refused *problem.Details
			if !errors.As(err, &refused) {
				t.Fatalf("read as %v, error %v", p, err)
			}
			if refused.Code != c.code || strings.Join(refused.Fields, " ") != c.fields {
				t.Errorf("refused as %s %q, want %s %q", refused.Code, refused.Fields, c.code, c.fields)
			}
			for _, field := range refused.Fields {
				if !strings.Contains(refused.Detail, field) {
					t.Errorf("the detail does not name %s: %s", field, refused.Detail)
				}
			}
			if !reflect.DeepEqual(p, Policy{}) {
				t.Errorf("a refused policy came back: %v", p)
			}
		})
	}
}

func TestPolicyDetailShowsTheValue(t *testing.T) {
	_, err := Parse([]byte(`{"maxSeats": 2.5, "clock": "stop"}`))
	want := `invalid-field: maxSeats must be a whole number from 0 to 15000, not 2.5; clock must be one of ["first-quorum" "pause"], not "stop"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestPolicyDetailNamesWhatCannotBeSeen: a name that a reader would miss or
// misread is quoted, in the detail and among the fields.
func TestPolicyDetailNamesWhatCannotBeSeen(t *testing.T) {
	for name, want := range map[string]string{
		`x`:              `x`,
		`é 1`:            `é 1`,
		``:               `""`,
		` `:              `" "`,
		`x `:             `"x "`,
		`a\u0000b`:       `"a\x00b"`,
		`a\nb`:           `"a\nb"`,
		`a\"b`:           `"a\"b"`,
		`\u202emaxSeats`: `"\u202emaxSeats"`,
		`max\u00a0Seats`: `"max\u00a0Seats"`,
		`{ }`:            `{ }`,
	} {
		_, err := Parse([]byte(`{"` + name + `":1}`))
		var refused *problem.Details
		if !errors.As(err, &refused) || refused.Detail != want+" is not a field of a policy" || !slices.Equal(refused.Fields, []string{want}) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestPolicyDetailIsBounded(t *testing.T) {
	var members []string
	for i := range 2000 {
		members = append(members, fmt.Sprintf(`"%s%d":0`, strings.Repeat("é", 100), i))
	}
	_, err := Parse([]byte("{" + strings.Join(members, ",") + "}"))
	if err == nil || len(err.Error()) > 4096 {
		t.Errorf("the refusal has %d bytes", len(fmt.Sprint(err)))
	}
}

func TestPolicyMaySay(t *testing.T) {
	for _, raw := range []string{
		`{"unpublishGraceSeconds":5}`, `{"warnSeconds":[]}`, `{"publish":{}}`, `{"rejoinSeconds":0}`, `{"observers":[]}`, `{"moderators":[]}`,
		`{"maxByRole":{}}`, `{"clock":"first-quorum"}`, `{"maxSeats":0}`, `{"lessonSeconds":0}`, `{"quorum":64,"maxSeats":64}`,
		`{"maxByRole":{"student":60,"teacher":4}}`, `{"maxByRole":{"student":15000},"maxSeats":2}`, `{"observers":["recorder",""]}`, `{"allowedUsers":[]}`,
		`{"allowedUsers":["alice","bob"]}`, `{"rejoinSeconds":7776000}`, `{"publish":{"screen":["advisor"],"camera":[]}}`,
		`{"moderators":["teacher"]}`, `{"unpublishGraceSeconds":0}`, `{"lessonSeconds":86400}`, `{"archive":false,"demo":false}`, `{"opensAt":null,"allowedUsers":null,"quorumRoles":null,"quorum":2}`,
	} {
		if _, err := Parse([]byte(raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestPolicyComesBackAsPut(t *testing.T) {
	cases := []struct{ name, raw, want string }{
		{"compacted", ` { "maxSeats" : 2, "demo":true } `, `{"maxSeats":2,"demo":true}`},
		{"order kept, defaults not filled in", `{"quorum":2,"archive":false}`, `{"quorum":2,"archive":false}`},
		{"null is absent", `{"quorum":null,"maxSeats":2,"demo":null}`, `{"maxSeats":2}`},
		{"without a byte order mark", "\ufeff" + `{"maxSeats":2}`, `{"maxSeats":2}`},
		{"a field by its plain name", `{"\u006daxSeats":2}`, `{"maxSeats":2}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(c.raw))
			if err != nil {
				t.Fatal(err)
			}
			checkStored(t, p)
			if p.String() != c.want {
				t.Errorf("came back as %s, want %s", p, c.want)
			}
		})
	}
}

// checkStored puts p through JSON and through a store's text.
func checkStored(t *testing.T, p Policy) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("%q: %v", p.raw, err)
	}
	var again Policy
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, p) || !again.Equal(p) {
		t.Errorf("%s came back from JSON as %s, %v", p, again, err)
	}
	if stored := Stored(string(text)); !reflect.DeepEqual(stored, p) {
		t.Errorf("%s came back from the store as %s", p, stored)
	}
}

func TestStoredPolicyIsTolerant(t *testing.T) {
	p := Stored(`{"maxSeats":2,"newer":{"a":"<b>"},"lessonSeconds":"long","demo":true}`)
	if p.MaxSeats() != 2 || !p.Demo() || p.LessonSeconds() != 0 {
		t.Errorf("read as %+v", p.fields)
	}
	checkStored(t, p)
	if !strings.Contains(p.String(), `"newer":{"a":`) {
		t.Errorf("what is not understood was dropped: %s", p)
	}
	for _, raw := range []string{"", "{}", "null", "[]", "{", "\xff"} {
		if p := Stored(raw); !reflect.DeepEqual(p, Policy{}) {
			t.Errorf("%q is %v, not the zero Policy", raw, p)
		}
	}
}

func TestParsePut(t *testing.T) {
	p, session, err := ParsePut([]byte(`{"maxSeats":2,"sessionId":"2_MX4x","demo":true}`))
	if err != nil || session != "2_MX4x" || p.String() != `{"maxSeats":2,"demo":true}` {
		t.Errorf("got %s, session %q, %v", p, session, err)
	}
	if p, session, err = ParsePut([]byte(`{"sessionId":null,"maxSeats":2}`)); err != nil || session != "" || p.MaxSeats() != 2 {
		t.Errorf("null: got %s, session %q, %v", p, session, err)
	}
	for raw, fields := range map[string]string{
		`{"sessionId":"","maxSeats":-1}`:                         "sessionId maxSeats",
		`{"sessionId":7}`:                                        "sessionId",
		`{"sessionId":"a","sessionId":"b"}`:                      "sessionId",
		`{"sessionId":"` + strings.Repeat("a", 256) + `"}`:       "sessionId",
		`{"sessionId":"a","closesAt":"x","maxByRole":{"":-1.5}}`: "closesAt maxByRole",
	} {
		_, session, err := ParsePut([]byte(raw))
		var refused *problem.Details
		if !errors.As(err, &refused) || strings.Join(refused.Fields, " ") != fields || session != "" {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestParsePutSaysThatASessionStandsTwice(t *testing.T) {
	_, _, err := ParsePut([]byte(`{"sessionId":"a","sessionId":"b"}`))
	if want := "invalid-field: sessionId stands there twice"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNames(t *testing.T) {
	cases := []struct {
		name        string
		valid       func(string) bool
		right, mean []string
	}{
		{
			"room", ValidRoom,
			[]string{"a", "0", "one-to-one", "A.b_c-9", strings.Repeat("a", 64)},
			[]string{"", ".a", "-a", "_a", "a b", "a/b", "é", "a\n", strings.Repeat("a", 65)},
		},
		{
			"user", ValidUser,
			[]string{
				"a", "Zoë 42", "-", " ", strings.Repeat("é", 64),
				"😀", "👩\u200d👧", "ن\u200cم", "שלום\u200f", "\u2027", "\u202f", "\u2065", "\u206a",
			},
			[]string{
				"", "a\x00", "a\tb", "a\x7f", "a\u0085", "\xff", strings.Repeat("é", 64) + "a",
				"\u2028", "a\u2029b", "\u202a", "\u202b", "\u202c", "\u202d", "a\u202eb",
				"\u2066", "\u2067", "\u2068", "a\u2069", "\xed\xa0\x80", "a\ufffd",
			},
		},
		{
			"role", ValidRole,
			[]string{"", "teacher", "A_b-9", strings.Repeat("a", 32)},
			[]string{"a b", "a.b", "é", "a\n", strings.Repeat("a", 33)},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range c.right {
				if !c.valid(s) {
					t.Errorf("%q was refused", s)
				}
			}
			for _, s := range c.mean {
				if c.valid(s) {
					t.Errorf("%q was taken", s)
				}
			}
		})
	}
}

// FuzzParsePolicy: whatever comes in is refused as problem.Details or is within its
// bounds and survives a store.
func FuzzParsePolicy(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.raw))
	}
	f.Add([]byte(`{"maxSeats":2,"lessonSeconds":60,"quorum":null,"duplicateUser":"allow","demo":true}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Parse(raw)
		var refused *problem.Details
		switch {
		case errors.As(err, &refused):
			codes := []problem.Code{problem.BadJSON, problem.InvalidField, problem.NotSupported}
			if !slices.Contains(codes, refused.Code) || (refused.Code == problem.BadJSON) != (len(refused.Fields) == 0) {
				t.Errorf("refused as %s %q", refused.Code, refused.Fields)
			}
			p = Stored(string(raw))
		case err != nil:
			t.Fatalf("not problem.Details: %v", err)
		case p.MaxSeats() < 0 || p.MaxSeats() > MaxSeats || p.LessonSeconds() < 0 || p.LessonSeconds() > mostLesson ||
			p.Quorum() < 1 || p.Quorum() > mostQuorum || !json.Valid([]byte(p.String())):
			t.Errorf("out of bounds: %s", p)
		}
		checkStored(t, p)
	})
}

func BenchmarkStoredPolicy(b *testing.B) {
	for b.Loop() {
		Stored(`{"maxSeats":2,"lessonSeconds":3600,"duplicateUser":"refuse-newer","demo":true}`)
	}
}
