//go:build verify

package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
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

// hurried makes the page's timers run ten times as fast, and watches: asked are
// the times at which requests for data left, waiting the timers that are to come.
const hurried = `{
	const { fetch, setTimeout, clearTimeout } = window;
	window.asked = [];
	window.waiting = new Set();
	window.fetch = (where, ...rest) => {
		asked.push(performance.now());
		return fetch(where, ...rest);
	};
	window.setTimeout = (f, ms) => {
		const id = setTimeout(() => { waiting.delete(id); f(); }, ms / 10);
		waiting.add(id);
		return id;
	};
	window.clearTimeout = (id) => { waiting.delete(id); clearTimeout(id); };
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
		const e = document.getElementById("search"), began = performance.now();
		e.value = %q;
		e.dispatchEvent(new Event("input"));
		return String(document.body.offsetHeight && performance.now() - began);
	})()`, text)
}

func TestTenThousandRooms(t *testing.T) {
	b := browsertest.Start(t).Visitor(t).Size(1280, 800).Before(hurried).Open(many(t, 10_000) + "/#token=t")
	b.Want(count, "100")
	b.Eval(typeIn("room-09876")) // long before its page is read in turn
	b.Want(listed, "room-09876")
	b.Eval(typeIn(""))
	b.Want(foot, "100 of 10000 shown.")
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

// The console asks at most once in two seconds, less while nothing changes, and
// not while nobody looks.
func TestTheConsoleAsksSeldom(t *testing.T) {
	b := browsertest.Start(t).Visitor(t).Before(hurried).Open(many(t, 3) + "/#token=t")
	b.Want(`String(asked.length >= 6)`, "true")
	b.Want(`asked.slice(1, 6).map((at, i) => at - asked[i]).filter((gap) => gap < 199).join()`, "")
	b.Want(`String(asked[5] - asked[4] > 1.5 * 200)`, "true")
	b.Eval(`window.away = true; document.dispatchEvent(new Event("visibilitychange")); ""`)
	b.Want(`String(waiting.size)`, "0")
	b.Eval(`window.before = asked.length; window.away = false; document.dispatchEvent(new Event("visibilitychange")); ""`)
	b.Want(`String(asked.length > before)`, "true")
}
