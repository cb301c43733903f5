package scenarios_test

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestSignals: docs/api.md gives of each signal of the clock the fields that the story
// of them hears, in their order.
func TestSignals(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	story, err := txtar.ParseFile("testdata/clock/signals.txtar")
	if err != nil {
		t.Fatal(err)
	}
	told := signalFields(regexp.MustCompile("(?m)^\\| `(usher-[a-z]+)` \\| `(.*?)`"), string(page))
	heard := signalFields(regexp.MustCompile(`(?m)^(usher-[a-z]+) (\{.*\})$`), string(story.Files[0].Data))
	for _, toOne := range []string{"usher-unpublish", "usher-refused"} {
		delete(told, toOne)
	}
	if !maps.Equal(told, heard) {
		t.Errorf("the page says %v, clients hear %v", told, heard)
	}
}

// signalFields are the names of the fields by the type of the signal.
func signalFields(signal *regexp.Regexp, text string) map[string]string {
	name := regexp.MustCompile(`"(\w+)"[:,}]`)
	of := map[string]string{}
	for _, found := range signal.FindAllStringSubmatch(text, -1) {
		var names []string
		for _, n := range name.FindAllStringSubmatch(found[2], -1) {
			names = append(names, n[1])
		}
		of[found[1]] = strings.Join(names, " ")
	}
	return of
}
