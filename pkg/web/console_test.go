package web

import (
	"io/fs"
	"testing"
)

// All that the console ever loads.
func TestWeightOfTheConsole(t *testing.T) {
	parts, err := fs.Glob(files, "assets/console*")
	if err != nil || len(parts) < 3 {
		t.Fatalf("the parts are %v, %v", parts, err)
	}
	h, weight := newSite(&stub{}, true), 0
	for _, path := range append(parts, "", "assets/texts-console.js") {
		weight += get(h, "GET", "/"+path).Body.Len()
	}
	t.Logf("%d bytes", weight)
	if weight > 60_000 {
		t.Errorf("the console weighs %d bytes, want at most 60,000", weight)
	}
}
