//go:build verify

package local

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher/pkg/browsertest"
	"usher/pkg/room"
	"usher/pkg/vonage"
)

// browse starts a browser; each address is opened by another visitor.
func browse(t *testing.T) (open func(url string) browsertest.Tab) {
	t.Helper()
	browser := browsertest.Start(t)
	return func(url string) browsertest.Tab { return browser.Visitor(t).Open(url) }
}

const (
	pageState  = `document.getElementById("status").dataset.state`
	pageText   = `document.getElementById("status").textContent`
	pageSaid   = `document.getElementById("said").textContent`
	pageTitle  = `document.querySelector("h1").textContent`
	pageStatus = `String(performance.getEntriesByType("navigation")[0].responseStatus)`
	othersSeen = `String(document.querySelectorAll("#people > :not(.me, .wide)").length)`
)

// tutorial starts the program with the tutorial's rooms, the timed one shorter.
func tutorial(t *testing.T) *running {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rooms.json")
	rooms := `{"rooms":{"one-to-one":{"maxSeats":2,"demo":true},"limited-time-room":{"lessonSeconds":3,"demo":true}}}`
	if err := os.WriteFile(file, []byte(rooms), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "USHER_ROOMS", file))
}

func (r *running) seated(name string, n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d seats are taken in %s", n, name), func() bool { return r.field(name, "seats") == float64(n) })
}

// TestThreeTabs: two are in, the third is told that the room is full, and gets
// in by itself when one of them leaves.
func TestThreeTabs(t *testing.T) {
	r, open := tutorial(t), browse(t)
	first, second := open(r.URL()+"/room/one-to-one"), open(r.URL()+"/room/one-to-one")
	for _, b := range []browsertest.Tab{first, second} {
		b.Want(pageState, "connected")
		b.Want(othersSeen, "1")
	}
	r.seated("one-to-one", 2)

	third := open(r.URL() + "/room/one-to-one")
	third.Want(pageState, "room-full")
	third.Want(pageStatus, "409")
	third.Want(pageTitle, "The room is full")
	third.Want(pageText, "All seats are taken. This page tries again by itself.")

	second.Close()
	third.Want(pageState, "connected")
	third.Want(othersSeen, "1")
	first.Want(pageState, "connected")
	r.seated("one-to-one", 2)
}

// TestForeignTab: a third tab with a token made past the doorkeeper gets in at
// the platform and is shown out by the doorkeeper; so is a client that never
// had a token.
func TestForeignTab(t *testing.T) {
	r, open := tutorial(t), browse(t)
	first, second := open(r.URL()+"/room/one-to-one"), open(r.URL()+"/room/one-to-one")
	first.Want(pageState, "connected")
	second.Want(pageState, "connected")
	r.seated("one-to-one", 2)
	session := r.field("one-to-one", "sessionId").(string)

	open(r.foreignPage(session)).Want(`window.said || ""`, "forceDisconnected")
	c, err := r.simulator.ConnectForeign(session, "mallory", "")
	if err != nil {
		t.Fatal(err)
	}
	r.until("the foreign client is out", func() bool {
		for _, in := range r.simulator.Connected(session) {
			if in.ID == c.ID {
				return false
			}
		}
		return true
	})
	first.Want(pageState, "connected")
	second.Want(pageState, "connected")
	if n := len(r.simulator.Connected(session)); n != 2 {
		t.Errorf("%d are in", n)
	}
}

// foreignPage serves a page that connects with a token that the doorkeeper did
// not make, and keeps in window.said why it was disconnected.
func (r *running) foreignPage(session string) (url string) {
	r.t.Helper()
	maker, err := vonage.NewClient(vonage.Options{Account: r.account(), BaseURL: r.URL() + simulatorPath})
	if err != nil {
		r.t.Fatal(err)
	}
	made, err := maker.Credentials(room.Pass{Session: session, Data: "mallory", Now: now(), Expires: now().Add(time.Minute)})
	if err != nil {
		r.t.Fatal(err)
	}
	page := fmt.Sprintf(`<!doctype html><script src="%s%s/opentok.js"></script><script>
		const session = OT.initSession(%q, %q);
		session.on("sessionDisconnected", (event) => { window.said = event.reason; });
		session.connect(%q, (error) => { if (error) window.said = error.message; });
	</script>`, r.URL(), simulatorPath, made.APIKey, session, made.Token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	}))
	r.t.Cleanup(server.Close)
	return server.URL
}

// TestTimedTabs: both see in words that the time is up, and are out; who comes
// right after is told that the lesson is over, and may come to the next one.
func TestTimedTabs(t *testing.T) {
	r, open := tutorial(t), browse(t)
	url := r.URL() + "/room/limited-time-room"
	first := open(url)
	begins := time.Now() // or later
	second := open(url)
	first.Want(pageState, "ended")
	second.Want(pageState, "ended")
	for _, b := range []browsertest.Tab{first, second} {
		b.Want(`String(`+pageText+`.startsWith("The lesson is overIts time is up. You were in for "))`, "true")
	}
	session := r.field("limited-time-room", "sessionId").(string)
	r.until("everybody is out", func() bool { return len(r.simulator.Connected(session)) == 0 })
	if outcome := r.field("limited-time-room", "outcome"); outcome != "completed" {
		t.Errorf("the outcome is %v", outcome)
	}

	late := open(url)
	if time.Since(begins) < 13*time.Second { // a lesson of 3 s, and 10 s after it the room opens again
		late.Want(pageStatus, "410")
		late.Want(pageTitle, "The lesson is over")
	}
	r.until("the room may open again", func() bool {
		status, _ := r.page("/room/limited-time-room")
		return status == http.StatusOK
	})
	if next := r.field("limited-time-room", "sessionId"); next == session {
		t.Error("the next lesson is in the old session")
	}
}
