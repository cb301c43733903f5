package dynamo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/room"
)

// update is an update expression with its condition. Every attribute goes by a
// placeholder, so that no name can be a reserved word.
type update struct {
	sets, removes, conditions []string
	names                     map[string]string
	values                    item
	keys                      map[string]string
}

func newUpdate() *update {
	return &update{names: map[string]string{}, values: item{}, keys: map[string]string{}}
}

// attr names a top-level attribute.
func (u *update) attr(name string) string {
	u.names["#"+name] = name
	return "#" + name
}

// entry names what a map attribute holds under id.
func (u *update) entry(name, id string) string {
	k, ok := u.keys[id]
	if !ok {
		k = fmt.Sprintf("#k%d", len(u.keys))
		u.keys[id], u.names[k] = k, id
	}
	return u.attr(name) + "." + k
}

// value names a value; numbers that are the same have one name.
func (u *update) value(v types.AttributeValue) string {
	name := fmt.Sprintf(":v%d", len(u.values))
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		name = ":n" + strings.ReplaceAll(n.Value, "-", "_")
	}
	u.values[name] = v
	return name
}

func (u *update) number(n int64) string { return u.value(number(n)) }

func (u *update) set(path, expression string) {
	u.sets = append(u.sets, path+" = "+expression)
}

func (u *update) put(name string, v types.AttributeValue) { u.set(u.attr(name), u.value(v)) }

// plus moves a number that is always there.
func (u *update) plus(name string, n int64) {
	switch {
	case n < 0:
		u.set(u.attr(name), u.attr(name)+" - "+u.number(-n))
	case n > 0:
		u.set(u.attr(name), u.attr(name)+" + "+u.number(n))
	}
}

func (u *update) remove(path string) { u.removes = append(u.removes, path) }

func (u *update) when(format string, args ...any) {
	u.conditions = append(u.conditions, fmt.Sprintf(format, args...))
}

// all puts every attribute of i and removes those of known that i lacks.
func (u *update) all(i item, known []string) {
	for _, name := range slices.Sorted(maps.Keys(i)) {
		u.put(name, i[name])
	}
	slices.Sort(known)
	for _, name := range slices.Compact(known) {
		if _, ok := i[name]; !ok {
			u.remove(u.attr(name))
		}
	}
}

// known asks that no newer release wrote the item.
func (u *update) known() {
	u.when("(attribute_not_exists(%s) OR %s <= %s)", u.attr("schema"), u.attr("schema"), u.number(room.SchemaRead))
}

// schema is known, and says that this release wrote the item.
func (u *update) schema() {
	u.known()
	u.put("schema", number(room.SchemaWritten))
}

func (u *update) expression() *string {
	var parts []string
	if len(u.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(u.sets, ", "))
	}
	if len(u.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(u.removes, ", "))
	}
	e := strings.Join(parts, " ")
	return &e
}

// DynamoDB takes expressions of at most 4 KB and about 300 operands.
const (
	maxText     = 4096
	maxOperands = 200
)

// large reports whether DynamoDB may find the expression too long.
func (u *update) large() bool {
	return len(*u.expression()) > maxText || len(u.removes)+2*len(u.sets) > maxOperands
}

func (u *update) condition() *string {
	c := strings.Join(u.conditions, " AND ")
	return &c
}
