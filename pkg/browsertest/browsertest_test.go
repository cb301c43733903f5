//go:build verify

package browsertest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

const shop = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<main><h1>Shop</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="><button id="buy">Buy</button></main>`

// Axe finds what somebody with a screen reader would miss, under a policy as
// strict as the pages' own; and the tab does what it is told.
func TestTab(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:")
		_, _ = w.Write([]byte(shop))
	}))
	t.Cleanup(server.Close)
	b := Start(t).Visitor(t)
	b.Before(`window.early = "yes"`).Size(320, 500).Prefers("prefers-color-scheme", "dark").Open(server.URL)
	found := b.violations()
	if !slices.ContainsFunc(found, func(v violation) bool { return v.ID == "image-alt" && v.Impact == "critical" }) {
		t.Errorf("axe found %v", found)
	}
	b.Want(`early`, "yes")
	b.Want(`String(innerWidth)`, "320")
	b.Want(`String(matchMedia("(prefers-color-scheme: dark)").matches)`, "true")
	b.Eval(`document.getElementById("buy").onclick = () => { document.title = "Bought"; }; ""`)
	b.Keys("\t\r").Want(`document.title`, "Bought")
}
