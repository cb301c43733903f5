package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPolicyDefaults(t *testing.T) {
	for _, raw := range []string{`{}`, ` { } `, `{"demo":null,"quorum":null}`} {
		p, err := ParsePolicy([]byte(raw))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if p != (Policy{}) || p.String() != "{}" {
			t.Errorf("%s is %v, not the zero Policy", raw, p)
		}
		if p.Quorum() != 2 || p.MaxSeats() != 0 || p.LessonSeconds() != 0 || p.Duplicates() != ReplaceOlder ||
			p.JudgesForeignDuplicates() || p.Foreign(true) != Refuse || p.Foreign(false) != Accept || p.Archive() || p.Demo() {
			t.Errorf("%s has other than the defaults", raw)
		}
	}
}

func TestPolicyFields(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"lessonSeconds":3600,"quorum":3,"clock":"first-quorum","maxSeats":4,
		"duplicateUser":"allow","foreignTokens":"accept","archive":true,"demo":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.LessonSeconds() != 3600 || p.Quorum() != 3 || p.MaxSeats() != 4 || p.Duplicates() != Allow ||
		!p.JudgesForeignDuplicates() || p.Foreign(true) != Accept || !p.Archive() || !p.Demo() {
		t.Errorf("read as %+v", p.fields)
	}
	alone, err := ParsePolicy([]byte(`{"maxSeats":1}`))
	if err != nil || alone.Quorum() != 1 {
		t.Errorf("one seat: quorum %d, %v", alone.Quorum(), err)
	}
}

// refusals name the code and the wrong fields of a policy.
var refusals = []struct {
	name, raw string
	code      Code
	fields    string
}{
	{"empty", ``, CodeBadJSON, ""},
	{"null", `null`, CodeBadJSON, ""},
	{"list", `[]`, CodeBadJSON, ""},
	{"text", `"{}"`, CodeBadJSON, ""},
	{"cut off", `{"maxSeats":2`, CodeBadJSON, ""},
	{"two values", `{} {}`, CodeBadJSON, ""},
	{"comma at the end", `{"maxSeats":2,}`, CodeBadJSON, ""},
	{"not UTF-8", "{\"clock\":\"\xff\"}", CodeBadJSON, ""},

	{"unknown field", `{"seats":2}`, CodeInvalidField, "seats"},
	{"unknown field, null", `{"seats":null}`, CodeInvalidField, "seats"},
	{"other case", `{"MaxSeats":2}`, CodeInvalidField, "MaxSeats"},
	{"session of a policy", `{"sessionId":"1_x"}`, CodeInvalidField, "sessionId"},
	{"twice", `{"maxSeats":2,"maxSeats":2}`, CodeInvalidField, "maxSeats"},
	{"all that is wrong", `{"maxSeats":-1,"demo":1,"x":0}`, CodeInvalidField, "maxSeats demo x"},
	{"wrong before not supported", `{"opensAt":"2026-12-01T17:00:00Z","demo":1}`, CodeInvalidField, "demo"},

	{"seats negative", `{"maxSeats":-1}`, CodeInvalidField, "maxSeats"},
	{"seats absurd", `{"maxSeats":15001}`, CodeInvalidField, "maxSeats"},
	{"seats fraction", `{"maxSeats":2.5}`, CodeInvalidField, "maxSeats"},
	{"seats with a point", `{"maxSeats":2.0}`, CodeInvalidField, "maxSeats"},
	{"seats with an exponent", `{"maxSeats":1e1}`, CodeInvalidField, "maxSeats"},
	{"seats huge", `{"maxSeats":99999999999999999999}`, CodeInvalidField, "maxSeats"},
	{"seats text", `{"maxSeats":"2"}`, CodeInvalidField, "maxSeats"},
	{"seats yes", `{"maxSeats":true}`, CodeInvalidField, "maxSeats"},
	{"lesson over a day", `{"lessonSeconds":86401}`, CodeInvalidField, "lessonSeconds"},
	{"lesson negative", `{"lessonSeconds":-60}`, CodeInvalidField, "lessonSeconds"},
	{"quorum none", `{"quorum":0}`, CodeInvalidField, "quorum"},
	{"quorum absurd", `{"quorum":65}`, CodeInvalidField, "quorum"},
	{"quorum above the cap", `{"quorum":3,"maxSeats":2}`, CodeInvalidField, "quorum maxSeats"},
	{"both quorums", `{"quorum":2,"quorumRoles":{"teacher":1}}`, CodeInvalidField, "quorum quorumRoles"},
	{"quorum of no role", `{"quorumRoles":{}}`, CodeInvalidField, "quorumRoles"},
	{"quorum list", `{"quorumRoles":["teacher"]}`, CodeInvalidField, "quorumRoles"},
	{"quorum bad role", `{"quorumRoles":{"a b":1}}`, CodeInvalidField, "quorumRoles"},
	{"quorum role twice", `{"quorumRoles":{"a":1,"a":2}}`, CodeInvalidField, "quorumRoles"},
	{"quorum role none", `{"quorumRoles":{"a":0}}`, CodeInvalidField, "quorumRoles"},
	{"quorum roles absurd", `{"quorumRoles":{"a":33,"b":33}}`, CodeInvalidField, "quorumRoles"},
	{"quorum roles above the cap", `{"quorumRoles":{"a":1,"b":2},"maxSeats":2}`, CodeInvalidField, "quorumRoles maxSeats"},
	{"quorum roles above the role's cap", `{"quorumRoles":{"a":2},"maxByRole":{"a":1}}`, CodeInvalidField, "quorumRoles maxByRole"},
	{"clock unknown", `{"clock":"stop"}`, CodeInvalidField, "clock"},
	{"pause without a length", `{"clock":"pause"}`, CodeInvalidField, "clock lessonSeconds"},
	{"warning without a length", `{"warnSeconds":[60]}`, CodeInvalidField, "warnSeconds lessonSeconds"},
	{"warning number", `{"warnSeconds":60,"lessonSeconds":600}`, CodeInvalidField, "warnSeconds"},
	{"warning negative", `{"warnSeconds":[-1],"lessonSeconds":600}`, CodeInvalidField, "warnSeconds"},
	{"eleven warnings", `{"warnSeconds":[1,2,3,4,5,6,7,8,9,10,11],"lessonSeconds":600}`, CodeInvalidField, "warnSeconds"},
	{"role cap none", `{"maxByRole":{"student":0}}`, CodeInvalidField, "maxByRole"},
	{"role cap null", `{"maxByRole":{"student":null}}`, CodeInvalidField, "maxByRole"},
	{"role cap absurd", `{"maxByRole":{"student":15001}}`, CodeInvalidField, "maxByRole"},
	{"observers text", `{"observers":"recorder"}`, CodeInvalidField, "observers"},
	{"observers bad role", `{"observers":["re corder"]}`, CodeInvalidField, "observers"},
	{"allowed number", `{"allowedUsers":[1]}`, CodeInvalidField, "allowedUsers"},
	{"allowed nameless", `{"allowedUsers":[""]}`, CodeInvalidField, "allowedUsers"},
	{"allowed null", `{"allowedUsers":[null]}`, CodeInvalidField, "allowedUsers"},
	{"allowed 501", `{"allowedUsers":["a"` + strings.Repeat(`,"a"`, 500) + `]}`, CodeInvalidField, "allowedUsers"},
	{"duplicate rule unknown", `{"duplicateUser":"refuse"}`, CodeInvalidField, "duplicateUser"},
	{"rejoin absurd", `{"rejoinSeconds":1000000000}`, CodeInvalidField, "rejoinSeconds"},
	{"foreign rule unknown", `{"foreignTokens":""}`, CodeInvalidField, "foreignTokens"},
	{"kind unknown", `{"publish":{"hologram":[]}}`, CodeInvalidField, "publish"},
	{"kind twice", `{"publish":{"screen":[],"screen":[]}}`, CodeInvalidField, "publish"},
	{"kind without a list", `{"publish":{"screen":"advisor"}}`, CodeInvalidField, "publish"},
	{"grace negative", `{"unpublishGraceSeconds":-5}`, CodeInvalidField, "unpublishGraceSeconds"},
	{"grace absurd", `{"unpublishGraceSeconds":3601}`, CodeInvalidField, "unpublishGraceSeconds"},
	{"archive text", `{"archive":"always"}`, CodeInvalidField, "archive"},
	{"opening in words", `{"opensAt":"tomorrow"}`, CodeInvalidField, "opensAt"},
	{"opening without a zone", `{"opensAt":"2026-12-01T17:00:00"}`, CodeInvalidField, "opensAt"},
	{"closing number", `{"closesAt":1796144400}`, CodeInvalidField, "closesAt"},
	{"closing in 1969", `{"closesAt":"1969-12-01T17:00:00Z"}`, CodeInvalidField, "closesAt"},
	{"closes before it opens", `{"opensAt":"2026-12-01T17:00:00Z","closesAt":"2026-12-01T17:00:00Z"}`, CodeInvalidField, "opensAt closesAt"},

	{"opening", `{"opensAt":"2026-12-01T17:00:00Z"}`, CodeNotSupported, "opensAt"},
	{"closing", `{"closesAt":"2026-12-01T18:05:00.5+01:00"}`, CodeNotSupported, "closesAt"},
	{"quorum by role", `{"quorumRoles":{"teacher":1,"student":1}}`, CodeNotSupported, "quorumRoles"},
	{"pause and warnings", `{"clock":"pause","warnSeconds":[300,60],"lessonSeconds":3600}`, CodeNotSupported, "clock warnSeconds"},
	{"hall", `{"maxSeats":65}`, CodeNotSupported, "maxSeats"},
	{"role cap", `{"maxByRole":{"student":1}}`, CodeNotSupported, "maxByRole"},
	{"observers", `{"observers":["recorder"]}`, CodeNotSupported, "observers"},
	{"allowed", `{"allowedUsers":["alice","bob"]}`, CodeNotSupported, "allowedUsers"},
	{"allowed nobody", `{"allowedUsers":[]}`, CodeNotSupported, "allowedUsers"},
	{"rejoin", `{"rejoinSeconds":60}`, CodeNotSupported, "rejoinSeconds"},
	{"publish", `{"publish":{"screen":["advisor"],"camera":[]}}`, CodeNotSupported, "publish"},
	{"grace", `{"unpublishGraceSeconds":0}`, CodeNotSupported, "unpublishGraceSeconds"},
}

func TestPolicyRefusals(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParsePolicy([]byte(c.raw))
			var problem *Problem
			if !errors.As(err, &problem) {
				t.Fatalf("read as %v, error %v", p, err)
			}
			if problem.Code != c.code || strings.Join(problem.Fields, " ") != c.fields {
				t.Errorf("refused as %s %q, want %s %q", problem.Code, problem.Fields, c.code, c.fields)
			}
			for _, field := range problem.Fields {
				if !strings.Contains(problem.Detail, field) {
					t.Errorf("the detail does not name %s: %s", field, problem.Detail)
				}
			}
			if p != (Policy{}) {
				t.Errorf("a refused policy came back: %v", p)
			}
		})
	}
}

func TestPolicyDetailShowsTheValue(t *testing.T) {
	_, err := ParsePolicy([]byte(`{"maxSeats": 2.5, "clock": "stop"}`))
	want := `invalid-field: maxSeats must be a whole number from 0 to 15000, not 2.5; clock must be one of ["first-quorum" "pause"], not "stop"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPolicyDetailIsBounded(t *testing.T) {
	var members []string
	for i := range 2000 {
		members = append(members, fmt.Sprintf(`"%s%d":0`, strings.Repeat("é", 100), i))
	}
	_, err := ParsePolicy([]byte("{" + strings.Join(members, ",") + "}"))
	if err == nil || len(err.Error()) > 4096 {
		t.Errorf("the refusal has %d bytes", len(fmt.Sprint(err)))
	}
}

func TestPolicyDefaultsMayBeSaid(t *testing.T) {
	for _, raw := range []string{
		`{"unpublishGraceSeconds":5}`, `{"warnSeconds":[]}`, `{"publish":{}}`, `{"rejoinSeconds":0}`, `{"observers":[]}`,
		`{"maxByRole":{}}`, `{"clock":"first-quorum"}`, `{"maxSeats":0}`, `{"lessonSeconds":0}`, `{"quorum":64,"maxSeats":64}`,
		`{"lessonSeconds":86400}`, `{"archive":false,"demo":false}`, `{"opensAt":null,"allowedUsers":null,"quorumRoles":null,"quorum":2}`,
	} {
		if _, err := ParsePolicy([]byte(raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestPolicyComesBackAsPut(t *testing.T) {
	cases := []struct{ name, raw, want string }{
		{"compacted", ` { "maxSeats" : 2, "demo":true } `, `{"maxSeats":2,"demo":true}`},
		{"order kept, defaults not filled in", `{"quorum":2,"archive":false}`, `{"quorum":2,"archive":false}`},
		{"null is absent", `{"quorum":null,"maxSeats":2,"demo":null}`, `{"maxSeats":2}`},
		{"a field by its plain name", `{"\u006daxSeats":2}`, `{"maxSeats":2}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParsePolicy([]byte(c.raw))
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
	if err := json.Unmarshal(text, &again); err != nil || again != p || !again.Equal(p) {
		t.Errorf("%s came back from JSON as %s, %v", p, again, err)
	}
	if stored := StoredPolicy(string(text)); stored != p {
		t.Errorf("%s came back from the store as %s", p, stored)
	}
}

func TestStoredPolicyIsTolerant(t *testing.T) {
	p := StoredPolicy(`{"maxSeats":2,"newer":{"a":"<b>"},"lessonSeconds":"long","demo":true}`)
	if p.MaxSeats() != 2 || !p.Demo() || p.LessonSeconds() != 0 {
		t.Errorf("read as %+v", p.fields)
	}
	checkStored(t, p)
	if !strings.Contains(p.String(), `"newer":{"a":`) {
		t.Errorf("what is not understood was dropped: %s", p)
	}
	for _, raw := range []string{"", "{}", "null", "[]", "{", "\xff"} {
		if p := StoredPolicy(raw); p != (Policy{}) {
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
		var problem *Problem
		if !errors.As(err, &problem) || strings.Join(problem.Fields, " ") != fields || session != "" {
			t.Errorf("%s: %v", raw, err)
		}
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
			[]string{"a", "Zoë 42", "-", " ", strings.Repeat("é", 64)},
			[]string{"", "a\x00", "a\tb", "a\x7f", "a\u0085", "\xff", strings.Repeat("é", 64) + "a"},
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

// FuzzParsePolicy: whatever comes in is refused as a Problem or is within its
// bounds and survives a store.
func FuzzParsePolicy(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.raw))
	}
	f.Add([]byte(`{"maxSeats":2,"lessonSeconds":60,"quorum":null,"duplicateUser":"allow","demo":true}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParsePolicy(raw)
		var problem *Problem
		switch {
		case errors.As(err, &problem):
			codes := []Code{CodeBadJSON, CodeInvalidField, CodeNotSupported}
			if !slices.Contains(codes, problem.Code) || (problem.Code == CodeBadJSON) != (len(problem.Fields) == 0) {
				t.Errorf("refused as %s %q", problem.Code, problem.Fields)
			}
			p = StoredPolicy(string(raw))
		case err != nil:
			t.Fatalf("not a Problem: %v", err)
		case p.MaxSeats() < 0 || p.MaxSeats() > MaxSeats || p.LessonSeconds() < 0 || p.LessonSeconds() > mostLesson ||
			p.Quorum() < 1 || p.Quorum() > mostQuorum || !json.Valid([]byte(p.String())):
			t.Errorf("out of bounds: %s", p)
		}
		checkStored(t, p)
	})
}

func BenchmarkStoredPolicy(b *testing.B) {
	for b.Loop() {
		StoredPolicy(`{"maxSeats":2,"lessonSeconds":3600,"duplicateUser":"refuse-newer","demo":true}`)
	}
}
