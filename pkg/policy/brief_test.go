package policy

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"usher/pkg/problem"
)

// repeated is n of the item, as the inside of a list.
func repeated(n int, item string) string { return strings.Repeat(item+",", n-1) + item }

// keptIn is a policy whose text takes so many bytes as it is kept, and fewer as it
// is put.
func keptIn(bytes int) string {
	const most = 128 + len(`,""`)
	raw := `{"demo":true,"allowedUsers":[` + repeated(100, `"`+strings.Repeat("<", 128)+`"`)
	left := bytes - len(raw) - 100*128*(len(`\u003c`)-1) - len(`]}`)
	for left > 0 {
		n := min(left, most)
		if left > most && left < most+4 {
			n -= 4 // the shortest user takes four bytes
		}
		raw += `,"` + strings.Repeat("a", n-len(`,""`)) + `"`
		left -= n
	}
	return raw + `]}`
}

// TestLongestPolicy: what counts is the text as it is kept.
func TestLongestPolicy(t *testing.T) {
	if kept := parsed(t, keptIn(80_000)).String(); len(kept) != 80_000 {
		t.Fatalf("the sample takes %d bytes", len(kept))
	}
	_, err := Parse([]byte(keptIn(80_001)))
	var refused *problem.Details
	if !errors.As(err, &refused) || refused.Code != problem.InvalidField || !slices.Equal(refused.Fields, []string{"allowedUsers"}) {
		t.Fatal(err)
	}
	const want = "allowedUsers is too long: it takes 79972 of the policy's 80001 bytes, and a policy may have 80000, in which <, > and & count as 6 bytes each; make it shorter"
	if refused.Detail != want {
		t.Errorf("got  %s\nwant %s", refused.Detail, want)
	}
}

func TestBriefOfAShortPolicy(t *testing.T) {
	for _, raw := range []string{`{}`, `{"maxSeats":2,"allowedUsers":["<"]}`} {
		if p := parsed(t, raw); p.Brief() != p.String() {
			t.Errorf("%s is told as %s", p, p.Brief())
		}
	}
}

func TestBrief(t *testing.T) {
	const around = `{"lessonSeconds":600,"quorum":3,%s,"maxSeats":4}`
	values := map[string]struct{ value, said string }{
		"allowedUsers": {`["\u003c"` + strings.Repeat(`,"alice"`, 450) + `]`, "451 entries"},
		"maxByRole":    {`{` + strings.Join(escapedRoles(64), ",") + `}`, "64 names"},
		"publish":      {`{"screen":[` + repeated(64, `"`+strings.Repeat("b", 32)+`"`) + `],"audio":[` + repeated(64, `"`+strings.Repeat("b", 32)+`"`) + `]}`, "2 names"},
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			p := parsed(t, fmt.Sprintf(around, `"`+name+`":`+v.value))
			said := fmt.Sprintf("%s, %d bytes, SHA-256 %x", v.said, len(v.value), sha256.Sum256([]byte(v.value)))
			if got, want := p.Brief(), fmt.Sprintf(around, `"`+name+`":"`+said+`"`); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// escapedRoles are n members of an object, whose names are written in escapes.
func escapedRoles(n int) (members []string) {
	for i := range n {
		members = append(members, fmt.Sprintf(`"%s%02d":1`, strings.Repeat(`\u0061`, 10), i))
	}
	return members
}

func TestBriefAtTheBound(t *testing.T) {
	list := func(bytes int) string {
		const each = len(`"ab",`)
		full := `[` + repeated(bytes/each-1, `"ab"`) + `,"`
		return full + strings.Repeat("a", bytes-len(full)-2) + `"]`
	}
	for bytes, shown := range map[int]bool{longestBrief: true, longestBrief + 1: false} {
		value := list(bytes)
		p := Stored(`{"newer":` + value + `,"quorum":2}`)
		if len(value) != bytes || (p.Brief() == p.String()) != shown {
			t.Errorf("a value of %d bytes is told as %.80s…", len(value), p.Brief())
		}
	}
}

// TestBriefGivesTheSameRules: a lesson's rules are read again from its log.
func TestBriefGivesTheSameRules(t *testing.T) {
	for _, raw := range []string{
		`{}`,
		`{"quorum":3,"lessonSeconds":3600}`,
		`{"maxSeats":1,"allowedUsers":[` + repeated(500, `"`+strings.Repeat("a", 100)+`"`) + `]}`,
		`{"quorum":5,"allowedUsers":[` + repeated(100, `"`+strings.Repeat("<", 100)+`"`) + `],"lessonSeconds":60}`,
	} {
		p := parsed(t, raw)
		again := Stored(p.Brief())
		if !reflect.DeepEqual(FirstRules(again), FirstRules(p)) {
			t.Errorf("%.80s: %v became %v", raw, FirstRules(p), FirstRules(again))
		}
		if len(p.Brief()) > longestBrief+200 || !json.Valid([]byte(p.Brief())) {
			t.Errorf("%.80s is told in %d bytes", raw, len(p.Brief()))
		}
	}
}
