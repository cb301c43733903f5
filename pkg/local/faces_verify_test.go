//go:build verify

package local

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/browsertest"
	"usher/pkg/doorkeeper"
	"usher/pkg/vonage/vonagetest"
)

// faces is the program and a browser in which each state of the room's pages is
// reached, judged by axe-core, and left as a picture.
type faces struct {
	*running
	browser browsertest.Browser
}

func newFaces(t *testing.T, vars ...string) *faces {
	t.Helper()
	data := filepath.Join(t.TempDir(), "usher.db")
	return &faces{start(t, settings(t, data, vars...)), browsertest.Start(t)}
}

func (f *faces) put(t *testing.T, room, policy string) {
	t.Helper()
	if status, answer := f.admin("PUT", "/v1/rooms/"+room, policy); status >= 300 {
		t.Fatalf("PUT %s: %d %v", room, status, answer)
	}
}

func (f *faces) post(t *testing.T, path, body string) {
	t.Helper()
	if status, answer := f.admin("POST", "/v1/rooms/"+path, body); status >= 300 {
		t.Fatalf("POST %s: %d %v", path, status, answer)
	}
}

// link is what somebody is sent, with a name that the others see.
func (f *faces) link(room, user, role, name string) string {
	who := doorkeeper.Applicant{User: user, Role: role}
	if name != "" {
		who.Data, _ = json.Marshal(map[string]string{"name": name})
	}
	return f.URL() + "/room/" + room + "#ticket=" + api.DataTicket(f.settings.APISecret, room, who, time.Now(), time.Hour)
}

// slowly has the platform fail the next request to disconnect: the word of why is
// there before the second one.
func (f *faces) slowly(t *testing.T) {
	t.Helper()
	if err := f.simulator.SetFaults(vonagetest.Faults{Disconnect: vonagetest.Failure{Next: 1}}); err != nil {
		t.Fatal(err)
	}
}

// unheard has it lose that word.
func (f *faces) unheard(t *testing.T) {
	t.Helper()
	if err := f.simulator.SetFaults(vonagetest.Faults{Signal: vonagetest.Failure{Next: 1}}); err != nil {
		t.Fatal(err)
	}
}

// tab is somebody new, whose window is closed with the test.
func (f *faces) tab(t *testing.T) browsertest.Tab {
	t.Helper()
	b := f.browser.Visitor(t)
	t.Cleanup(b.Close)
	return b.Size(1280, 800)
}

func (f *faces) come(t *testing.T, room, user, role, name string) browsertest.Tab {
	t.Helper()
	return f.tab(t).Open(f.link(room, user, role, name))
}

// show waits for the state, and judges and keeps it.
func show(b browsertest.Tab, state, name string) {
	b.T.Helper()
	b.Want(pageState, state)
	b.Axe().Picture("room-" + name)
}

// showAll shows a state in all the ways in which it is looked at.
func showAll(b browsertest.Tab, state, name string) {
	b.T.Helper()
	show(b, state, name)
	const calm, reduce = "prefers-reduced-motion", "reduce" // a colour on its way to another has no contrast
	b.Prefers(calm, reduce, "prefers-color-scheme", "dark")
	show(b, state, name+"-dark")
	b.Prefers(calm, reduce, "forced-colors", "active")
	show(b, state, name+"-forced")
	b.Prefers(calm, reduce).Size(320, 640)
	show(b, state, name+"-narrow")
	b.Want(`String(document.documentElement.scrollWidth)`, "320")
	b.Prefers().Size(1280, 800)
}

// TestALesson is one from its beginning to its end, as its people see it.
func TestALesson(t *testing.T) {
	f := newFaces(t)
	f.put(t, "maths-7b", `{"quorum":2,"lessonSeconds":3000,"clock":"pause","publish":{"screen":["teacher"]}}`)
	teacher := f.come(t, "maths-7b", "t1", "teacher", "Ms Noether")
	show(teacher, "connected", "alone")
	teacher.Want(pageText, "You are inThe lesson begins when everybody who is needed is here.")

	student := f.come(t, "maths-7b", "s1", "student", "יעל אברהם")
	for _, b := range []browsertest.Tab{teacher, student} {
		b.Want(othersSeen, "1")
		b.Want(pageText, "You are inThe lesson has started.")
		b.Want(`String(/^4\d:\d\d$/.test(document.getElementById("digits").textContent))`, "true")
	}
	for _, name := range []string{"Benoît Mandelbrot", "", "Wolfeschlegelsteinhausenbergerdorff the Elder of Philadelphia"} {
		f.come(t, "maths-7b", "guest-"+name, "student", name).Want(pageState, "connected")
	}
	teacher.Want(othersSeen, "4")
	teacher.Want(`String(document.querySelectorAll(".tile.seen").length)`, "5")
	showAll(teacher, "connected", "running")

	t.Run("a screen is shared", func(t *testing.T) {
		teacher.Eval(`document.getElementById("screen").click(); ""`)
		student.Want(`String(document.querySelectorAll(".tile.wide.seen").length)`, "1")
		show(student, "connected", "screen")
		teacher.Eval(`document.getElementById("screen").click(); ""`)
		student.Want(`String(document.querySelectorAll(".tile.wide").length)`, "0")
	})
	t.Run("a share that is asked away", func(t *testing.T) {
		student.Eval(`document.getElementById("screen").click(); ""`)
		student.Want(pageSaid, "Your screen is no longer shared: you may not share it in this room.")
		student.Want(`document.getElementById("screen").ariaDisabled`, "true")
		show(student, "connected", "share-stopped")
		teacher.Want(`String(document.querySelectorAll(".tile.wide").length)`, "0")
	})
	t.Run("extended", func(t *testing.T) {
		f.post(t, "maths-7b/extend", `{"seconds":600}`)
		student.Want(`String(`+pageSaid+`.startsWith("The end was moved: "))`, "true")
		show(student, "connected", "extended")
	})
	t.Run("reloaded in the middle", func(t *testing.T) {
		f.slowly(t)
		again := f.come(t, "maths-7b", "s1", "student", "יעל אברהם")
		again.Want(`String(/^5\d:\d\d$/.test(document.getElementById("digits").textContent))`, "true")
		again.Want(pageText, "You are inThe lesson is running.")
		showAll(student, "duplicate", "duplicate")
	})
	t.Run("ended", func(t *testing.T) {
		f.post(t, "maths-7b/end", "")
		teacher.Want(`String(`+pageText+`.startsWith("The lesson is overIt was ended by who runs the room. You were in for "))`, "true")
		showAll(teacher, "ended", "ended")
		show(f.come(t, "maths-7b", "s2", "", ""), "lesson-over", "lesson-over")
	})
}

// TestTheWarning is seen by everybody, until it is closed.
func TestTheWarning(t *testing.T) {
	f := newFaces(t)
	f.put(t, "short", `{"quorum":2,"lessonSeconds":600,"warnSeconds":[598,594,590,585,580,570,560,550,540,530]}`)
	first, second := f.come(t, "short", "ann", "", "Ann"), f.come(t, "short", "ben", "", "Ben")
	for _, b := range []browsertest.Tab{first, second} {
		b.Want(`String(`+pageSaid+`.startsWith("The lesson ends in "))`, "true")
	}
	show(second, "connected", "warning")
	second.Eval(`document.getElementById("quiet").click(); ""`)
	second.Want(`String(document.getElementById("quiet").hidden)`, "true")
}

// TestThePausedLesson shows a clock that stands still, also to who comes then.
func TestThePausedLesson(t *testing.T) {
	f := newFaces(t)
	f.put(t, "pause", `{"quorum":3,"lessonSeconds":3000,"clock":"pause"}`)
	var in []browsertest.Tab
	for i := range 3 {
		in = append(in, f.come(t, "pause", fmt.Sprint("u", i), "", ""))
		in[i].Want(pageState, "connected")
	}
	in[0].Want(`String(document.getElementById("clock").hidden)`, "false")
	in[2].Eval(`document.getElementById("leave").click(); ""`)
	showAll(in[2], "left", "left")
	in[0].Want(pageText, "You are inThe clock stands still until everybody who is needed is back.")
	show(in[0], "connected", "paused")
	in[1].Eval(`document.getElementById("leave").click(); ""`)
	in[1].Want(pageState, "left")
	in[1].Eval(`document.getElementById("back").click(); ""`)
	in[1].Want(pageText, "You are inThe clock stands still until everybody who is needed is back.")
	in[1].Want(`document.getElementById("clock").dataset.left`, "paused")
	in[2].Eval(`document.getElementById("back").click(); ""`)
	in[0].Want(pageText, "You are inThe clock counts on.")
}

// TestTheDoor shows each way in which somebody is not let in, or is sent away.
func TestTheDoor(t *testing.T) {
	f := newFaces(t)
	f.put(t, "full", `{"maxSeats":1}`)
	f.put(t, "early", fmt.Sprintf(`{"opensAt":%q}`, time.Now().Add(20*time.Hour).UTC().Format(time.RFC3339)))
	f.put(t, "early-demo", fmt.Sprintf(`{"demo":true,"opensAt":%q}`, time.Now().Add(20*time.Hour).UTC().Format(time.RFC3339)))
	f.put(t, "list", `{"allowedUsers":["ada"]}`)
	f.put(t, "exam", `{"duplicateUser":"refuse-newer"}`)
	f.put(t, "listen", `{"publish":{"camera":["x"],"screen":["x"],"audio":["x"]}}`)
	f.put(t, "open", `{"rejoinSeconds":3600,"publish":{"screen":["teacher"]}}`)

	t.Run("full, then free", func(t *testing.T) {
		first := f.come(t, "full", "ann", "", "")
		first.Want(pageState, "connected")
		second := f.come(t, "full", "ben", "", "")
		showAll(second, "room-full", "full")
		second.Want(`String(document.getElementById("next").textContent.startsWith("Next try in "))`, "true")
		first.Close()
		second.Want(pageState, "connected")
	})
	t.Run("too early", func(t *testing.T) {
		b := f.come(t, "early", "ann", "", "")
		showAll(b, "too-early", "too-early")
		f.put(t, "early", `{}`)
		b.Eval(`document.getElementById("try").click(); ""`)
		b.Want(pageState, "connected")
	})
	t.Run("not on the list", func(t *testing.T) { show(f.come(t, "list", "ben", "", ""), "not-allowed", "not-allowed") })
	t.Run("in already", func(t *testing.T) {
		f.come(t, "exam", "ann", "", "").Want(pageState, "connected")
		show(f.come(t, "exam", "ann", "", ""), "in-already", "in-already")
	})
	t.Run("who only listens", func(t *testing.T) {
		b := f.come(t, "listen", "ann", "", "Ann")
		show(b, "connected", "listens")
		b.Want(pageSaid, "You watch and listen here: your ticket does not let you show or say anything.")
	})
	t.Run("removed", func(t *testing.T) {
		b := f.come(t, "open", "ann", "", "")
		b.Want(pageState, "connected")
		id := b.Eval(`String(document.querySelectorAll("#list li").length)`)
		if id != "1" {
			t.Fatalf("%s are in", id)
		}
		_, room := f.admin("GET", "/v1/rooms/open", "")
		connection := room["connections"].([]any)[0].(map[string]any)["id"].(string)
		f.slowly(t)
		if status, answer := f.admin("DELETE", "/v1/rooms/open/connections/"+connection, ""); status != 204 {
			t.Fatal(status, answer)
		}
		show(b, "asked-to-leave", "asked-to-leave")
		b.Eval(`document.getElementById("back").click(); ""`)
		b.Want(`String(`+pageText+`.startsWith("You were removed from this roomYou may come back at "))`, "true")
		show(b, "removed", "removed-for-a-while")
	})
	t.Run("banned", func(t *testing.T) {
		b := f.come(t, "open", "bea", "", "")
		b.Want(pageState, "connected")
		f.slowly(t)
		f.post(t, "open/bans", `{"user":"bea","seconds":null,"note":"rude"}`)
		show(b, "removed", "removed")
		show(f.come(t, "open", "bea", "", ""), "removed", "banned")
	})
	t.Run("banned, and not told", func(t *testing.T) {
		b := f.come(t, "open", "cem", "", "")
		b.Want(pageState, "connected")
		f.unheard(t)
		f.post(t, "open/bans", `{"user":"cem","seconds":600,"note":""}`)
		b.Want(`String(`+pageText+`.startsWith("You were removed from this roomYou may come back at "))`, "true")
	})
	t.Run("somewhere else, and not told", func(t *testing.T) {
		b := f.come(t, "open", "dan", "", "")
		b.Want(pageState, "connected")
		f.unheard(t)
		f.come(t, "open", "dan", "", "").Want(pageState, "connected")
		show(b, "disconnected", "disconnected")
	})
	t.Run("a share that goes on, for its word was lost", func(t *testing.T) {
		b := f.come(t, "open", "eva", "", "")
		b.Want(pageState, "connected")
		once := vonagetest.Failure{Next: 1} // the word to stop, and the first request to disconnect
		if err := f.simulator.SetFaults(vonagetest.Faults{Signal: once, Disconnect: once}); err != nil {
			t.Fatal(err)
		}
		b.Eval(`document.getElementById("screen").click(); ""`)
		show(b, "stream-not-allowed", "stream-not-allowed")
		b.Want(pageText, "You were disconnectedYou may not show your screen in this room. Come back in without it.")
	})
	t.Run("links that are not good", func(t *testing.T) {
		b := f.tab(t)
		b.Open(f.URL() + "/room/list")
		show(b, "no-ticket", "no-ticket")
		b.Open(f.URL() + "/room/list#ticket=abc")
		show(b, "bad-ticket", "bad-ticket")
		_, ticket, _ := strings.Cut(f.link("open", "ann", "", ""), "#")
		b.Eval(fmt.Sprintf(`location.hash = %q; ""`, ticket))
		show(b, "wrong-room", "wrong-room")
		b.Want(`location.hash`, "")
	})
	t.Run("notices", func(t *testing.T) {
		b := f.tab(t)
		b.Open(f.URL() + "/room/nowhere")
		show(b, "no-such-room", "no-such-room")
		b.Open(f.URL() + "/nothing")
		show(b, "not-found", "not-found")
		b.Open(f.URL() + "/room/early-demo")
		showAll(b, "too-early", "notice-too-early")
		b.Want(`String(`+pageText+`.includes("UTC"))`, "false")
		f.put(t, "early-demo", `{"demo":true}`)
		b.Eval(`document.getElementById("again").click(); ""`)
		b.Want(pageState, "connected")
		f.post(t, "early-demo/end", "")
		b.Want(pageState, "ended")
		b.Open(f.URL() + "/room/early-demo")
		show(b, "lesson-over", "notice-lesson-over")
	})
}

// TestTheWeather shows what happens around the room: no network, no script, no
// camera, a server that dies and comes back.
func TestTheWeather(t *testing.T) {
	whole := t
	data := filepath.Join(t.TempDir(), "usher.db")
	f := &faces{start(t, settings(t, data)), browsertest.Start(t)}
	f.put(t, "storm", `{"lessonSeconds":3000,"duplicateUser":"refuse-newer"}`)

	t.Run("connecting", func(t *testing.T) {
		b := f.tab(t).Before(`const ask = fetch; window.fetch = (to, how) => String(to).endsWith("/join") ? new Promise(() => {}) : ask(to, how);`)
		b.Open(f.link("storm", "zoe", "", ""))
		showAll(b, "connecting", "connecting")
	})
	t.Run("no script", func(t *testing.T) {
		b := f.tab(t).Block("*://*:*/*opentok.js")
		b.Open(f.link("storm", "zoe", "", ""))
		show(b, "no-script", "no-script")
		b.Block()
		b.Want(pageState, "connected")
	})
	t.Run("no camera", func(t *testing.T) {
		b := f.tab(t).Before(`navigator.permissions.query = async () => ({state: "denied"});`)
		b.Open(f.link("storm", "yan", "", "Yan"))
		b.Want(`String(`+pageSaid+`.startsWith("Nobody sees or hears you: the browser does not let this page use your camera"))`, "true")
		show(b, "connected", "no-camera")
	})
	t.Run("no JavaScript", func(t *testing.T) {
		b := f.tab(t).NoScript()
		b.Open(f.URL() + "/room/storm")
		b.Want(`String(document.querySelector("noscript").innerText.startsWith("This page needs JavaScript."))`, "true")
		b.Picture("room-no-javascript")
	})
	t.Run("what stands between", func(t *testing.T) {
		for state, answer := range map[string]struct {
			path, body string
			status     int
		}{
			"busy":        {"/join", `{"code":"too-many-requests"}`, 429},
			"unavailable": {"/join", `{"code":"unavailable"}`, 503},
			"refused":     {"/join", `{"code":"new","detail":"The door is painted. Come after noon."}`, 403},
			"failed":      {"/connections", `{"message":"The network does not let video through."}`, 500},
		} {
			b := f.tab(t).Before(fmt.Sprintf(`const ask = fetch; window.fetch = (to, how) =>
				String(to).includes(%q) && how.method === "POST" ? Promise.resolve(new Response(%q, {status: %d})) : ask(to, how);`, answer.path, answer.body, answer.status))
			b.Open(f.link("storm", "zoe", "", ""))
			show(b, state, state)
		}
	})
	t.Run("by keyboard alone", func(t *testing.T) {
		b := f.come(t, "storm", "kim", "", "Kim")
		b.Want(pageState, "connected")
		b.Want(`String(document.querySelectorAll(".tile.me.seen").length)`, "1")
		for range 10 {
			if b.Eval(`document.activeElement.id`) == "microphone" {
				break
			}
			b.Keys("\t")
		}
		b.Keys("\r").Want(`document.getElementById("microphone").textContent`, "Unmute")
		show(b, "connected", "muted")
		b.Keys("\t\t\t\r")
		b.Want(pageState, "left")
		b.Want(`document.activeElement.id`, "heading")
		b.Keys("\t\r").Want(pageState, "connected")
	})
	t.Run("a server that dies and comes back", func(t *testing.T) {
		b, demo := f.come(t, "storm", "ada", "", "Ada"), f.tab(t).Open(f.URL()+"/room/one-to-one")
		b.Want(pageState, "connected")
		demo.Want(pageState, "connected")
		slow := f.tab(t).Before(`const ask = fetch, held = Promise.withResolvers(); let asked = 0; window.goOn = held.resolve;
			window.fetch = async (to, how) => { if (String(to).includes("/events?") && asked++ > 0) await held.promise; return ask(to, how); };`)
		slow.Open(f.link("storm", "sol", "", "Sol"))
		slow.Want(pageState, "connected")
		address := strings.TrimPrefix(f.URL(), "http://")
		f.stop()
		show(slow, "reconnecting", "reconnecting")
		slow.Eval(`goOn(); ""`)
		show(b, "lost", "lost")
		f.running = start(whole, settings(t, data, "USHER_ADDR", address))
		b.Want(pageState, "connected")
		demo.Want(pageState, "connected")
	})
	t.Run("a lost network", func(t *testing.T) {
		b := f.tab(t).Before(`let up = true; Object.defineProperty(Navigator.prototype, "onLine", {get: () => up});
			window.network = (is) => { up = is; dispatchEvent(new Event(is ? "online" : "offline")); };`)
		b.Open(f.link("storm", "bob", "", "Bob"))
		b.Want(pageState, "connected")
		session := f.field("storm", "sessionId").(string)
		b.Eval(`network(false); ""`)
		for _, c := range f.simulator.Connected(session) {
			if strings.Contains(c.Data, "Bob") {
				_ = f.simulator.Disconnect(session, c.ID, "networkDisconnected")
			}
		}
		show(b, "offline", "offline")
		b.Eval(`network(true); ""`)
		b.Want(pageState, "connected")
	})
}
