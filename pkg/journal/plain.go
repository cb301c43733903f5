package journal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain is other people's text for a log or a terminal: one line, in which
// control characters, line separators and direction overrides are escaped as in
// JSON, and bytes that are not UTF-8 as \xff. Everything else stays, so that an
// ordinary text is shown as it is, and JSON stays JSON.
func Plain[T ~string](said T) T {
	text := string(said)
	if utf8.ValidString(text) && !strings.ContainsFunc(text, steers) {
		return said
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case shortly[r] != "":
			b.WriteString(shortly[r])
		case steers(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return T(b.String())
}

// shortly are escapes that everybody knows.
var shortly = map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`}

// steers finds the characters that move the text beside them: on a terminal, in a
// file of lines, or in the direction of reading (UAX #9).
func steers(r rune) bool {
	return unicode.IsControl(r) || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
