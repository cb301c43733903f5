package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"sync"

	"usher/pkg/room"
)

//go:embed assets templates
var files embed.FS

// pages are parsed at the first page, so a cold start that serves none pays
// nothing for them.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "templates/*.html"))
})

// page is what the templates show.
type page struct {
	Title     string
	Room      string
	ScriptURL string
	// Mode of the room's page: demo (it carries Credentials), ticket (the
	// fragment does), or later (it was only prefetched and asks again when it
	// is looked at).
	Mode        string
	Credentials *room.Credentials

	State string // of a notice, as the room's page has it
	Text  string
	Retry int  // seconds after which a notice asks again by itself; 0: never
	Again bool // there is a point in trying again
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
}

// asset serves a file that does not change while the program runs.
func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	body, err := files.ReadFile("assets/" + name)
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
