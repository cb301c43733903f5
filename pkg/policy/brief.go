package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"usher/pkg/object"
)

// longestKept bounds a policy's text as it is kept, in bytes: it stands in one item
// of DynamoDB, of at most 400 KB, beside everything else there. The text is safe
// within HTML, so <, > and & take six bytes each.
const longestKept = 80_000

// tooLong is the fault of a policy whose text is over longestKept: that of its
// longest field.
func tooLong(members []object.Member, kept string) fault {
	longest, most := members[0], 0
	for _, m := range members {
		if n := len(safe(m.Value)); n > most {
			longest, most = m, n
		}
	}
	return fault{[]string{longest.Name}, fmt.Sprintf(
		"%s is too long: it takes %d of the policy's %d bytes, and a policy may have %d, in which <, > and & count as 6 bytes each; make it shorter",
		longest.Name, most, len(kept), longestKept)}
}

// longestBrief is the longest value that Brief shows, in bytes.
const longestBrief = 3_000

// Brief is the policy's JSON for a line of the log: a value that takes more than
// 3,000 bytes is a text in its place, which tells its number of members, its length
// and its SHA-256, both of the value as String has it. Read by Stored it gives the
// same Rules; what else such a value says is lost.
func (p Policy) Brief() string {
	if len(p.raw) <= longestBrief {
		return p.String()
	}
	members, err := object.Members([]byte(p.raw))
	if err != nil {
		panic(err) // raw was put together from members
	}
	for i, m := range members {
		if len(m.Value) > longestBrief {
			members[i].Value = digest(m.Value)
		}
	}
	return compact(members)
}

// digest tells of a value what can be said in a few words, as a JSON text.
func digest(value json.RawMessage) json.RawMessage {
	said := fmt.Sprintf("%d bytes, SHA-256 %x", len(value), sha256.Sum256(value))
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		said = fmt.Sprintf("%d entries, %s", len(list), said)
	} else if members, err := object.Members(value); err == nil {
		said = fmt.Sprintf("%d names, %s", len(members), said)
	}
	return json.RawMessage(`"` + said + `"`)
}

// safe is a value without blanks, as encoding/json leaves it, so that storing it
// does not change it.
func safe(value json.RawMessage) []byte {
	var plain, safe bytes.Buffer
	_ = json.Compact(&plain, value) // valid, as every Member's
	json.HTMLEscape(&safe, plain.Bytes())
	return safe.Bytes()
}
