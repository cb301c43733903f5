//go:build verify

package local

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/browsertest"
)

// desk is an operator at the console of a program.
type desk struct {
	browsertest.Tab
	r *running
}

const (
	said     = `document.getElementById("status").dataset.state`
	saidAs   = `document.getElementById("status").textContent`
	heading  = `document.querySelector("#view:not([hidden]) h2, #enter:not([hidden]) h2").textContent`
	asking   = `document.querySelector("dialog[open] h2")?.textContent ?? ""`
	refusal  = `[...document.querySelectorAll("dialog [aria-invalid]")].map((e) => e.name + ": " + document.getElementById(e.id + "-bad").textContent).join("; ")`
	peopleIn = `[...document.querySelectorAll(".people .who bdi")].map((e) => e.textContent).sort().join()`
)

// operate opens the console with a token.
func (r *running) operate(b browsertest.Browser, t *testing.T, token string) desk {
	tab := b.Visitor(t).Size(1280, 800)
	return desk{tab.Open(r.URL() + "/#token=" + token), r}
}

func (r *running) adminToken() string {
	return api.AdminToken(r.settings.APISecret, time.Now(), time.Hour)
}

// press clicks the button that reads, or is labelled, so; in the dialog where one is open.
func (d desk) press(name string) desk {
	d.T.Helper()
	const find = `(() => {
		const all = [...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, summary")];
		const one = all.find((b) => b.checkVisibility() && !b.disabled && [b.textContent, b.ariaLabel].includes(%s));
		one?.click();
		return String(!!one);
	})()`
	quoted, _ := json.Marshal(name)
	d.Want(fmt.Sprintf(find, quoted), "true")
	return d
}

// fill types into a field of the dialog.
func (d desk) fill(field, value string) desk {
	d.T.Helper()
	name, _ := json.Marshal(field)
	text, _ := json.Marshal(value)
	d.Eval(fmt.Sprintf(`(() => {
		const e = document.querySelector("dialog[open] [name=" + %s + "]");
		e.value = %s;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		return e.value;
	})()`, name, text))
	return d
}

// seen leaves a picture of the state, which axe finds nothing serious in.
func (d desk) seen(name string) desk {
	d.T.Helper()
	d.Axe().Picture("console-" + name)
	return d
}

func TestConsole(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	browser := browsertest.Start(t)
	r.admin("PUT", "/v1/rooms/algebra", `{"maxSeats":2,"lessonSeconds":3600}`)
	for _, name := range []string{"biology", "chemistry-7b", "drawing"} {
		r.admin("PUT", "/v1/rooms/"+name, `{"maxSeats":8}`)
	}
	session := r.connect("algebra", "alice")
	r.connect("algebra", "bob")
	r.seated("algebra", 2)
	_, _ = r.simulator.ConnectForeign(session, "mallory", "")
	r.until("mallory is out", func() bool { return len(r.simulator.Connected(session)) == 2 })
	r.call(api.Ticket(r.settings.APISecret, "algebra", "carol", "", time.Now(), time.Minute), "POST", "/v1/rooms/algebra/join", "")

	d := desk{browser.Visitor(t).Size(1280, 800).Open(r.URL() + "/"), r}
	d.Want(said, "idle")
	d.seen("signed-out")
	d.Eval(`document.getElementById("token").value = "bad"; document.querySelector("#enter button").click(); ""`)
	d.Want(said, "idle")
	d.seen("wrong-token")
	d.Open("about:blank").Open(r.URL() + "/#token=" + r.adminToken())
	d.Want(said, "listed")
	d.Want(`location.href`, r.URL()+"/")
	d.seen("rooms")
	d.press("algebra").Want(peopleIn, "alice,bob")
	d.Want(`String(document.querySelectorAll(".log li").length > 8)`, "true")
	d.seen("room-running")
	d.Size(320, 640).Picture("console-room-320")
	d.Size(1280, 800)
	d.press("+5 min").Want(asking, "Extend by 5 minutes?")
	d.seen("extend").press("+5 min")
	d.Want(saidAs, "algebra goes on for 5 minutes more.")
	d.press("Policy").Want(asking, "Policy of algebra")
	d.fill("maxSeats", "-3").press("Put the policy").Want(`String(`+refusal+`.startsWith("maxSeats: "))`, "true")
	d.seen("policy-refused").press("Cancel")
	d.press("Ban alice").Want(asking, "Ban a user")
	d.fill("note", "disturbs").seen("ban").press("Ban").Want(said, "done")
	d.press("Bans").Want(peopleIn, "alice,bob")
	d.seen("bans")
	d.press("Connect Vonage").Want(asking, "Connect Vonage")
	d.seen("help").press("Close")
	d.press("End").Want(asking, "End the lesson?")
	d.press("End").Want(said, "done")
	d.press("Lessons").Want(`String(document.querySelectorAll("details:last-of-type li").length)`, "1")
	d.seen("room-ended")
	d.Eval(`document.querySelector("details:last-of-type li button").click(); ""`)
	d.Want(`document.querySelector("#view h2").textContent`, "Attendance of algebra")
	d.Want(`String(document.querySelectorAll("#attendance tbody tr").length > 1)`, "true")
	d.seen("attendance")
}
