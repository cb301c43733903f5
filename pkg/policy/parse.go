package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"usher/pkg/object"
	"usher/pkg/problem"
)

// Parse reads a policy as its owner puts it. An error comes back as a
// *problem.Details: BadJSON where raw is not one JSON object, InvalidField with
// every wrong field, or with the longest one of a policy that is over 80,000 bytes
// as it is kept, or NotSupported with every field that is right but asks for
// something that is not enforced. A member that is null is absent.
func Parse(raw []byte) (Policy, error) {
	members, err := object.Members(raw)
	if err != nil {
		return Policy{}, badJSON(err)
	}
	return judge(members, read(members))
}

// ParsePut reads the body that puts a room: a policy, and beside its fields an
// optional sessionId of 1 to 255 characters, the session to adopt. It refuses like
// Parse.
func ParsePut(raw []byte) (p Policy, adopt string, err error) {
	members, err := object.Members(raw)
	if err != nil {
		return Policy{}, "", badJSON(err)
	}
	var wrong []fault
	at := slices.IndexFunc(members, func(m object.Member) bool { return m.Name == "sessionId" })
	if at >= 0 {
		m := members[at]
		value, ok := session.read(m.Value)
		if !ok && !m.Null() {
			wrong = append(wrong, valueFault(m, session.must))
		}
		adopt = value
		members = slices.Delete(members, at, at+1)
	}
	r := read(members)
	r.faults = append(wrong, r.faults...)
	if p, err = judge(members, r); err != nil {
		return Policy{}, "", err
	}
	return p, adopt, nil
}

// Stored reads a policy that was accepted once, perhaps by a newer version:
// a field it does not understand is kept and has no effect. A text that is not a
// JSON object is the zero Policy.
func Stored(raw string) Policy {
	if raw == "" || raw == "{}" {
		return Policy{}
	}
	members, err := object.Members([]byte(raw))
	if err != nil {
		return Policy{}
	}
	return Policy{raw: compact(members), fields: read(members).fields}
}

// reading is the fields of a policy that could be read, and the faults of the
// others.
type reading struct {
	fields fields
	unread []string // fields whose value was wrong
	faults []fault
}

// fault is something wrong with one field, or with several together.
type fault struct {
	fields []string
	say    string
}

func read(members []object.Member) *reading {
	r := &reading{}
	for _, m := range members {
		field, known := table[m.Name]
		switch {
		case m.Again:
			r.faults = append(r.faults, nameFault(m, "stands there twice"))
		case !known:
			r.faults = append(r.faults, nameFault(m, "is not a field of a policy"))
		case !m.Null() && !field.read(&r.fields, m.Value):
			r.unread = append(r.unread, m.Name)
			r.faults = append(r.faults, valueFault(m, field.must))
		}
	}
	return r
}

func nameFault(m object.Member, say string) fault {
	name := m.Readable()
	return fault{[]string{name}, name + " " + say}
}

func valueFault(m object.Member, must string) fault {
	return nameFault(m, must+", not "+short(m.Value))
}

// judge judges the fields together.
func judge(members []object.Member, r *reading) (Policy, error) {
	r.check()
	if len(r.faults) > 0 {
		return Policy{}, refusal(problem.InvalidField, r.faults)
	}
	for _, m := range members {
		if !m.Null() && !table[m.Name].enforced(&r.fields) {
			r.faults = append(r.faults, fault{[]string{m.Name}, m.Name + ": " + short(m.Value) + " is not supported"})
		}
	}
	if len(r.faults) > 0 {
		return Policy{}, refusal(problem.NotSupported, r.faults)
	}
	kept := compact(members)
	if len(kept) > longestKept {
		return Policy{}, refusal(problem.InvalidField, []fault{tooLong(members, kept)})
	}
	return Policy{raw: kept, fields: r.fields}, nil
}

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

// compact puts the members that are not null together again. The text
// is as encoding/json leaves it, so that storing it does not change it.
func compact(members []object.Member) string {
	var b bytes.Buffer
	separator := byte('{')
	for _, m := range members {
		if m.Null() {
			continue
		}
		name, _ := json.Marshal(m.Name)
		b.WriteByte(separator)
		b.Write(name)
		b.WriteByte(':')
		b.Write(safe(m.Value))
		separator = ','
	}
	if b.Len() == 0 {
		return ""
	}
	b.WriteByte('}')
	return b.String()
}

// short shows a value as it was sent, cut where it is long.
func short(value json.RawMessage) string {
	const most = 60
	var b bytes.Buffer
	_ = json.Compact(&b, value) // valid, as every Member's
	if b.Len() <= most {
		return b.String()
	}
	return strings.ToValidUTF8(b.String()[:most], "") + "…"
}
