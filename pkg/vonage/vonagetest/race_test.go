package vonagetest

import (
	"net/http"
	"sync"
	"testing"
)

// TestSentAwayBeforeTheAnswer: the callback sends away whomever it hears of.
// Nothing puts that after the answer to the one who came, so for the race
// detector an answer made past the lock is a race each time.
func TestSentAwayBeforeTheAnswer(t *testing.T) {
	p, e := both(t)
	id := p.CreateSession()
	e.answer = func(int, *http.Request) int {
		for _, c := range p.Connected(id) {
			_ = p.Disconnect(id, c.ID, ForceDisconnected)
		}
		return http.StatusOK
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if c, err := p.ConnectForeign(id, "", ""); err != nil || c.LeftAt != 0 || c.Reason != "" {
				t.Errorf("who comes is answered %+v, %v", c, err)
			}
		})
	}
	all.Wait()
	settle(t, p)
	if n := len(p.Connected(id)); n != 0 {
		t.Errorf("%d are in", n)
	}
}
