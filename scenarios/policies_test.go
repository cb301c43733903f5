package scenarios_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestPolicies: the policies that docs/policies.md gives to copy are those that their
// stories run.
func TestPolicies(t *testing.T) {
	page, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 3 {
		t.Errorf("there are %d policies to copy", len(blocks))
	}
	for _, b := range blocks {
		story, err := txtar.ParseFile(filepath.Join("testdata", "policies", b[1]+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		told := ""
		for _, f := range story.Files {
			if f.Name == b[1]+".json" {
				told = string(f.Data)
			}
		}
		if told != b[2] {
			t.Errorf("the page says %s, the story of it has %s", b[2], told)
		}
	}
}
