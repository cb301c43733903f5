package dynamo

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/room/storetest"
)

var placeholder = regexp.MustCompile(`[#:][A-Za-z0-9_]+`)

// TestExpressionsUseWhatTheyName: DynamoDB refuses names and values that are
// not used, names that are not given, and bare words that are reserved.
func TestExpressionsUseWhatTheyName(t *testing.T) {
	s := New(&stub{}, "t")
	rapid.Check(t, func(t *rapid.T) {
		l := storetest.Lesson(t)
		for name, u := range map[string]*update{
			"add":  s.addition(storetest.ArrivalFor(t, l, 1)),
			"swap": s.swapped(l),
			"shed": s.removal(l, storetest.ShedOf(t, l)),
		} {
			text := *u.expression() + " " + *u.condition()
			used := placeholder.FindAllString(text, -1)
			slices.Sort(used)
			given := slices.Concat(slices.Collect(maps.Keys(u.names)), slices.Collect(maps.Keys(u.values)))
			slices.Sort(given)
			if used = slices.Compact(used); !slices.Equal(used, given) {
				t.Fatalf("%s uses\n%v and is given\n%v", name, used, given)
			}
			if bare := bareWords(text); len(bare) > 0 {
				t.Fatalf("%s has the bare words %v", name, bare)
			}
			if u.large() {
				t.Fatalf("%s is large: %d bytes", name, len(text))
			}
		}
	})
}

var word = regexp.MustCompile(`[A-Za-z_]+`)

func bareWords(text string) []string {
	words := word.FindAllString(placeholder.ReplaceAllString(text, ""), -1)
	return slices.DeleteFunc(words, func(w string) bool {
		return slices.Contains([]string{
			"SET", "REMOVE", "AND", "OR", "attribute_not_exists", "if_not_exists", "list_append", "size",
		}, w)
	})
}
