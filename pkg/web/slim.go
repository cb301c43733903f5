package web

import "strings"

// slim gives a script or style sheet without what only its authors read: blank
// lines, indents, and lines that are a comment. No text in one goes over a line
// end (a test holds that), so the meaning stays, and so do the lines' ends.
func slim(source []byte) []byte {
	var out strings.Builder
	for line := range strings.Lines(string(source)) {
		if line = strings.TrimLeft(line, " \t"); line != "\n" && !strings.HasPrefix(line, "//") {
			out.WriteString(line)
		}
	}
	return []byte(out.String())
}

// slimStyle gives a style sheet also without the blanks and line ends around its marks,
// which no text in one has (a test holds that).
func slimStyle(source []byte) []byte {
	return []byte(blanks.Replace(string(slim(source))))
}

var blanks = strings.NewReplacer("; }\n", "}", "}\n", "}", "; }", "}", " {\n", "{", " { ", "{", " {", "{", ": ", ":", ", ", ",", "; ", ";")
