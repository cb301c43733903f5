package vonagetest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quietly announces n times and gives the reasons in the order in which the
// callback heard them, an hour later.
func quietly(t *testing.T, f Faults, n int) []string {
	var got []string
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		if err := p.SetFaults(f); err != nil {
			t.Fatal(err)
		}
		id := p.CreateSession()
		for i := range n {
			if err := p.Announce(id, "sessionDestroyed", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		for _, h := range e.all() {
			got = append(got, h.event.Reason)
		}
		p.Close()
	})
	return got
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func TestLostWebhooksNeverCome(t *testing.T) {
	if got := quietly(t, Faults{Lose: 1}, 20); len(got) != 0 {
		t.Errorf("all are lost, and %v came", got)
	}
	some := quietly(t, Faults{Lose: 0.5, Seed: 1}, 100)
	if len(some) < 20 || len(some) > 80 {
		t.Errorf("half are lost, and %d of 100 came", len(some))
	}
	if again := quietly(t, Faults{Lose: 0.5, Seed: 1}, 100); !slices.Equal(again, some) {
		t.Error("the same seed loses others")
	}
	if other := quietly(t, Faults{Lose: 0.5, Seed: 2}, 100); slices.Equal(other, some) {
		t.Error("another seed loses the same")
	}
}

func TestRepeatedWebhooksComeTwice(t *testing.T) {
	if got := quietly(t, Faults{Repeat: 1}, 3); !slices.Equal(got, []string{"0", "0", "1", "1", "2", "2"}) {
		t.Errorf("came %v", got)
	}
}

func TestDelayedWebhooksComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		_ = p.SetFaults(Faults{Delay: 1, DelayMS: 60_000})
		start := time.Now()
		_ = p.Announce(p.CreateSession(), "sessionDestroyed", "")
		synctest.Wait()
		if w := p.Webhooks()[0]; w.State != Delayed {
			t.Fatalf("recorded %+v", w)
		}
		settle(t, p)
		if d := e.all()[0].at.Sub(start); d != time.Minute {
			t.Errorf("it came after %v", d)
		}
		p.Close()
	})
}

func TestShuffledWebhooksAllComeInAnotherOrder(t *testing.T) {
	straight := quietly(t, Faults{}, 30)
	shuffled := quietly(t, Faults{Shuffle: 1, Seed: 3}, 30)
	if slices.Equal(straight, shuffled) || !slices.Equal(sorted(straight), sorted(shuffled)) {
		t.Errorf("came %v", shuffled)
	}
}

func TestShuffledWebhooksComeAtDifferentTimesWithinTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		_ = p.SetFaults(Faults{Shuffle: 1, DelayMS: 500})
		start := time.Now()
		for range 10 {
			_ = p.Announce(p.CreateSession(), "sessionDestroyed", "")
		}
		settle(t, p)
		times := map[time.Duration]bool{}
		for _, h := range e.all() {
			late := h.at.Sub(start)
			times[late] = true
			if late > 500*time.Millisecond {
				t.Errorf("one came after %v", late)
			}
		}
		if len(times) != 10 {
			t.Errorf("10 webhooks came at %d different times", len(times))
		}
		p.Close()
	})
}

func TestDropLosesByName(t *testing.T) {
	p, e := both(t)
	if err := p.SetFaults(Faults{Drop: []string{"connectionDestroyed", "sessionDestroyed"}}); err != nil {
		t.Fatal(err)
	}
	id := p.CreateSession()
	c := foreign(t, p, id, "alice")
	_ = p.Disconnect(id, c.ID, ClientDisconnected)
	settle(t, p)
	if got := e.names(); !slices.Equal(got, []string{"sessionCreated", "connectionCreated"}) {
		t.Errorf("heard %v", got)
	}
}

func TestParallelSendsSeveralOfASessionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := both(t)
		e.answer = func(int, *http.Request) int { time.Sleep(time.Second); return 200 }
		_ = p.SetFaults(Faults{Parallel: 3})
		id := p.CreateSession()
		for range 5 {
			_ = p.Announce(id, "sessionDestroyed", "")
		}
		synctest.Wait()
		if n := len(e.all()); n != 3 {
			t.Errorf("%d at once", n)
		}
		settle(t, p)
		p.Close()
	})
}

func TestOldTokensAreSentAgain(t *testing.T) {
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprint(old), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, e := both(t, func(o *Options) { o.SignatureSecret = "secret" })
				e.answer = func(n int, _ *http.Request) int { return map[bool]int{true: 500, false: 200}[n == 1] }
				_ = p.SetFaults(Faults{OldTokens: old})
				_ = p.Announce(p.CreateSession(), "sessionDestroyed", "")
				time.Sleep(time.Minute)
				all := e.all()
				same := all[0].header.Get("Authorization") == all[1].header.Get("Authorization")
				if same != old {
					t.Errorf("the same token: %v", same)
				}
				p.Close()
			})
		})
	}
}

func TestHeldWebhooksAreReleasedInTheGivenOrder(t *testing.T) {
	p, e := both(t)
	id := p.CreateSession()
	foreign(t, p, id, "zero")
	settle(t, p)
	p.Hold(3)
	a, b, c := foreign(t, p, id, "a"), foreign(t, p, id, "b"), foreign(t, p, id, "c")
	d := foreign(t, p, id, "d")
	settle(t, p)
	if got := e.connections("connectionCreated")[1:]; !slices.Equal(got, []string{d.ID}) {
		t.Fatalf("heard %v while three are held", got)
	}
	if held := p.HeldBack(); len(held) != 3 || held[0].ConnectionID != a.ID || held[0].State != Held {
		t.Fatalf("held %+v", held)
	}
	wantError(t, p.Release(3), 400)
	if err := p.Release(2, 0, 0); err != nil {
		t.Fatal(err)
	}
	settle(t, p)
	if got := e.connections("connectionCreated")[2:]; !slices.Equal(got, []string{c.ID, a.ID, a.ID}) {
		t.Fatalf("released %v", got)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	settle(t, p)
	if got := e.connections("connectionCreated")[5:]; !slices.Equal(got, []string{b.ID}) || len(p.HeldBack()) != 0 {
		t.Fatalf("then %v", got)
	}
}

func TestHeldWebhooksCanBeDiscarded(t *testing.T) {
	p, e := both(t)
	p.Hold(-1)
	foreign(t, p, p.CreateSession(), "a")
	if n := p.Discard(); n != 2 || len(p.HeldBack()) != 0 {
		t.Fatalf("%d discarded", n)
	}
	p.Hold(0)
	foreign(t, p, p.CreateSession(), "b")
	settle(t, p)
	if n := len(e.all()); n != 2 {
		t.Fatalf("%d came", n)
	}
}

// idsIn reads one page of a session's list.
func idsIn(t *testing.T, p *Platform, session, query string) []string {
	t.Helper()
	w := rest(t, p, "GET", path(session, "/connection", query), "")
	wantStatus(t, w, 200)
	ids := []string{}
	for _, item := range parse[page](t, w.Body).Items {
		ids = append(ids, item.ID)
	}
	return ids
}

func TestTheListLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		_ = p.SetFaults(Faults{AppearMS: 2000, LingerMS: 3000})
		id := p.CreateSession()
		c := foreign(t, p, id, "alice")
		look := func(when string, want int) {
			t.Helper()
			if got := idsIn(t, p, id, ""); len(got) != want {
				t.Errorf("%s: %d listed, want %d", when, len(got), want)
			}
		}
		look("just connected", 0)
		time.Sleep(2 * time.Second)
		look("two seconds in", 1)
		_ = p.Disconnect(id, c.ID, ClientDisconnected)
		look("just gone", 1)
		wantStatus(t, rest(t, p, "DELETE", path(id, "/connection/", c.ID), ""), 404)
		time.Sleep(3 * time.Second)
		look("three seconds gone", 0)
		p.Close()
	})
}

func streamsListed(t *testing.T, p *Platform, session string) (count int, ids []string) {
	t.Helper()
	w := rest(t, p, "GET", path(session, "/stream"), "")
	if w.Code == 404 {
		return 0, nil
	}
	wantStatus(t, w, 200)
	l := parse[struct {
		Count int
		Items []struct{ ID string }
	}](t, w.Body)
	for _, item := range l.Items {
		ids = append(ids, item.ID)
	}
	return l.Count, ids
}

func TestTheListOfStreamsLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		defer p.Close()
		_ = p.SetFaults(Faults{AppearMS: 2000, LingerMS: 3000})
		id := p.CreateSession()
		c := foreign(t, p, id, "alice")
		look := func(when string, want int) {
			t.Helper()
			if _, got := streamsListed(t, p, id); len(got) != want {
				t.Errorf("%s: %d listed, want %d", when, len(got), want)
			}
		}
		one, _ := p.Publish(id, c.ID, "screen", "")
		look("just published", 0)
		time.Sleep(2 * time.Second)
		look("two seconds on air", 1)
		_ = p.Unpublish(id, one.ID, "")
		look("just stopped", 1)
		time.Sleep(3 * time.Second)
		look("three seconds later", 0)

		_, _ = p.Publish(id, c.ID, "camera", "")
		time.Sleep(2 * time.Second)
		_ = p.Disconnect(id, c.ID, ClientDisconnected)
		look("its client has just left", 1)
		time.Sleep(3 * time.Second)
		look("its client left three seconds ago", 0)
	})
}

func TestTheListOfStreamsIsCut(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "alice")
	for range 3 {
		_, _ = p.Publish(id, c.ID, "camera", "")
	}
	for want, f := range map[int]Faults{3: {PageCap: 2}, 2: {PageCap: 2, PageCounts: true}} {
		_ = p.SetFaults(f)
		if count, ids := streamsListed(t, p, id); count != want || len(ids) != 2 {
			t.Errorf("%+v: %d of %d are listed", f, len(ids), count)
		}
	}
}

func TestTheListOfStreamsFailsAlone(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	foreign(t, p, id, "alice")
	_ = p.SetFaults(Faults{Streams: Failure{Next: 1, Status: 503}, List: Failure{Next: 1, Status: 429}})
	wantStatus(t, rest(t, p, "GET", path(id, "/stream"), ""), 503)
	wantStatus(t, rest(t, p, "GET", path(id, "/connection"), ""), 429)
	wantStatus(t, rest(t, p, "GET", path(id, "/stream"), ""), 404)
	if err := p.SetFaults(Faults{Streams: Failure{Status: 200}}); err == nil {
		t.Error("a failure with status 200 was taken")
	}
}

func TestAPageCapShortensPages(t *testing.T) {
	p, _ := both(t)
	_ = p.SetFaults(Faults{PageCap: 2})
	id := p.CreateSession()
	for range 5 {
		foreign(t, p, id, "")
	}
	var all []string
	for {
		ids := idsIn(t, p, id, fmt.Sprintf("?count=1000&offset=%d", len(all)))
		if len(ids) == 0 {
			break
		}
		if len(ids) > 2 {
			t.Fatalf("a page of %d", len(ids))
		}
		all = append(all, ids...)
	}
	if len(all) != 5 {
		t.Fatalf("%d in all", len(all))
	}
}

func TestTheListsOpenQuestions(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	_ = p.SetFaults(Faults{Empty404: true, PageCounts: true, TextTimes: true})
	wantStatus(t, rest(t, p, "GET", path(id, "/connection"), ""), 404)
	foreign(t, p, id, "")
	foreign(t, p, id, "")
	w := rest(t, p, "GET", path(id, "/connection?count=1"), "")
	wantStatus(t, w, 200)
	l := parse[page](t, w.Body)
	if _, isText := l.Items[0].CreatedAt.(string); l.Count != 1 || !isText {
		t.Fatalf("got %+v", l)
	}
}

func TestRequestsFailAsOftenAsAsked(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "")
	foreign(t, p, id, "stays")
	for name, one := range map[string]struct {
		faults             Faults
		method, path, body string
		first, second      int
	}{
		"create":       {Faults{Create: Failure{Next: 1, Status: 503}}, "POST", "/session/create", "", 503, 200},
		"list":         {Faults{List: Failure{Next: 1, Status: 429}}, "GET", path(id, "/connection"), "", 429, 200},
		"list streams": {Faults{List: Failure{Next: 1}}, "GET", path(id, "/stream"), "", 500, 404},
		"signal":       {Faults{Signal: Failure{Next: 1, Status: 502}}, "POST", path(id, "/signal"), `{"data":"x"}`, 502, 204},
		"disconnect": {
			Faults{Disconnect: Failure{Next: 1, Status: 404}}, "DELETE", path(id, "/connection/", c.ID), "", 404, 204,
		},
		"always": {Faults{List: Failure{Next: -1, Status: 403}}, "GET", path(id, "/connection"), "", 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			if err := p.SetFaults(one.faults); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, rest(t, p, one.method, one.path, one.body), one.first)
			wantStatus(t, rest(t, p, one.method, one.path, one.body), one.second)
		})
	}
}

func TestAFailureMayHaveTakenEffect(t *testing.T) {
	p, _ := both(t)
	_ = p.SetFaults(Faults{Disconnect: Failure{Next: 1, Applied: true}})
	id := p.CreateSession()
	c := foreign(t, p, id, "")
	wantStatus(t, rest(t, p, "DELETE", path(id, "/connection/", c.ID), ""), 500)
	if len(p.Connected(id)) != 0 {
		t.Fatal("it is still in")
	}
	if f := p.Faults(); f.Disconnect.Next != 0 {
		t.Fatalf("left: %+v", f.Disconnect)
	}
}

func TestAHangingRequestEndsWithItsCaller(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	foreign(t, p, id, "")
	_ = p.SetFaults(Faults{Signal: Failure{Next: 1, Hang: true}})
	server := httptest.NewServer(p)
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "POST", server.URL+path(id, "/signal"), strings.NewReader(`{"data":"x"}`))
	r.Header.Set("X-OPENTOK-AUTH", hs256(t, projectClaims(nil)))
	result := make(chan error)
	go func() {
		_, err := http.DefaultClient.Do(r)
		result <- err
	}()
	poll(t, "the request to arrive", func() bool { return len(p.Requests()) == 1 && p.Faults().Signal.Next == 0 })
	if p.Requests()[0].Status != 0 {
		t.Error("it was answered")
	}
	cancel()
	if <-result == nil {
		t.Error("an answer came")
	}
	server.Close() // waits for the handler
}

// poll looks again until good, for as long as patience goes.
func poll(t *testing.T, what string, good func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if good() {
			return
		}
	}
	t.Fatal("waited in vain for " + what)
}

func TestCloseEndsAHangingRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		_ = p.SetFaults(Faults{List: Failure{Next: 1, Hang: true, Status: 504}})
		done := make(chan int)
		go func() { done <- rest(t, p, "GET", path(p.CreateSession(), "/connection"), "").Code }()
		synctest.Wait()
		p.Close()
		if code := <-done; code != 504 {
			t.Errorf("answered %d", code)
		}
	})
}

func TestFaultsOutOfBoundsAreRefusedByName(t *testing.T) {
	p, _ := both(t)
	for name, f := range map[string]Faults{
		"lose": {Lose: 1.1}, "repeat": {Repeat: -0.1}, "delayMs": {DelayMS: -1}, "pageCap": {PageCap: -1},
		"list.status": {List: Failure{Next: 1, Status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.SetFaults(f)
			wantError(t, err, 400)
			if !strings.Contains(err.Error(), name) {
				t.Errorf("the message is %q", err)
			}
		})
	}
}
