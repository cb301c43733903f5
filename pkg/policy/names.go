package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// alphanumeric are the letters and digits that names are made of.
const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// ValidRoom reports whether name may name a room: 1 to 64 letters, digits,
// dots, underscores and dashes, the first a letter or digit.
func ValidRoom(name string) bool {
	return name != "" && len(name) <= 64 &&
		strings.IndexByte(alphanumeric, name[0]) >= 0 && strings.TrimLeft(name, alphanumeric+"._-") == ""
}

// ValidRole reports whether role may name a role: at most 32 letters, digits,
// underscores and dashes. The empty role is nobody's in particular.
func ValidRole(role string) bool {
	return len(role) <= 32 && strings.TrimLeft(role, alphanumeric+"_-") == ""
}

// ValidUser reports whether user may name a user: 1 to 128 bytes of UTF-8 without
// control characters, line separators and characters that override the direction
// of the text around it. Marks that a right-to-left name may need are allowed.
// U+FFFD is not: it stands for text that was lost on the way (a lone surrogate,
// broken UTF-8), and two users who lost theirs would be one.
func ValidUser(user string) bool {
	if user == "" || len(user) > 128 || !utf8.ValidString(user) {
		return false
	}
	return !strings.ContainsFunc(user, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError || overrides(r)
	})
}

// overrides reports whether r opens or closes an embedding, override or isolate
// (Unicode Standard Annex #9, sections 2.1 to 2.5).
func overrides(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' }

// ValidSession reports whether id may be the id of a session made elsewhere, which
// is opaque: 1 to 255 characters without blanks and control characters (nothing
// that was lost on the way or is pasted along), and no step in the path of a
// request.
func ValidSession(id string) bool {
	if id == "" || utf8.RuneCountInString(id) > 255 {
		return false
	}
	for segment := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError || overrides(r)
	})
}
