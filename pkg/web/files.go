package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/pkg/api"
	"usher/pkg/epoch"
)

//go:embed assets templates texts
var files embed.FS

// page is what a template shows: what stands there in double braces. Every value
// becomes text, wherever it stands, and is not looked at again.
type page struct {
	Title     string
	Room      string
	ScriptURL string
	// Mode of the room's page: demo (it carries Credentials), ticket (the
	// fragment does), or later (it was only prefetched and asks again when it
	// is looked at).
	Mode        string
	Credentials *api.Admission

	State string // that the page begins in
	Text  string
	Time  epoch.Instant // what {time} in the text stands for
	Retry int           // seconds after which a notice asks again by itself; 0: never
	Again bool          // there is a point in trying again
}

// fill gives the page as the named template shows it.
func (p page) fill(name string) (string, error) {
	body, err := files.ReadFile("templates/" + name + ".html")
	if err != nil {
		return "", err
	}
	head, err := files.ReadFile("templates/parts.html")
	if err != nil {
		return "", err
	}
	texts, err := textsOf(name)
	if err != nil {
		return "", err
	}
	var values []string
	for key, text := range texts {
		values = append(values, "{{text."+key+"}}", html.EscapeString(text))
	}
	values = append(values,
		"{{title}}", html.EscapeString(p.Title), "{{room}}", html.EscapeString(p.Room),
		"{{script}}", html.EscapeString(p.ScriptURL), "{{mode}}", html.EscapeString(p.Mode),
		"{{state}}", html.EscapeString(p.State), "{{text}}", p.text(), "{{retry}}", strconv.Itoa(p.Retry),
		"{{refresh}}", "", "{{again}}", "", "{{credentials}}", "",
	)
	for name, part := range p.parts(texts) {
		values[slices.Index(values, name)+1] = part
	}
	text := strings.Replace(string(body), "{{head}}", string(head), 1)
	return strings.NewReplacer(values...).Replace(text), nil
}

// text is the page's, with its time for every reader: a script puts that into the
// reader's own zone.
func (p page) text() string {
	text := html.EscapeString(p.Text)
	if p.Time == 0 {
		return text
	}
	at := p.Time.Std()
	shown := fmt.Sprintf(`<time datetime="%s">%s</time>`, at.Format(time.RFC3339), at.Format("2006-01-02 15:04 MST"))
	return strings.ReplaceAll(text, "{time}", shown)
}

// parts are those that not every page has. A page without scripts is loaded again
// as a whole; with them, its script looks first. JSON from encoding/json has no
// character that could end its script.
func (p page) parts(texts map[string]string) map[string]string {
	parts := map[string]string{}
	if p.Retry > 0 {
		parts["{{refresh}}"] = fmt.Sprintf("<noscript><meta http-equiv=\"refresh\" content=\"%d\"></noscript>\n", p.Retry)
	}
	if p.Again {
		parts["{{again}}"] = fmt.Sprintf("<p><a id=\"again\" class=\"button main\" href=\"\">%s</a></p>\n", html.EscapeString(texts["again"]))
	}
	if p.Credentials != nil {
		data, _ := json.Marshal(p.Credentials) // a struct of texts always marshals
		parts["{{credentials}}"] = `<script type="application/json" id="credentials">` + string(data) + "</script>\n"
	}
	return parts
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
}

// asset serves a file that does not change while the program runs.
func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	body, err := assetOf(name)
	if err != nil {
		s.refuse(w, r, nowhere)
		return
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", kinds[path.Ext(name)])
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
