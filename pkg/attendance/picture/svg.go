package picture

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// svg writes markup. Text goes in by text and title alone, which escape it.
type svg struct {
	w   io.Writer
	err error // the first one
}

func (s *svg) put(markup string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, markup)
	}
}

// putf writes markup in which the arguments are numbers and names of this package's own.
// A length is written as %.5g: to a tenth of a pixel.
func (s *svg) putf(format string, args ...any) { s.put(fmt.Sprintf(format, args...)) }

// text writes a text at that place, in the style of the class.
func (s *svg) text(x, y float64, class, text string) {
	s.putf(`<text x="%.5g" y="%.5g" class="%s">`, x, y, class)
	s.put(escape(text) + "</text>\n")
}

// title says what the element in which it stands is: a tip for a mouse.
func (s *svg) title(text string) { s.put("<title>" + escape(text) + "</title>") }

// rect is a rectangle with a title.
func (s *svg) rect(x, y, width, height float64, class, title string) {
	s.putf(`<rect x="%.5g" y="%.5g" width="%.5g" height="%.5g" class="%s">`, x, y, width, height, class)
	s.title(title)
	s.put("</rect>\n")
}

// escape makes text of any bytes safe in XML: characters that XML does not have become
// U+FFFD.
func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}

// Style is the style sheet of every picture, by which a Content-Security-Policy can name
// it.
const Style = `
text{font-family:system-ui,"Segoe UI","Noto Sans","Liberation Sans",Arial,sans-serif;font-size:13px;fill:#1b1f24}
.bg{fill:#fff}
.h1{font-size:20px;font-weight:600}
.muted{fill:#5b6470}
.small{font-size:11px}
.end-of-line{text-anchor:end}
.middle{text-anchor:middle}
.name{font-weight:600}
.nobody{font-weight:400;font-style:italic}
.grid{stroke:#e3e7ec;stroke-width:1}
.day{stroke:#8a94a0;stroke-width:1}
.rule{stroke:#eef1f4;stroke-width:1}
.in{fill:#2f6db5}
.observer{fill:#7d8794}
.bound{fill-opacity:.4;stroke:#2f6db5;stroke-width:1;stroke-dasharray:4 2}
.observer.bound{stroke:#7d8794}
.camera{fill:#2c9c69}
.screen{fill:#a259c4}
.loose{fill-opacity:.55}
.pause{fill:#f2c14e;fill-opacity:.32}
.line{stroke-width:1.5;fill:none}
.start{stroke:#1c8a4c}
.end{stroke:#1b1f24}
.now{stroke:#5b6470;stroke-dasharray:2 3}
.warning{stroke:#b26a00;stroke-dasharray:6 3}
.extend{stroke:#6a55c2;stroke-dasharray:6 3}
.of-start{fill:#17713f}
.of-now{fill:#5b6470}
.of-warning{fill:#945800}
.of-extend{fill:#5641b0}
.mark{stroke:#c62f2f;stroke-width:2;fill:none}
.halo{stroke:#fff;stroke-width:5}
@media (prefers-color-scheme:dark){
text{fill:#e6e9ed}
.bg{fill:#14171c}
.muted{fill:#a3adb8}
.grid{stroke:#2b313a}
.day{stroke:#77818d}
.rule{stroke:#20252c}
.in{fill:#6ca5e6}
.observer{fill:#9aa4b0}
.bound{stroke:#6ca5e6}
.observer.bound{stroke:#9aa4b0}
.camera{fill:#5cc797}
.screen{fill:#c98ee4}
.pause{fill:#f2c14e;fill-opacity:.25}
.start{stroke:#4cc27f}
.end{stroke:#e6e9ed}
.now{stroke:#a3adb8}
.warning{stroke:#e8a33d}
.extend{stroke:#a394f0}
.of-start{fill:#4cc27f}
.of-now{fill:#a3adb8}
.of-warning{fill:#e8a33d}
.of-extend{fill:#a394f0}
.mark{stroke:#ff7b72}
.halo{stroke:#14171c}
}
`
