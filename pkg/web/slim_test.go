package web

import (
	"io/fs"
	"regexp"
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

// No text in a style sheet has blanks that are left out.
func TestNoTextOfAStyleHasBlanksAtMarks(t *testing.T) {
	names, err := fs.Glob(files, "assets/*.css")
	if err != nil || len(names) == 0 {
		t.Fatalf("style sheets %v, %v", names, err)
	}
	for _, name := range names {
		source, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range regexp.MustCompile(`"[^"\n]*"|'[^'\n]*'|url\([^)]*\)`).FindAllString(string(source), -1) {
			if blanks.Replace(text) != text {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	const source = "@media (width: 1px) {\n  a :is(b, c) { color: red; top: 0; }\n}\n"
	if got := string(slimStyle([]byte(source))); got != "@media (width:1px){a :is(b,c){color:red;top:0}}" {
		t.Errorf("slimStyle gave %q", got)
	}
}
