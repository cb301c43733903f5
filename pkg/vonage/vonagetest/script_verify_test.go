//go:build verify

package vonagetest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tabPage joins the session in its address and notes what it sees.
const tabPage = `<!doctype html><meta charset="utf-8"><title>tab</title>
<div id="me"></div><div id="people"></div>
<script src="/simulator/opentok.js"></script>
<script>
const seen = [];
const q = new URLSearchParams(location.search);
const session = OT.initSession("123456", q.get("session"));
const who = (c) => (c === null ? "server" : c.data);
session.on({
  sessionConnected: () => seen.push("connected"),
  sessionDisconnected: (e) => seen.push("disconnected " + e.reason),
  connectionCreated: (e) => seen.push("in " + who(e.connection)),
  connectionDestroyed: (e) => seen.push("out " + who(e.connection) + " " + e.reason),
  streamCreated: (e) => {
    seen.push("stream " + e.stream.videoType + " " + who(e.stream.connection));
    session.subscribe(e.stream, "people", { insertMode: "append" }, (error) => seen.push("subscribed " + (error ? error.name : "")));
  },
  streamDestroyed: (e) => seen.push("streamless " + e.reason),
  signal: (e) => seen.push("signal " + who(e.from)),
  "signal:usher-ended": (e) => seen.push("ended " + e.data + " " + who(e.from)),
});
session.once("signal", () => seen.push("once"));
let publisher;
const publish = (props) => new Promise((done) => {
  publisher = OT.initPublisher("me", { insertMode: "append", ...props });
  publisher.on("streamDestroyed", (e) => seen.push("mine gone " + e.reason));
  session.publish(publisher, (error) => done(error ? error.name : "published"));
});
session.connect(q.get("token"), (error) => seen.push(error ? error.name + " " + error.code : "ready " + Boolean(session.connection.connectionId)));
</script>`

// tabs is a browser on a site that mounts the platform under /simulator.
type tabs struct {
	t    *testing.T
	p    *Platform
	id   string
	site string
	ctx  context.Context
}

func newTabs(t *testing.T) *tabs {
	p, _ := both(t, func(o *Options) { o.Grace = time.Hour }) // a page says itself that it leaves
	mux := http.NewServeMux()
	mux.Handle("/simulator/", http.StripPrefix("/simulator", p))
	mux.HandleFunc("/tab", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tabPage) })
	site := httptest.NewServer(mux)
	t.Cleanup(func() { p.Close(); site.Close() })
	alloc, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal("the browser does not start: ", err)
	}
	return &tabs{t: t, p: p, id: p.CreateSession(), site: site.URL, ctx: ctx}
}

// tab is one page of the browser.
type tab struct {
	t     *testing.T
	ctx   context.Context
	close context.CancelFunc
}

func (s *tabs) open(data string, more map[string]any) *tab {
	s.t.Helper()
	change := map[string]any{"connection_data": data}
	for name, v := range more {
		change[name] = v
	}
	ctx, cancel := chromedp.NewContext(s.ctx)
	token := hs256(s.t, openTokClient(s.id, change))
	if err := chromedp.Do(ctx, chromedp.Navigate(s.site+"/tab?session="+s.id+"&token="+token)); err != nil {
		s.t.Fatal(err)
	}
	return &tab{t: s.t, ctx: ctx, close: cancel}
}

func js[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(expression, ": ", err)
	}
	return v
}

// sees waits until the page has noted a line.
func (b *tab) sees(line string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if js[bool](b, fmt.Sprintf("seen.includes(%q)", line)) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("the page never saw %q but %v", line, js[[]string](b, "seen"))
		}
	}
}

func TestTheScriptInABrowser(t *testing.T) {
	s := newTabs(t)
	a := s.open("alice", nil)
	for _, line := range []string{"ready true", "connected", "in alice"} {
		a.sees(line)
	}
	b := s.open("bob", nil)
	a.sees("in bob")
	b.sees("in alice")
	if n := len(s.p.Connected(s.id)); n != 2 {
		t.Fatalf("two tabs are %d connections", n)
	}

	t.Run("a stream is drawn for the others", func(t *testing.T) {
		if got := js[string](b, `publish({videoSource: "screen", name: "slides"})`); got != "published" {
			t.Fatal(got)
		}
		a.sees("stream screen bob")
		a.sees("subscribed ")
		if js[int](a, `document.querySelectorAll("#people .OT_subscriber").length`) != 1 || js[int](b, `document.querySelectorAll("#me .OT_publisher").length`) != 1 {
			t.Error("no box is drawn")
		}
	})
	t.Run("and goes when it ends", func(t *testing.T) {
		js[bool](b, "session.unpublish(publisher), true")
		b.sees("mine gone clientUnpublished")
		a.sees("streamless clientUnpublished")
		if js[int](a, `document.querySelectorAll("#people *").length`) != 0 || js[int](b, `document.querySelectorAll("#me *").length`) != 0 {
			t.Error("a box is left")
		}
	})
	t.Run("a stream that is unwanted before it is there", func(t *testing.T) {
		js[string](b, `(() => { const p = publish({videoSource: null}); session.unpublish(publisher); return p; })()`)
		poll(t, "no stream", func() bool {
			list, _ := s.p.streams(s.id)
			return len(list) == 0
		})
	})
	t.Run("signals say who sent them", func(t *testing.T) {
		_ = s.p.Signal(s.id, "", "", "usher-ended", "{}")
		a.sees("ended {} server")
		a.sees("once")
		got := js[string](b, `new Promise((done) => session.signal({type: "hi", data: "x"}, (e) => done(e ? e.name : "sent")))`)
		a.sees("signal bob")
		if got != "sent" {
			t.Error(got)
		}
		long := js[int](b, `new Promise((done) => session.signal({type: "hi", data: "x".repeat(9000)}, (e) => done(e.code)))`)
		if long != 413 {
			t.Errorf("a long signal: %d", long)
		}
		odd := js[int](b, `new Promise((done) => session.signal({type: "usher:ended"}, (e) => done(e ? e.code : 0)))`)
		if odd != 400 {
			t.Errorf("a signal whose type has a colon: %d", odd)
		}
		if n := js[int](a, `seen.filter((line) => line === "once").length`); n != 1 {
			t.Errorf("once came %d times", n)
		}
	})
	t.Run("a reload is another connection", func(t *testing.T) {
		before := s.p.Connected(s.id)[1].ID
		if err := chromedp.Do(b.ctx, chromedp.Reload()); err != nil {
			t.Fatal(err)
		}
		b.sees("ready true")
		poll(t, "the first connection to leave", func() bool {
			in := s.p.Connected(s.id)
			return len(in) == 2 && in[1].ID != before
		})
		a.sees("out bob clientDisconnected")
	})
	t.Run("a closed tab has left", func(t *testing.T) {
		b.close()
		poll(t, "it to leave", func() bool { return len(s.p.Connected(s.id)) == 1 })
	})
	t.Run("a kicked page is told so", func(t *testing.T) {
		if got := js[string](a, "publish({})"); got != "published" {
			t.Fatal(got)
		}
		in := s.p.Connected(s.id)
		wantStatus(t, rest(t, s.p, "DELETE", path(s.id, "/connection/", in[0].ID), ""), 204)
		a.sees("mine gone forceDisconnected")
		a.sees("disconnected forceDisconnected")
		if js[bool](a, "session.isConnected()") {
			t.Error("it thinks that it is connected")
		}
	})
}

func TestTheScriptReportsRefusals(t *testing.T) {
	s := newTabs(t)
	s.open("late", map[string]any{"exp": seconds(-time.Second)}).sees("OT_AUTHENTICATION_ERROR 1004")
	watcher := s.open("watcher", map[string]any{"role": "subscriber"})
	watcher.sees("ready true")
	if got := js[string](watcher, "publish({})"); got != "OT_PERMISSION_DENIED" {
		t.Error(got)
	}
	js[bool](watcher, "session.disconnect(), true")
	watcher.sees("disconnected clientDisconnected")
	poll(t, "it to leave", func() bool { return len(s.p.Connected(s.id)) == 0 })
}

func TestTheScriptNoticesThatThePlatformIsGone(t *testing.T) {
	s := newTabs(t)
	b := s.open("alice", nil)
	b.sees("ready true")
	s.p.Close()
	b.sees("disconnected networkDisconnected")
}
