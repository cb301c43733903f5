// Package object takes a JSON object apart, member by member in the order of
// the text, for readers that refuse what they do not know. A struct and
// encoding/json serve readers that pass over it: there a name that stands twice
// or in another case goes unseen.
package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Errors of Members. Each may follow "it must be a JSON object: " and be shown
// to people.
var (
	ErrNotUTF8   = errors.New("this is not UTF-8")
	ErrNotObject = errors.New("this is something else")
	ErrBroken    = errors.New("this is not valid JSON")
)

// Member is one name and value of an object.
type Member struct {
	Name  string          // unescaped
	Value json.RawMessage // valid JSON, never empty
	Again bool            // a member of the same name stands before it
}

// Null reports whether the value is null.
func (m Member) Null() bool { return string(m.Value) == "null" }

// Readable is the name for people, cut where it is long, and quoted where it is
// empty or holds what a reader would miss or misread.
func (m Member) Readable() string {
	const most = 60 // bytes; escaped, a byte takes up to four
	name := m.Name
	if name != "" && strings.TrimSpace(name) == name && strconv.Quote(name) == `"`+name+`"` {
		return cut(name, most)
	}
	return strconv.Quote(cut(name, most/2))
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Members takes one JSON object apart. Every member is there, also one whose
// name stands twice (RFC 8259, section 4, leaves it open which one counts). A
// byte order mark before the object is read past.
func Members(text []byte) ([]Member, error) {
	text = TrimMark(text)
	switch {
	case !utf8.Valid(text):
		return nil, ErrNotUTF8
	case !json.Valid(text):
		return nil, ErrBroken
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, ErrNotObject
	}
	var all []Member
	seen := map[string]bool{}
	for d.More() {
		var m Member
		if err := next(d, &m); err != nil {
			return nil, err
		}
		m.Again = seen[m.Name]
		seen[m.Name] = true
		all = append(all, m)
	}
	return all, nil
}

func next(d *json.Decoder, m *Member) error {
	name, err := d.Token()
	if err != nil {
		return ErrBroken
	}
	m.Name, _ = name.(string)
	if err := d.Decode(&m.Value); err != nil {
		return ErrBroken
	}
	return nil
}

// TrimMark gives the text without the byte order mark that some editors and
// proxies put before it (RFC 8259, section 8.1: a parser may ignore it).
func TrimMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }
