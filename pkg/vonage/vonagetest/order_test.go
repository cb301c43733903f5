package vonagetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheListIsOfOneMoment: each comes after the other has left, so that no list
// has both.
func TestTheListIsOfOneMoment(t *testing.T) {
	p, _ := both(t, ticking)
	id := p.CreateSession()
	over := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(over)
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if list, err := p.shown(id, Faults{}); err != nil || len(list) > 1 {
					t.Errorf("listed are %+v, %v", list, err)
				}
			}
		})
	}
	for range 500 {
		_ = p.Disconnect(id, foreign(t, p, id, "").ID, ClientDisconnected)
	}
}

func TestWhoSetsFaultsIsAnsweredThem(t *testing.T) {
	p, _ := both(t)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 200 {
				w := rest(t, p, "PUT", "/control/faults", fmt.Sprintf(`{"seed":%d}`, n), "X", "y")
				if !strings.Contains(w.Body.String(), fmt.Sprintf(`"seed":%d,`, n)) {
					t.Errorf("who set seed %d is answered %s", n, w.Body)
				}
			}
		})
	}
	all.Wait()
}

// TestAGraceThatWasStoppedSendsNobodyAway: it ran out while a page had the lock
// that listened, and hung up.
func TestAGraceThatWasStoppedSendsNobodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		id := p.CreateSession()
		c := foreign(t, p, id, "")
		_ = p.withPeer(id, c.ID, func(s *sessionState, c *peer) error {
			p.startGrace(s, c)
			time.Sleep(p.opts.Grace)
			c.stopGrace()
			p.startGrace(s, c)
			return nil
		})
		synctest.Wait()
		if len(p.Connected(id)) != 1 {
			t.Error("it left before its second grace")
		}
		p.Close()
	})
}
