package web

import (
	"strings"
	"testing"
)

// What is served has no line that was left out of a text.
func TestNoTextGoesOverALineEnd(t *testing.T) {
	for _, name := range scripts(t, "*") {
		source, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(source), "\n") {
			if strings.Count(line, "`")%2 != 0 || strings.HasSuffix(line, `\`) {
				t.Errorf("%s:%d: %s", name, i+1, line)
			}
		}
	}
	if got := string(slim([]byte("a {\n  b: \"//\"\n\n\t// c\n}"))); got != "a {\nb: \"//\"\n}" {
		t.Errorf("slim gave %q", got)
	}
}
