//go:build verify

package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"testing"

	"usher/pkg/api"
	"usher/pkg/browsertest"
	"usher/pkg/journal"
)

// many serves the console over that many rooms, every tenth of them running.
func many(t *testing.T, n int) (url string) {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("room-%05d", i))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/rooms", func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		from := sort.SearchStrings(names, r.FormValue("after")+"\x00")
		page := struct {
			Rooms []api.Summary `json:"rooms"`
			Next  string        `json:"next"`
		}{Rooms: []api.Summary{}, Next: r.FormValue("after")}
		for i := from; i < min(from+limit, n); i++ {
			page.Rooms = append(page.Rooms, api.Summary{Room: names[i], Status: []journal.Status{journal.Open, journal.Running}[(i%10)/9], Seats: i % 3})
			page.Next = names[i]
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	mux.Handle("/", newSiteOf(&stub{}, "/opentok.js", false))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// clockwork gives the page a clock that stands still but for later, which goes on to
// when the next timer is due; wind has timers run by themselves again. asked are the times at which requests left.
const clockwork = `{
	const { fetch, setTimeout } = window, timers = new Map(), real = performance.now.bind(performance);
	let time = 0, last = 0;
	window.asked = [];
	window.fetch = (...request) => {
		asked.push(time);
		return fetch(...request);
	};
	performance.now = () => time;
	window.stopwatch = real;
	window.wind = () => { window.setTimeout = setTimeout; };
	window.setTimeout = (act, ms) => {
		timers.set(++last, { act, due: time + ms });
		return last;
	};
	window.clearTimeout = (id) => timers.delete(id);
	window.pending = () => String(timers.size);
	window.later = () => {
		for (const [id, { act, due }] of timers) {
			timers.delete(id);
			time = Math.max(time, due);
			act();
			return;
		}
	};
	Object.defineProperty(document, "hidden", { get: () => !!window.away });
}`

const (
	listed = `[...document.querySelectorAll("#rooms tbody th")].map((e) => e.textContent).join()`
	count  = `String(document.querySelectorAll("#rooms tbody tr").length)`
	foot   = `document.getElementById("foot").textContent.trim()`
)

// typeIn gives the expression that types into the search, and is how many
// milliseconds it took until the answer was drawn.
func typeIn(text string) string {
	return fmt.Sprintf(`(() => {
		const e = document.getElementById("search"), began = stopwatch();
		e.value = %q;
		e.dispatchEvent(new Event("input"));
		return String(document.body.offsetHeight && stopwatch() - began);
	})()`, text)
}

func TestTenThousandRooms(t *testing.T) {
	b := browsertest.Start(t).Visitor(t).Size(1280, 800).Before(clockwork).Open(many(t, 10_000) + "/#token=t")
	b.Want(count, "100")
	b.Want(`pending()`, "1")
	b.Eval(typeIn("room-09876")) // long before its page is read in turn
	b.Eval(`later(); ""`)
	b.Want(listed, "room-09876")
	b.Eval(typeIn(""))
	b.Want(`(later(), `+foot+`)`, "100 of 10000 shown.")
	b.Eval(`wind(); ""`)
	b.Axe().Picture("console-ten-thousand")
	slowest := 0.0
	for _, text := range []string{"r", "ro", "room-1", "room-12", "room-1", "0", "00", "000", "room-00999", "none", "77", "7", ""} {
		took, err := strconv.ParseFloat(b.Eval(typeIn(text)), 64)
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, took)
	}
	t.Logf("of 13 key presses the slowest was answered after %.1f ms", slowest)
	b.Eval(typeIn("77"))
	b.Want(foot, "100 of 280 shown.")
	b.Eval(`document.querySelectorAll(".pick")[1].click(); ""`)
	b.Want(count, "19")
}

// How many rooms there are is said once, and again when it is known of all, not with
// each page of them.
func TestTheNumberOfRoomsIsSaidSeldom(t *testing.T) {
	b := browsertest.Start(t).Visitor(t).Before(clockwork).Open(many(t, 4500) + "/#token=t")
	b.Want(`pending()`, "1")
	b.Eval(typeIn("room"))
	b.Eval(`window.told = []; new MutationObserver(() => told.push(document.getElementById("status").textContent)).observe(
		document.getElementById("status"), { childList: true }); ""`)
	b.Want(`(later(), `+foot+`)`, "100 of 4500 shown.")
	b.Want(`told.join()`, "Rooms: 4500.")
}

// The console asks at most once in two seconds, less while nothing changes, and
// not while nobody looks.
func TestTheConsoleAsksSeldom(t *testing.T) {
	b := browsertest.Start(t).Visitor(t).Before(clockwork).Open(many(t, 3) + "/#token=t")
	for n := range 9 {
		b.Want(`String(asked.length) + pending()`, fmt.Sprintf("%d1", n+1))
		b.Eval(`later(); ""`)
	}
	b.Want(`asked.slice(1).map((at, i) => Math.floor(at - asked[i])).join()`, "2000,2500,3125,3906,4882,6103,7629,9536,10000")
	b.Want(`pending()`, "1")
	b.Eval(`window.away = true; document.dispatchEvent(new Event("visibilitychange")); ""`)
	if n := b.Eval(`pending()`); n != "0" {
		t.Errorf("%s timers run while nobody looks", n)
	}
	b.Eval(`window.away = false; document.dispatchEvent(new Event("visibilitychange")); later(); ""`)
	b.Want(`String(asked.length)`, "11")
}

// oneRoom serves the console with the room maths, and gives the link of somebody
// who has a token for it, and with those people in it; extend answers the detail of its refusal, or nothing.
func oneRoom(t *testing.T, extend func() string, people ...string) (link string) {
	mux := http.NewServeMux()
	say := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	}
	say("GET /v1/rooms/maths", `{"room":"maths","sessionId":"s","status":"running","seats":0,"promised":0,"waiting":0,
		"startedAt":null,"endsAt":null,"secondsLeft":null,"connections":[`+strings.Join(people[:min(len(people), 100)], ",")+`],"policy":{"lessonSeconds":60}}`)
	say("GET /v1/rooms/maths/connections", `{"connections":[`+strings.Join(people, ",")+`],"next":""}`)
	say("GET /v1/rooms/maths/events", `{"events":[],"sessionId":"s","next":0}`)
	mux.HandleFunc("POST /v1/rooms/maths/extend", func(w http.ResponseWriter, _ *http.Request) {
		detail := extend()
		if detail != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(`{"detail":"` + detail + `"}`))
	})
	mux.HandleFunc("PUT /v1/rooms/maths", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"detail":"quorum must be; small; opensAt must be early","fields":["opensAt","quorum"]}`))
	})
	mux.Handle("/", newSiteOf(&stub{}, "/opentok.js", false))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/#token=a." + base64.RawURLEncoding.EncodeToString([]byte(`{"room":"maths"}`)) + ".c"
}

const status = `document.getElementById("status").textContent`

// press clicks what reads, or is labelled, so, once it is there; in the dialog where
// one is open.
func press(b browsertest.Tab, name string) {
	b.T.Helper()
	b.Want(fmt.Sprintf(`(() => {
		const all = [...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button")];
		const found = all.find((e) => (e.ariaLabel || e.textContent) === %q);
		found?.click();
		return found ? "pressed" : "not there";
	})()`, name), "pressed")
}

func closeDialog(b browsertest.Tab) {
	b.T.Helper()
	b.Eval(`document.getElementById("ask").close(); ""`)
	b.Want(`document.getElementById("ask").textContent`, "")
}

// What was asked goes on where its dialog is closed before the answer: what came of it
// is told, and a dialog that was opened meanwhile stays.
func TestASlowAnswer(t *testing.T) {
	answers := make(chan string)
	t.Cleanup(func() { close(answers) })
	b := browsertest.Start(t).Visitor(t).Open(oneRoom(t, func() string { return <-answers }))
	for detail, want := range map[string]string{"": "maths goes on for 5 minutes more.", "broken": "That did not work: broken"} {
		press(b, "Extend by 5 minutes")
		press(b, "+5 min")
		closeDialog(b)
		press(b, "Policy")
		answers <- detail
		b.Want(status, want)
		b.Want(`document.querySelector("dialog[open] h2").textContent`, "Policy of maths")
		closeDialog(b)
	}
}

func TestRefusedFields(t *testing.T) {
	b := browsertest.Start(t).Visitor(t).Open(oneRoom(t, nil))
	bad := func(name, want string) {
		t.Helper()
		b.Want(fmt.Sprintf(`document.getElementById("field-%s-bad").textContent`, name), want)
	}
	press(b, "Policy")
	press(b, "Put the policy")
	bad("opensAt", "opensAt must be early")
	bad("quorum", "quorum must be; small")
}

// Of a crowd everybody is shown, though a room's answer has the first hundred alone.
func TestACrowdAtTheConsole(t *testing.T) {
	var crowd []string
	for i := range 150 {
		crowd = append(crowd, fmt.Sprintf(`{"id":"c%d","user":"u%d","role":null,"observer":false,"state":"seated","joinedAt":"2026-12-01T12:00:00.000Z","streams":[]}`, i, i))
	}
	b := browsertest.Start(t).Visitor(t).Before(clockwork).Open(oneRoom(t, nil, crowd...))
	const people = `String(document.querySelectorAll("[aria-labelledby=head-people] li").length) + document.querySelector("[aria-labelledby=head-people] > p:last-child").hidden`
	b.Want(people, "100false")
	for range 2 {
		b.Want(`pending()`, "1")
		b.Eval(`later(); ""`)
	}
	b.Want(people, "150true")
	b.Want(`pending()`, "1")
	b.Eval(`[...Array(4)].reduce((before) => before.then(() => new Promise((done) => {
		later();
		const look = setInterval(() => pending() === "1" && done(clearInterval(look)), 5);
	})), Promise.resolve()).then(() => { window.went = true; }); ""`)
	b.Want(`String(window.went)`, "true")
	b.Want(people, "150true")
}
