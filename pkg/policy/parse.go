package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"usher/pkg/problem"
)

// Parse reads a policy as its owner puts it. What is wrong comes back as
// a *Problem: CodeBadJSON where raw is not one JSON object, CodeInvalidField
// with every wrong field, or CodeNotSupported with every field that is right
// but asks for something that is not enforced. A member that is null is absent.
func Parse(raw []byte) (Policy, error) {
	members, err := membersOf(raw)
	if err != nil {
		return Policy{}, badJSON(err)
	}
	doc, faults := readPolicy(members)
	return doc.policy(members, faults)
}

// ParsePut reads the body that puts a room: a policy, and beside its fields an
// optional sessionId of 1 to 255 bytes, the session to adopt. It refuses like
// ParsePolicy.
func ParsePut(raw []byte) (p Policy, session string, err error) {
	members, err := membersOf(raw)
	if err != nil {
		return Policy{}, "", badJSON(err)
	}
	var faults []fault
	at := slices.IndexFunc(members, func(m member) bool { return m.name == "sessionId" })
	if at >= 0 {
		if say := readSession(&session, members[at].value); say != "" && !members[at].null() {
			faults = append(faults, fault{[]string{"sessionId"}, "sessionId " + say})
		}
		members = slices.Delete(members, at, at+1)
	}
	doc, more := readPolicy(members)
	p, err = doc.policy(members, append(faults, more...))
	if err != nil {
		return Policy{}, "", err
	}
	return p, session, nil
}

// Stored reads a policy that was accepted once, perhaps by a newer
// version: what it does not understand is kept and has no effect. A text that
// is not a JSON object is the zero Policy.
func Stored(raw string) Policy {
	if raw == "" || raw == "{}" {
		return Policy{}
	}
	members, err := membersOf([]byte(raw))
	if err != nil {
		return Policy{}
	}
	doc, _ := readPolicy(members)
	return Policy{raw: compact(members), fields: doc.fields()}
}

// fault is something wrong with one field, or with several together.
type fault struct {
	fields []string
	say    string
}

// readPolicy reads what it can and says what is wrong with the rest.
func readPolicy(members []member) (document, []fault) {
	var doc document
	var faults []fault
	seen := map[string]bool{}
	for _, m := range members {
		if say := doc.read(m, seen[m.name]); say != "" {
			name := short([]byte(m.name))
			faults = append(faults, fault{[]string{name}, name + " " + say})
		}
		seen[m.name] = true
	}
	return doc, faults
}

func (d *document) read(m member, again bool) string {
	if again {
		return "stands there twice"
	}
	field, known := table[m.name]
	switch {
	case !known:
		return "is not a field of a policy"
	case m.null():
		return ""
	}
	say := field.read(d, m.value)
	if say != "" {
		d.unread = append(d.unread, m.name)
		say += ", not " + short(m.value)
	}
	return say
}

// policy judges what was read as a whole.
func (d *document) policy(members []member, faults []fault) (Policy, error) {
	for _, rule := range constraints {
		if !slices.ContainsFunc(rule.fields, d.isUnread) && rule.broken(d) {
			faults = append(faults, fault{rule.fields, rule.say})
		}
	}
	if len(faults) > 0 {
		return Policy{}, refusal(problem.InvalidField, faults)
	}
	for _, m := range members {
		if later := table[m.name].later; later != nil && later(d) {
			faults = append(faults, fault{[]string{m.name}, m.name + ": " + short(m.value) + " is not supported"})
		}
	}
	if len(faults) > 0 {
		return Policy{}, refusal(problem.NotSupported, faults)
	}
	return Policy{raw: compact(members), fields: d.fields()}, nil
}

func (d *document) isUnread(name string) bool { return slices.Contains(d.unread, name) }

func refusal(code problem.Code, faults []fault) *problem.Details {
	var fields, says []string
	for _, f := range faults {
		for _, name := range f.fields {
			if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
		}
		says = append(says, f.say)
	}
	const most = 20
	if len(says) > most {
		says = append(says[:most], fmt.Sprintf("and %d more", len(faults)-most))
		fields = fields[:min(len(fields), most)]
	}
	return &problem.Details{Code: code, Fields: fields, Detail: strings.Join(says, "; ")}
}

func badJSON(err error) *problem.Details {
	return &problem.Details{Code: problem.BadJSON, Detail: "a policy is one JSON object: " + err.Error()}
}

// member is one name and value of a JSON object, in the order of the text.
type member struct {
	name  string
	value json.RawMessage
}

func (m member) null() bool { return string(m.value) == "null" }

var (
	errNotUTF8   = errors.New("this is not UTF-8")
	errNotObject = errors.New("this is something else")
	errBroken    = errors.New("this is not valid JSON")
)

// membersOf takes one JSON object apart. Its errors may be shown to people.
func membersOf(raw []byte) ([]member, error) {
	switch {
	case !utf8.Valid(raw):
		return nil, errNotUTF8
	case !json.Valid(raw):
		return nil, errBroken
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errNotObject
	}
	var all []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errBroken
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, errBroken
		}
		all = append(all, m)
	}
	return all, nil
}

// compact puts members together again, without those that are null. The text
// is as encoding/json leaves it, so that storing it does not change it.
func compact(members []member) string {
	var b bytes.Buffer
	separator := byte('{')
	for _, m := range members {
		if m.null() {
			continue
		}
		name, _ := json.Marshal(m.name)
		b.WriteByte(separator)
		b.Write(name)
		b.WriteByte(':')
		_ = json.Compact(&b, m.value) // valid: a Decoder gave it
		separator = ','
	}
	if b.Len() == 0 {
		return ""
	}
	b.WriteByte('}')
	var safe bytes.Buffer
	json.HTMLEscape(&safe, b.Bytes())
	return safe.String()
}

// short shows a value that somebody sent, cut where it is long.
func short(value []byte) string {
	const most = 60
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		b.Reset()
		b.Write(value)
	}
	if b.Len() <= most {
		return b.String()
	}
	return strings.ToValidUTF8(b.String()[:most], "") + "…"
}
