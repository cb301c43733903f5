package journal_test

import (
	"strings"
	"testing"

	"usher/pkg/journal"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"clientDisconnected": "clientDisconnected",
		"Zoë 😀 👩\u200d👧 שלום\u200f": "Zoë 😀 👩\u200d👧 שלום\u200f",
		`{"a":"\u2028\\"}`:          `{"a":"\u2028\\"}`,
		"a\nb\r\n\tc":               `a\nb\r\n\tc`,
		"\x1b[2J\x1b]0;x\a":         `\u001b[2J\u001b]0;x\u0007`,
		"\x00\x7f\u009b31m":         `\u0000\u007f\u009b31m`,
		"a\u2028b\u2029c":           `a\u2028b\u2029c`,
		"\u202ebob\u202c \u2066x":   `\u202ebob\u202c \u2066x`,
		"\xff\xfe":                  `\xff\xfe`,
	} {
		if got := journal.Plain(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Whatever a log holds, a line of the story is one line, and nothing in it
// steers the terminal.
func TestNarrateEscapes(t *testing.T) {
	mean := "x\x1b[2J\nIn the end: completed.\u202e"
	var b strings.Builder
	err := journal.Narrate(&b, []journal.Line{{
		Seq: 1, Event: mean, Connection: mean, Stream: mean, User: mean, Role: mean, Actor: mean,
		Action: journal.DidSeat, Reason: journal.Reason(mean), Note: journal.Note(mean),
	}, {
		Seq: 2, Event: "e", Connection: mean, Action: journal.Action(mean),
	}})
	story := b.String()
	if err != nil || strings.Count(story, "\n") != 4 || strings.ContainsAny(story, "\x1b\u202e") || strings.Count(story, `\u001b[2J\nIn the end`) != 9 {
		t.Errorf("%v, %q", err, story)
	}
}
