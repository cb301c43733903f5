//go:build verify

package local

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/dynamo/dynamotest"

	"usher/pkg/journal"
	"usher/pkg/vonage/vonagetest"
)

// Ways of a wall that stands before DynamoDB.
const (
	opened int32 = iota
	closed       // connections break
	silent       // nothing is answered
)

// wall is a way to DynamoDB that can be closed.
type wall struct {
	*httptest.Server
	state atomic.Int32
}

func newWall(t *testing.T) *wall {
	t.Helper()
	target, err := url.Parse(dynamotest.Start(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch w.state.Load() {
		case opened:
			proxy.ServeHTTP(rw, r)
		case silent:
			select {
			case <-r.Context().Done():
			case <-t.Context().Done():
			}
		default:
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

// TestDynamoDBIsAway: while DynamoDB cannot be reached every webhook is taken at
// the first try, which the platform breaks off after ten seconds, and parked in
// the data file, where it outlives the program.
func TestDynamoDBIsAway(t *testing.T) {
	for name, how := range map[string]int32{"connections break": closed, "nothing is answered": silent} {
		t.Run(name, func(t *testing.T) {
			w := newWall(t)
			m := newMortal(t, "AWS_ENDPOINT_URL_DYNAMODB="+w.URL)
			m.start()
			sessions := m.open(map[string]string{
				"three": `{"maxSeats":3,"foreignTokens":"accept"}`, "hall": `{"foreignTokens":"accept"}`,
			})
			if err := m.platform.SetFaults(vonagetest.Faults{Parallel: 16}); err != nil {
				t.Fatal(err)
			}
			m.untilTaken()
			before := len(m.platform.Webhooks())
			w.state.Store(how)
			for _, session := range sessions {
				comeAndGo(m.platform, session, 20)
			}
			m.untilTaken()
			for _, hook := range m.platform.Webhooks()[before:] {
				if hook.Tries != 1 {
					t.Errorf("%s was taken at try %d", hook.Event, hook.Tries)
				}
			}
			m.kill()
			w.state.Store(opened)
			m.start()
			for name := range sessions {
				m.eventually(name+": the log tells of everybody", func() bool { return m.unheard(name) == 0 })
				m.agree(name)
			}
			t.Logf("%d webhooks while DynamoDB was away", len(m.platform.Webhooks())-before)
		})
	}
}

// comeAndGo lets that many people in and some of them out again.
func comeAndGo(p *vonagetest.Platform, session string, people int) {
	dice := rand.New(rand.NewPCG(1, 1))
	for range people {
		if in := p.Connected(session); len(in) > 0 && dice.IntN(2) == 0 {
			_ = p.Disconnect(session, in[dice.IntN(len(in))].ID, vonagetest.ClientDisconnected)
		}
		_, _ = p.ConnectForeign(session, "", "")
		<-time.After(50 * time.Millisecond)
	}
}

// unheard counts those who ever were in and of whom the log does not tell all:
// of their coming or, at least, of their going.
func (m *mortal) unheard(name string) (n int) {
	m.t.Helper()
	lines, left := map[string]bool{}, map[string]bool{}
	for _, line := range m.lines(name) {
		if line.ConnectionID != nil {
			lines[*line.ConnectionID] = true
			left[*line.ConnectionID] = left[*line.ConnectionID] || line.Action == journal.DidLeave
		}
	}
	all, err := m.platform.Session(*m.view(name).SessionID)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, c := range append(all.Connections, all.Gone...) {
		if !lines[c.ID] || c.LeftAt != 0 && !left[c.ID] {
			n++
		}
	}
	return n
}
