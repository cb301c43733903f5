//go:build verify

package local

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/browsertest"
	"usher/pkg/vonage/vonagetest"
)

// desk is an operator at the console.
type desk struct{ browsertest.Tab }

const (
	said     = `document.getElementById("status").dataset.state`
	saidAs   = `document.getElementById("status").textContent`
	heading  = `document.querySelector("#view:not([hidden]) h2, #enter:not([hidden]) h2").textContent`
	badge    = `document.querySelector("#view .chip").textContent`
	asking   = `document.querySelector("dialog[open] h2")?.textContent ?? ""`
	refusal  = `[...document.querySelectorAll("dialog [aria-invalid]")].map((e) => e.name + ": " + document.getElementById(e.id + "-bad").textContent).join("; ")`
	whoIsIn  = `[...document.querySelectorAll("[aria-labelledby=head-people] .who")].map((e) => e.textContent).sort().join("; ")`
	logSays  = `[...document.querySelectorAll(".log li div")].map((e) => e.textContent).reverse().join("; ")`
	listed   = `[...document.querySelectorAll("#rooms tbody th")].map((e) => e.textContent).join()`
	focused  = `document.activeElement.textContent`
	unfolded = `[...document.querySelectorAll("details[open] .who, details[open] .name")].map((e) => e.textContent).join("; ")`
	attended = `[...document.querySelectorAll("#attendance tbody tr")].map((e) => e.cells[0].textContent + " " + e.cells[6].textContent).join("; ")`
	timeLeft = `document.querySelector("[role=timer]").textContent`
)

// operate opens the console, for somebody whose clock is wrong, with a token in the
// fragment unless it is empty.
func operate(t *testing.T, b browsertest.Browser, url, token string) desk {
	if token != "" {
		token = "#token=" + token
	}
	return desk{b.Visitor(t).Size(1280, 800).Before(wrongClock).Open(url + "/" + token)}
}

// wrongClock puts the visitor's clock a day ahead.
const wrongClock = `Date.now = ((now) => () => now() + 86_400_000)(Date.now)`

func (r *running) adminToken() string {
	return api.AdminToken(r.settings.APISecret, time.Now(), time.Hour)
}

// press clicks what reads, or is labelled, so; in the dialog where one is open.
func (d desk) press(name string) desk {
	d.T.Helper()
	d.Want(fmt.Sprintf(`(() => {
		const all = [...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, summary")];
		const one = all.find((b) => b.checkVisibility() && !b.disabled && [b.textContent, b.ariaLabel].includes(%q));
		one?.click();
		return String(!!one);
	})()`, name), "true")
	return d
}

// fill writes into a field of the dialog.
func (d desk) fill(field, value string) desk {
	d.T.Helper()
	d.Eval(fmt.Sprintf(`document.querySelector("dialog[open] [name=" + %q + "]").value = %q`, field, value))
	return d
}

func (d desk) wantPart(expression, part string) {
	d.T.Helper()
	d.Want(fmt.Sprintf(`String((%s).includes(%q))`, expression, part), "true")
}

// seen leaves a picture of the state, in which axe finds nothing serious.
func (d desk) seen(name string) desk {
	d.T.Helper()
	d.Axe().Picture("console-" + name)
	return d
}

// seenNarrow leaves two more: on a phone, and in the dark with a zoom of 200 %.
// Nothing may stick out.
func (d desk) seenNarrow(name string) desk {
	d.T.Helper()
	const width = `String(document.documentElement.scrollWidth <= innerWidth)`
	d.Size(320, 640).Want(width, "true")
	d.seen(name + "-320")
	d.Prefers("prefers-color-scheme", "dark").Size(640, 400).Want(width, "true")
	d.seen(name + "-dark")
	d.Prefers().Size(1280, 800)
	return d
}

// TestConsole is an operator's day: from a wrong token to the attendance of a lesson that
// was ended.
func TestConsole(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	browser := browsertest.Start(t)
	for _, name := range []string{"algebra", "biology", "chemistry"} {
		r.admin("PUT", "/v1/rooms/"+name, `{"maxSeats":2,"lessonSeconds":3600}`)
	}
	session := r.connect("algebra", "alice")
	r.connect("algebra", "bob")
	r.seated("algebra", 2)
	if _, err := r.simulator.ConnectForeign(session, "mallory", ""); err != nil {
		t.Fatal(err)
	}
	r.until("mallory is out", func() bool { return len(r.simulator.Connected(session)) == 2 })
	r.call(api.Ticket(r.settings.APISecret, "algebra", "carol", "", time.Now(), time.Minute), "POST", "/v1/rooms/algebra/join", "")

	d := operate(t, browser, r.URL(), "")
	d.Want(said, "idle")
	d.seen("signed-out").seenNarrow("signed-out")
	d.Eval(`document.getElementById("token").focus(); ""`)
	d.Keys("wrong\r").Want(said, "refused")
	d.wantPart(saidAs, "the token is not good")
	d.seen("wrong-token")
	d.press("Connect Vonage").Want(`document.getElementById("callback").value`, r.URL()+"/session-monitoring")
	d.seen("help").seenNarrow("help").press("Close")
	d.Eval(fmt.Sprintf(`document.getElementById("token").value = %q`, r.adminToken()))
	d.press("Sign in").Want(listed, "algebra,biology,chemistry,limited-time-room,one-to-one")
	d.Want(`document.getElementById("token").value`, "")
	d.seen("rooms").seenNarrow("rooms")

	d.Eval(`document.getElementById("search").focus(); ""`)
	d.Keys("OLOG").Want(listed, "biology")
	d.seen("search")
	d.Eval(`(() => { const e = document.getElementById("search"); e.value = "none"; e.dispatchEvent(new Event("input")); return ""; })()`)
	d.Want(`document.getElementById("foot").textContent`, "No room matches.")
	d.seen("nothing-found")
	d.Eval(`(() => { const e = document.getElementById("search"); e.value = ""; e.dispatchEvent(new Event("input")); return ""; })()`)
	d.press("running 1").Want(listed, "algebra")
	d.seen("filter")

	// With the keyboard alone: into the room, and back by the browser's own button.
	d.Eval(`document.getElementById("search").focus(); ""`)
	d.Keys("\t\t\t\t\t\t\t").Want(focused, "algebra")
	d.Keys("\r").Want(focused, "algebra")
	d.Want(whoIsIn, "alice seated; bob seated")
	d.Want(`location.href`, r.URL()+"/")
	d.wantPart(logSays, "mallory was refused: the token was not one of Usher’s")
	d.wantPart(logSays, "mallory is out")
	d.wantPart(logSays, "carol was refused: the room was fullThe seats were held by")
	d.seen("room-running").seenNarrow("room-running")
	d.Eval(`history.back(); ""`)
	d.Want(listed, "algebra")
	d.Want(focused, "algebra")
	d.press("algebra").Want(whoIsIn, "alice seated; bob seated")

	d.Eval(`document.querySelector("[aria-label='Extend by 5 minutes']").focus(); ""`)
	d.Keys("\r").Want(asking, "Extend by 5 minutes?")
	d.seen("extend").Keys("\u001b").Want(asking, "")
	d.Want(focused, "+5 min")
	// One dialog is opened in the moment in which another is closed.
	d.press("Extend by 5 minutes").Eval(`document.getElementById("ask").close(); document.querySelector("[aria-label='Extend by 10 minutes']").click(); ""`)
	d.Want(asking, "Extend by 10 minutes?")
	d.press("+10 min").Want(saidAs, "algebra goes on for 10 minutes more.")
	d.wantPart(timeLeft, "1:0")
	d.press("Policy").fill("maxSeats", "-3").press("Put the policy")
	d.wantPart(refusal, "maxSeats: maxSeats must be a whole number")
	d.seen("policy-refused").seenNarrow("policy-refused")
	d.fill("maxSeats", "1").fill("quorum", "2").press("Put the policy")
	d.wantPart(refusal, "maxSeats: ")
	d.wantPart(refusal, "quorum: ")
	d.fill("quorum", "").fill("maxSeats", "3").fill("publish", `{"screen":["teacher"]}`).press("Put the policy")
	d.Want(saidAs, "The policy of algebra is in force.")
	d.wantPart(`document.querySelector(".facts").textContent`, "2 of 3")
	if _, room := r.admin("GET", "/v1/rooms/algebra", ""); fmt.Sprint(room["policy"]) != "map[lessonSeconds:3600 maxSeats:3 publish:map[screen:[teacher]]]" {
		t.Errorf("the policy is %v", room["policy"])
	}

	d.press("Remove bob").Want(asking, "Remove bob?")
	d.seen("remove").press("Remove").Want(saidAs, "bob was removed.")
	d.Want(whoIsIn, "alice seated")
	d.press("Ban alice").fill("user", "").fill("note", "disturbs").press("Ban")
	d.wantPart(refusal, "user: ")
	d.seen("ban-refused").fill("user", "alice").press("Ban").Want(saidAs, "alice is banned.")
	d.Want(whoIsIn, "")
	d.press("Bans").wantPart(unfolded, "alice until ")
	d.wantPart(logSays, "“disturbs”")
	d.seen("bans")
	d.press("Lift the ban of alice").seen("lift").press("Lift").Want(saidAs, "alice may come again.")
	d.Want(unfolded, "")

	d.press("Ticket link").fill("user", "dora").fill("key", "short").press("Make the link").wantPart(refusal, "key: ")
	d.seen("ticket").fill("key", string(r.settings.APISecret)).press("Make the link")
	d.wantPart(`document.getElementById("link")?.value ?? ""`, r.URL()+"/room/algebra#ticket=")
	d.seen("ticket-link")
	link := d.Eval(`document.getElementById("link").value`)
	d.press("Close")
	dora := browser.Visitor(t).Open(link)
	d.Want(whoIsIn, "dora seated")
	dora.Close()

	d.press("End").Want(asking, "End the lesson?")
	d.seen("end").press("End").Want(badge, "ended")
	d.press("Lessons").Want(`String(document.querySelectorAll("details[open] .name").length)`, "1")
	d.seen("room-ended")
	d.press("Reopen").press("Reopen").Want(badge, "open")
	d.Want(logSays, "A policy was put by admin; The room was reopened by admin")
	d.Want(`String(document.querySelectorAll("details[open] .name").length)`, "2")
	d.seen("room-open")
	d.Eval(`[...document.querySelectorAll("details[open] .name")].at(-1).click(); ""`)
	d.Want(attended, "alice exact; bob exact; dora exact")
	d.wantPart(logSays, "The lesson ended by admin")
	d.Want(`String(document.querySelector(".picture img")?.naturalWidth > 500)`, "true")
	d.seen("attendance").seenNarrow("attendance")
	d.Eval(`HTMLAnchorElement.prototype.click = function () { window.kept = this.download; }; ""`)
	for button, file := range map[string]string{"Keep the picture (SVG)": "algebra-attendance.svg", "Keep the table (CSV)": "algebra-attendance.csv"} {
		d.press(button).Want(`window.kept ?? ""`, file)
	}
	d.press("Back to the room").press("All rooms").press("New room")
	d.fill("room", "no/room").press("Make the room").wantPart(refusal, "room: ")
	d.seen("new-room").fill("room", "biology").press("Make the room").wantPart(refusal, "room: ")
	d.fill("room", "drawing").fill("maxSeats", "9").press("Make the room").Want(heading, "drawing")
	d.press("Sign out").Want(said, "idle")
	d.Want(`String(document.body.textContent.includes("drawing"))`, "false")
}

// TestConsolePeople: observers, people who wait, names that run from right to left, a
// clock that stands still.
func TestConsolePeople(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	r.admin("PUT", "/v1/rooms/music", `{"maxSeats":2,"lessonSeconds":600,"clock":"pause","observers":["recorder"],"foreignTokens":"accept"}`)
	session := r.connectAs("music", "נועה כהן", "student")
	r.connectAs("music", "bot", "recorder")
	r.connectAs("music", "<img src=x onerror=alert(1)>", "teacher")
	for _, c := range r.simulator.Connected(session) {
		if _, err := r.simulator.Publish(session, c.ID, "screen", ""); err != nil {
			t.Fatal(err)
		}
	}
	r.until("the lesson runs", func() bool { return r.field("music", "status") == "running" })

	d := operate(t, browsertest.Start(t), r.URL(), api.GrantToken(r.settings.APISecret, api.Grant{Room: "music"}, time.Now(), time.Hour))
	d.Want(heading, "music")
	d.Want(whoIsIn, "<img src=x onerror=alert(1)> teacher seated; bot recorder observer; נועה כהן student seated")
	d.wantPart(`document.querySelector(".people").textContent`, "sends screen")
	d.Want(`String(!!document.querySelector(".back"))`, "false")
	d.Want(fmt.Sprintf(`String(/^(10:00|[5-9]:\d\d)$/.test(%s))`, timeLeft), "true")
	d.seen("room-token").seenNarrow("room-token")

	r.foreign(session, vonagetest.Faults{Drop: []string{"connectionCreated"}})
	r.foreign(session, vonagetest.Faults{})
	d.wantPart(whoIsIn, "unknown user not heard of yet")
	d.wantPart(logSays, "unknown user was refused: the room was full")
	d.seen("room-unheard")
	r.foreign(session, vonagetest.Faults{List: vonagetest.Failure{Next: -1}})
	d.wantPart(whoIsIn, "unknown user waiting")
	d.seen("room-waiting")
	for _, c := range r.simulator.Connected(session) {
		if c.Data != "" {
			if err := r.simulator.Disconnect(session, c.ID, "networkDisconnected"); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.Want(badge, "paused")
	d.wantPart(logSays, "The clock stands still")
	d.seen("room-paused")
}

// foreign lets somebody in whom nobody knows, with a token made elsewhere, at a
// platform with those faults from now on.
func (r *running) foreign(session string, faults vonagetest.Faults) {
	r.t.Helper()
	if err := r.simulator.SetFaults(faults); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.simulator.ConnectForeign(session, "", ""); err != nil {
		r.t.Fatal(err)
	}
}

// connectAs joins under a role and connects.
func (r *running) connectAs(name, user, role string) (session string) {
	r.t.Helper()
	_, answer := r.call(api.Ticket(r.settings.APISecret, name, user, role, time.Now(), time.Minute), "POST", "/v1/rooms/"+name+"/join", "")
	session, _ = answer["sessionId"].(string)
	token, _ := answer["token"].(string)
	if _, err := r.simulator.Connect(session, token); err != nil {
		r.t.Fatalf("connecting %s: %v", user, err)
	}
	return session
}

// TestConsoleSurvivesTheServer: the program dies behind its proxy and comes back.
func TestConsoleSurvivesTheServer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "usher.db")
	r := start(t, settings(t, data))
	var target atomic.Pointer[url.URL]
	aim := func(r *running) {
		u, err := url.Parse(r.URL())
		if err != nil {
			t.Fatal(err)
		}
		target.Store(u)
	}
	aim(r)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target.Load()) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(proxy.Close)

	d := operate(t, browsertest.Start(t), proxy.URL, r.adminToken())
	d.press("one-to-one").Want(badge, "open")
	r.stop()
	d.Want(said, "away")
	d.wantPart(saidAs, "The server does not answer.")
	d.seen("away")
	d.press("End").press("End").wantPart(`document.querySelector("dialog [role=alert]").textContent`, "the server does not answer")
	d.seen("end-away").press("Cancel")
	again := start(t, settings(t, data))
	aim(again)
	d.Want(said, "back")
	again.admin("POST", "/v1/rooms/one-to-one/end", "")
	d.Want(badge, "ended")
	d.seen("back")
}
