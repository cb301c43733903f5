package dynamo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// coder takes the fields of a value to an item or back: each function that
// lists fields says name and place once, for both directions. A zero
// value takes no attribute. The first attribute of another kind than expected is an
// error; reading goes on.
type coder struct {
	item    item
	writing bool
	known   []string // top-level names that were visited
	err     error
}

func writer() *coder { return &coder{item: item{}, writing: true} }

func reader(i item) *coder { return &coder{item: i} }

func (c *coder) wrong(name, want string) {
	if c.err == nil {
		c.err = fmt.Errorf("attribute %q is not %s", name, want)
	}
}

// text is a string.
func text[T ~string](c *coder, name string, v *T) {
	c.known = append(c.known, name)
	if c.writing {
		if *v != "" {
			c.item[name] = str(string(*v))
		}
		return
	}
	switch a := c.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		*v = T(a.Value)
	default:
		c.wrong(name, "a string")
	}
}

// num is a whole number.
func num[T ~int | ~int64](c *coder, name string, v *T) {
	if c.writing && *v == 0 {
		c.known = append(c.known, name)
		return
	}
	count(c, name, v)
}

// count is a whole number that is written also when it is 0, because
// expressions rest on it.
func count[T ~int | ~int64](c *coder, name string, v *T) {
	c.known = append(c.known, name)
	if c.writing {
		c.item[name] = number(int64(*v))
		return
	}
	switch a := c.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(a.Value, 10, strconv.IntSize)
		if err != nil {
			c.wrong(name, "a whole number")
		}
		*v = T(n)
	default:
		c.wrong(name, "a number")
	}
}

// flag is a boolean, left out while it is false.
func flag(c *coder, name string, v *bool) {
	c.known = append(c.known, name)
	if c.writing {
		if *v {
			c.item[name] = &types.AttributeValueMemberBOOL{Value: true}
		}
		return
	}
	switch a := c.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberBOOL:
		*v = a.Value
	default:
		c.wrong(name, "a boolean")
	}
}

// part is a map with its own fields.
func part(c *coder, name string, fields func(*coder)) {
	c.known = append(c.known, name)
	if c.writing {
		sub := writer()
		fields(sub)
		c.item[name] = &types.AttributeValueMemberM{Value: sub.item}
		return
	}
	switch a := c.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberM:
		c.within(a, name, fields)
	default:
		c.wrong(name, "a map")
	}
}

// within reads the fields of a value inside the item, called name in errors.
func (c *coder) within(a types.AttributeValue, name string, fields func(*coder)) {
	m, ok := a.(*types.AttributeValueMemberM)
	if !ok {
		c.wrong(name, "a map")
		return
	}
	sub := reader(m.Value)
	fields(sub)
	if sub.err != nil && c.err == nil {
		c.err = fmt.Errorf("%s: %w", name, sub.err)
	}
}

// table is a map from ids to values, written also when it is empty and never
// nil when it was read.
func table[V any](c *coder, name string, m *map[string]V, fields func(c *coder, id string, v *V)) {
	part(c, name, func(c *coder) {
		if c.writing {
			for id, v := range *m {
				part(c, id, func(c *coder) { fields(c, id, &v) })
			}
			return
		}
		*m = make(map[string]V, len(c.item))
		for id, a := range c.item {
			var v V
			c.within(a, id, func(c *coder) { fields(c, id, &v) })
			(*m)[id] = v
		}
	})
	if !c.writing && *m == nil {
		*m = map[string]V{}
	}
}

// counts is a map from ids to whole numbers, kept like a table.
func counts[T ~int | ~int64](c *coder, name string, m *map[string]T) {
	part(c, name, func(c *coder) {
		if c.writing {
			for id, v := range *m {
				count(c, id, &v)
			}
			return
		}
		*m = make(map[string]T, len(c.item))
		for id := range c.item {
			var v T
			count(c, id, &v)
			(*m)[id] = v
		}
	})
	if !c.writing && *m == nil {
		*m = map[string]T{}
	}
}

// rare is a map that most items do without: one that is empty takes no attribute.
func rare[V any](c *coder, name string, m *map[string]V, fields func(*coder, string, *map[string]V)) {
	if c.writing && len(*m) == 0 || !c.writing && c.item[name] == nil {
		c.known = append(c.known, name)
		return
	}
	fields(c, name, m)
}

// roleMark stands before a role that is a key of a map: a role may be empty, and a
// name in an item may not.
const roleMark = "r:"

// byRole is for a map whose keys are roles.
func byRole[V any](fields func(*coder, string, *map[string]V)) func(*coder, string, *map[string]V) {
	return func(c *coder, name string, m *map[string]V) {
		marked := make(map[string]V, len(*m))
		for role, v := range *m {
			marked[roleMark+role] = v
		}
		if fields(c, name, &marked); c.writing {
			return
		}
		*m = make(map[string]V, len(marked))
		for key, v := range marked {
			(*m)[strings.TrimPrefix(key, roleMark)] = v
		}
	}
}

// list is a list of maps, written also when it is empty.
func list[V any](c *coder, name string, vs *[]V, fields func(*coder, *V)) {
	c.known = append(c.known, name)
	if c.writing {
		c.item[name] = listValue(*vs, fields)
		return
	}
	switch a := c.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberL:
		*vs = slices.Grow(*vs, len(a.Value))
		for _, e := range a.Value {
			var v V
			c.within(e, name, func(c *coder) { fields(c, &v) })
			*vs = append(*vs, v)
		}
	default:
		c.wrong(name, "a list")
	}
}

func listValue[V any](vs []V, fields func(*coder, *V)) types.AttributeValue {
	out := make([]types.AttributeValue, len(vs))
	for i := range vs {
		sub := writer()
		fields(sub, &vs[i])
		out[i] = &types.AttributeValueMemberM{Value: sub.item}
	}
	return &types.AttributeValueMemberL{Value: out}
}

// value writes the fields of v as a map.
func value[V any](v V, fields func(*coder, *V)) types.AttributeValue {
	sub := writer()
	fields(sub, &v)
	return &types.AttributeValueMemberM{Value: sub.item}
}
