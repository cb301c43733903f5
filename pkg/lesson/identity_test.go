package lesson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestForeigner(t *testing.T) {
	digits := strings.Repeat("7", 128)
	cases := []struct{ name, data, user, role string }{
		{"no data", "", "", ""},
		{"blanks", " \t\n", "", ""},
		{"plain text", "Zoë 7", "Zoë 7", ""},
		{"text that only looks like JSON", "nobody's {}", "nobody's {}", ""},
		{"broken JSON", `{"user":"a"`, "", ""},
		{"a list", `["a"]`, "", ""},
		{"a number alone", `17`, "", ""},
		{"null", `null`, "", ""},
		{"nothing known", `{"User":"a","email":"b"}`, "", ""},

		{"user", `{"name":"no","username":"no","id":"no","uid":"no","user_id":"no","userId":"no","user":"a"}`, "a", ""},
		{"userId", `{"name":"no","username":"no","id":"no","uid":"no","user_id":"no","userId":"a"}`, "a", ""},
		{"user_id", `{"name":"no","username":"no","id":"no","uid":"no","user_id":"a"}`, "a", ""},
		{"uid", `{"name":"no","username":"no","id":"no","uid":"a"}`, "a", ""},
		{"id", `{"name":"no","username":"no","id":"a"}`, "a", ""},
		{"username", `{"name":"no","username":"a"}`, "a", ""},
		{"name", `{"name":"a"}`, "a", ""},
		{"what is no id is passed over", `{"user":"","userId":null,"user_id":true,"uid":["a"],"id":1.5,"username":{"name":"b"},"name":"a"}`, "a", ""},

		{"number", `{"user":17}`, "17", ""},
		{"number below zero", `{"user":-17}`, "-17", ""},
		{"zero", `{"user":0}`, "0", ""},
		{"zero below zero", `{"user":-0}`, "0", ""},
		{"number beyond a float", `{"user":9007199254740993}`, "9007199254740993", ""},
		{"number beyond 64 bits", `{"userId":123456789012345678901234567890}`, "123456789012345678901234567890", ""},
		{"whole with a point", `{"user":47000001.0}`, "47000001", ""},
		{"whole with an exponent", `{"user":4.7000001E7}`, "47000001", ""},
		{"the longest number", `{"user":` + digits + `}`, digits, ""},
		{"a longer number", `{"user":` + digits + `7}`, "", ""},
		{"an absurd number", `{"user":1e999999999,"name":"a"}`, "", ""},
		{"almost whole", `{"user":17.` + strings.Repeat("0", 100) + `1,"name":"a"}`, "a", ""},

		{"object with an id", `{"user":{"id":"a","name":"no"},"name":"no"}`, "a", ""},
		{"object with a number", `{"user":{"id":17}}`, "17", ""},
		{"object with an object", `{"user":{"id":{"id":"b"}},"name":"a"}`, "a", ""},
		{"object without one", `{"user":{"ID":"b"},"name":"a"}`, "a", ""},

		{"out of bounds is unknown", `{"user":"` + strings.Repeat("a", 129) + `","name":"b"}`, "", ""},
		{"control character", `{"user":"a\u0007"}`, "", ""},
		{"line separator", `{"user":"a\u2028b"}`, "", ""},
		{"direction override in a text", "a\u202eb", "", ""},
		{"lone surrogate", `{"user":"a\ud800"}`, "", ""},
		{"pair of surrogates", `{"user":"\ud83d\ude00"}`, "😀", ""},
		{"family with joiners", `{"user":"👩‍👩‍👧"}`, "👩‍👩‍👧", ""},

		{"role", `{"user":"a","role":"teacher"}`, "a", "teacher"},
		{"role alone", `{"role":"teacher"}`, "", "teacher"},
		{"role is a number", `{"user":"a","role":7}`, "a", ""},
		{"role is an object", `{"user":"a","role":{"id":"teacher"}}`, "a", ""},
		{"role out of bounds", `{"user":"a","role":"tea cher"}`, "a", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if user, role := foreigner(c.data); user != c.user || role != c.role {
				t.Errorf("is %q as %q, want %q as %q", user, role, c.user, c.role)
			}
		})
	}
}

// TestDataOf: a promise is found beside any data, which arrives byte for byte.
func TestDataOf(t *testing.T) {
	const id = "JZ6VQ4WBN2XKD5RM7PTEYHCUGA" // as long as those that are given
	for name, data := range map[string]string{
		"none":                 ``,
		"object":               `{"seat":"A7","usher":"another","data":{"usher":"a third"}}`,
		"number":               `-1.50e3`,
		"text":                 `"}<&>"`,
		"list":                 `[[],{},null]`,
		"yes":                  `true`,
		"null":                 `null`,
		"600 bytes of <":       `"` + strings.Repeat("<", 598) + `"`,
		"600 bytes of 4 each":  `"` + strings.Repeat("😀", 149) + `ab"`,
		"600 bytes of escapes": `"` + strings.Repeat(`\u2028`, 99) + `abcd"`,
		"line separators":      "\"\u2028\u2029\"",
		"half a pair":          `"\ud800"`,
	} {
		t.Run(name, func(t *testing.T) {
			text := DataOf(id, json.RawMessage(data))
			if n := utf8.RuneCountInString(text); n > 1000 {
				t.Errorf("%d characters are more than the platform takes", n)
			}
			if got := promiseIn(text); got != id {
				t.Errorf("%s names the promise %q", text, got)
			}
			var wire struct{ Data json.RawMessage }
			if err := json.Unmarshal([]byte(text), &wire); err != nil || string(wire.Data) != data {
				t.Errorf("the data arrives as %s, %v", wire.Data, err)
			}
		})
	}
}
