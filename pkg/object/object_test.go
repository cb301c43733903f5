package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"none", ` { } `, ``},
		{"order of the text", `{"b":1,"a":{"x": [2]},"c":null}`, `b=1 a={"x": [2]} c=null`},
		{"a name that stands twice", `{"a":1,"b":2,"a":3,"a":null}`, `a=1 b=2 a=3! a=null!`},
		{"the same name, escaped", `{"a":1,"\u0061":2}`, `a=1 a=2!`},
		{"another case", `{"a":1,"A":2}`, `a=1 A=2`},
		{"no name", `{"":1}`, `=1`},
		{"a mark before it", "\ufeff {\"a\":1}", `a=1`},
		{"numbers as written", `{"a":1.0,"b":-0,"c":99999999999999999999}`, `a=1.0 b=-0 c=99999999999999999999`},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := Members([]byte(c.text))
			if got := show(all); err != nil || got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

// show writes members as name=value, with ! after one that stands there again.
func show(all []Member) string {
	var words []string
	for _, m := range all {
		word := fmt.Sprintf("%s=%s", m.Name, m.Value)
		if m.Again {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestNotMembers(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", ``, ErrBroken},
		{"a mark alone", "\ufeff", ErrBroken},
		{"two marks", "\ufeff\ufeff{}", ErrBroken},
		{"a mark inside", "{\ufeff}", ErrBroken},
		{"a mark behind", "{}\ufeff", ErrBroken},
		{"cut off", `{"a":1`, ErrBroken},
		{"more behind it", `{} {}`, ErrBroken},
		{"a comma at the end", `{"a":1,}`, ErrBroken},
		{"a list", `[]`, ErrNotObject},
		{"null", `null`, ErrNotObject},
		{"a text", `"{}"`, ErrNotObject},
		{"not UTF-8", "{\"a\":\"\xff\"}", ErrNotUTF8},
		{"UTF-16", "\xff\xfe{\x00}\x00", ErrNotUTF8},
	} {
		t.Run(c.name, func(t *testing.T) {
			if all, err := Members([]byte(c.text)); !errors.Is(err, c.want) || all != nil {
				t.Errorf("got %v, %v, want %v", all, err, c.want)
			}
		})
	}
}

func TestReadable(t *testing.T) {
	for name, want := range map[string]string{
		"maxSeats":                       `maxSeats`,
		"é 1":                            `é 1`,
		"":                               `""`,
		" ":                              `" "`,
		"a ":                             `"a "`,
		"a\x00b":                         `"a\x00b"`,
		"a\nb":                           `"a\nb"`,
		`a"b`:                            `"a\"b"`,
		"\u202emaxSeats":                 `"\u202emaxSeats"`,
		"max\u00a0Seats":                 `"max\u00a0Seats"`,
		strings.Repeat("a", 60):          strings.Repeat("a", 60),
		strings.Repeat("é", 31):          strings.Repeat("é", 30) + "…",
		"\x00" + strings.Repeat("é", 31): `"\x00` + strings.Repeat("é", 14) + `…"`,
	} {
		if got := (Member{Name: name}).Readable(); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}

// FuzzMembers: what is taken apart can be put together again and means the same
// to encoding/json, for which the last of several equal names counts.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":[null]},"a":"x"}`))
	f.Add([]byte("\ufeff{\"\\ud800\":1}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := Members(text)
		if err != nil {
			if plain := TrimMark(text); bytes.HasPrefix(plain, []byte("{")) && json.Valid(plain) && !errors.Is(err, ErrNotUTF8) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(TrimMark(text), &want); err != nil {
			t.Fatalf("%q was taken apart, but %v", text, err)
		}
		seen := map[string]bool{}
		for i, m := range all {
			if m.Again != seen[m.Name] || !json.Valid(m.Value) {
				t.Fatalf("%q: member %d is %s", text, i, show(all[i:i+1]))
			}
			seen[m.Name] = true
			if last := want[m.Name]; !hasLater(all[i+1:], m.Name) && !bytes.Equal(last, m.Value) {
				t.Fatalf("%q: %q is %s, want %s", text, m.Name, m.Value, last)
			}
		}
		if len(seen) != len(want) {
			t.Fatalf("%q: %d names, want %d", text, len(seen), len(want))
		}
	})
}

func hasLater(all []Member, name string) bool {
	for _, m := range all {
		if m.Name == name {
			return true
		}
	}
	return false
}
