//go:build verify

package local

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/browsertest"
)

// ownPage serves examples/own-page as somebody else's site, for the Usher at that address.
func ownPage(t *testing.T, usher *string) (origin string) {
	t.Helper()
	page, err := os.ReadFile("../../examples/own-page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(strings.ReplaceAll(string(page), "http://127.0.0.1:5000", *usher)))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestOwnPage: a page of another origin asks by preflight, joins and connects, where its
// origin may; it says why somebody is refused, and lets people in when there is room.
func TestOwnPage(t *testing.T) {
	var url string
	origin, stranger := ownPage(t, &url), ownPage(t, &url)
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "USHER_ORIGINS", origin))
	url = r.URL()
	if status, answer := r.admin("PUT", "/v1/rooms/algebra", `{"maxSeats":2,"lessonSeconds":3600}`); status != 201 {
		t.Fatalf("%d %v", status, answer)
	}
	browser := browsertest.Start(t)
	visit := func(origin, user string) browsertest.Tab {
		ticket := api.Ticket(r.settings.APISecret, "algebra", user, "", time.Now(), time.Minute)
		return browser.Visitor(t).Open(origin + "/#" + ticket)
	}
	visit(stranger, "mallory").Want(pageText, "Usher cannot be reached, or does not let this page's origin call it (USHER_ORIGINS).")

	alice, bob := visit(origin, "alice"), visit(origin, "bob")
	alice.Want(pageState, "connected")
	bob.Want(pageState, "connected")
	alice.Want(`location.href`, origin+"/")
	alice.Want(`String(document.getElementById("others").children.length)`, "1")
	alice.Want(`String(/^(60:00|59:\d\d) left$/.test(document.getElementById("left").textContent))`, "true")
	r.seated("algebra", 2)

	carol := visit(origin, "carol")
	carol.Want(pageState, "room-full")
	carol.Want(pageText, "All seats of the room are taken.")
	bob.Close()
	carol.Want(pageState, "connected")

	if status, answer := r.admin("POST", "/v1/rooms/algebra/end", ""); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	alice.Want(pageText, "The lesson is over.")
	visit(origin, "dave").Want(pageState, "lesson-over")
}
