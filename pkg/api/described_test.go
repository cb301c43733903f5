package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"usher/pkg/policy"
	"usher/pkg/problem"
)

// probes are values to try a field with: of every type, and around every bound.
func probes() []string {
	all := []string{
		`true`, `false`, `""`, `"x"`, `"pause"`, `"first-quorum"`, `"allow"`, `"Allow"`, `"accept"`, `"refuse-newer"`, `1.5`, `"1"`, `-1`,
		`[]`, `[""]`, `["a_-9"]`, `["a b"]`, `[1]`, `[0]`, `[86400]`, `[86401]`, `[null]`, `[["a"]]`, `["` + strings.Repeat("x", 33) + `"]`,
		`["` + strings.Repeat("x", 128) + `"]`, `["` + strings.Repeat("x", 129) + `"]`, `[1.5]`, `["1"]`,
		`{}`, `{"a":1}`, `{"a":0}`, `{"a":64}`, `{"a":65}`, `{"a":15000}`, `{"a":15001}`, `{"a":"1"}`, `{"a":null}`, `{"a":[]}`,
		`{"camera":[]}`, `{"screen":["teacher"],"audio":[""]}`, `{"camera":null}`, `{"camera":["a b"]}`, `{"Camera":[]}`, `{"camera":"a"}`,
	}
	for _, bound := range []int{0, 1, 64, 3600, 15000, 86400, 7776000} {
		all = append(all, fmt.Sprint(bound), fmt.Sprint(bound+1))
	}
	for _, length := range []int{64, 65, 500, 501} {
		all = append(all, "["+strings.Repeat(`"a",`, length-1)+`"a"]`, "{"+members(length)+"}")
	}
	for _, between := range []rune{0, ' ', '\t', 0x7f, 0x85, 0xa0, 0x1680, 0x2000, 0x200a, 0x200b, 0x2028, 0x202f, 0x205f, 0x3000, 0xfffd, '~', '/', 'é'} {
		text, _ := json.Marshal("1_a" + string(between) + "b")
		all = append(all, string(text))
	}
	for _, length := range []int{255, 256} {
		all = append(all, `"`+strings.Repeat("x", length)+`"`, `"`+strings.Repeat("ä", length)+`"`)
	}
	return append(all, moments...)
}

// moments are texts that some reader takes for a moment.
var moments = []string{
	`"2026-12-01T17:00:00Z"`, `"2026-12-01T17:00:00.123456789123Z"`, `"2026-12-01T17:00:00-00:30"`, `"1999-12-31T23:59:59+01:00"`, `"9999-12-31T23:59:59Z"`,
	`"2026-12-01t17:00:00Z"`, `"2026-12-01T17:00:00z"`, `"2026-12-01 17:00:00Z"`, `"2026-12-01T17:00:00"`, `"2026-12-01T17:00Z"`, `"2026-12-01"`,
	`"2026-12-01T7:00:00Z"`, `"2026-12-01T17:00:00,5Z"`, `"2026-12-01T17:00:60Z"`, `"2026-12-01T24:00:00Z"`, `"2026-12-01T17:00:00+24:00"`, `"2026-12-01T17:00:00+01:60"`,
	`"2026-13-01T17:00:00Z"`, `"2026-00-01T17:00:00Z"`, `"1969-12-01T17:00:00Z"`, `"0000-01-01T00:00:00Z"`, `"12026-12-01T17:00:00Z"`, `"-2026-12-01T17:00:00Z"`,
	`"2026-12-01T17:00:00.Z"`, `"2026-12-01T17:00:00+0100"`, `"2026-12-01T17:00:00Z "`, `1796148300000`,
}

func members(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"r%d":1`, i)
	}
	return strings.Join(all, ",")
}

// takenBySchema reports whether a schema of the description takes the value.
func takenBySchema(t *testing.T, name, raw string) bool {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(raw), &value); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return documented(t).Components.Schemas[name].Value.VisitJSON(value) == nil
}

// TestPolicyIsDescribed holds the description to the reader: a value of one
// field is taken by both or refused by both. What fields must keep together no
// schema says; and what is not enforced is described all the same.
func TestPolicyIsDescribed(t *testing.T) {
	fields := documented(t).Components.Schemas["PutPolicy"].Value.Properties
	if len(fields) < 20 {
		t.Fatalf("%d fields are described", len(fields))
	}
	for field := range fields {
		t.Run(field, func(t *testing.T) {
			for _, value := range append(probes(), `null`) {
				body := fmt.Sprintf(`{%q:%s}`, field, value)
				if field == "clock" || field == "warnSeconds" {
					body = fmt.Sprintf(`{"lessonSeconds":60,%q:%s}`, field, value)
				}
				_, _, err := policy.ParsePut([]byte(body))
				var refused *problem.Details
				taken := err == nil || errors.As(err, &refused) && refused.Code == problem.NotSupported
				if described := takenBySchema(t, "PutPolicy", body); described != taken {
					t.Errorf("%s: described as good %v, taken %v (%v)", clip(body), described, taken, err)
				}
			}
		})
	}
	for _, body := range []string{`{"seats":2}`, `{"MaxSeats":2}`, `{"":2}`, `[]`, `null`} {
		if _, _, err := policy.ParsePut([]byte(body)); err == nil || takenBySchema(t, "PutPolicy", body) {
			t.Errorf("%s is taken (%v)", body, err)
		}
	}
}

// TestExtensionIsDescribed does the same for the body of extend.
func TestExtensionIsDescribed(t *testing.T) {
	bodies := []string{
		`{}`, `{"seconds":null}`, `{"endsAt":null}`, `{"seconds":1,"endsAt":null}`, `{"seconds":null,"endsAt":"2026-12-01T17:00:00Z"}`,
		`{"seconds":1,"endsAt":"2026-12-01T17:00:00Z"}`, `{"seconds":1,"more":1}`, `{"Seconds":1}`, `[]`, `600`,
	}
	for _, value := range probes() {
		bodies = append(bodies, `{"seconds":`+value+`}`, `{"endsAt":`+value+`}`)
	}
	document := documented(t).Paths.Value("/v1/rooms/{room}/extend").Post.RequestBody.Value.Content.Get("application/json").Schema.Value
	for _, body := range bodies {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		_, _, err := readExtension([]byte(body))
		if against := document.VisitJSON(value); (against == nil) != (err == nil) {
			t.Errorf("%s: described %v, read %v", clip(body), against, err)
		}
	}
}
