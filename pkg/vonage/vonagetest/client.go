package vonagetest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed opentok.js
var script []byte

// serveScript serves the stand-in for the vendor's browser script.
func serveScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(script)
}

// clientRoutes are what a page does. The bearer of a client token connects with
// it; from then on the connection obeys that very token, expired or not.
func (p *Platform) clientRoutes(mux *http.ServeMux) {
	const (
		connections = "/client/sessions/{session}/connections"
		connection  = connections + "/{connection}"
	)
	mux.HandleFunc("OPTIONS /client/", preflight)
	mux.HandleFunc("POST "+connections, anyOrigin(p.clientConnect))
	mux.HandleFunc("DELETE "+connection, anyOrigin(p.clientDisconnect))
	mux.HandleFunc("GET "+connection+"/events", anyOrigin(p.clientEvents))
	mux.HandleFunc("POST "+connection+"/streams", anyOrigin(p.clientPublish))
	mux.HandleFunc("GET "+connection+"/streams/{stream}", anyOrigin(p.clientSubscribe))
	mux.HandleFunc("DELETE "+connection+"/streams/{stream}", anyOrigin(p.clientUnpublish))
	mux.HandleFunc("POST "+connection+"/signals", anyOrigin(p.clientSignal))
}

// anyOrigin lets pages of all origins in: the token is what counts.
func anyOrigin(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		h(w, r)
	}
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.WriteHeader(http.StatusNoContent)
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

func (p *Platform) clientConnect(w http.ResponseWriter, r *http.Request) {
	c, err := p.Connect(r.PathValue("session"), bearer(r))
	if err == nil {
		_ = p.withPeer(c.SessionID, c.ID, func(s *sessionState, c *peer) error {
			p.startGrace(s, c)
			return nil
		})
	}
	reply(w, http.StatusCreated, c, err)
}

// own runs f on the connection of the path, if the request carries its token.
func (p *Platform) own(r *http.Request, f func(*sessionState, *peer) error) error {
	return p.withPeer(r.PathValue("session"), r.PathValue("connection"), func(s *sessionState, c *peer) error {
		if err := c.obeys(r); err != nil {
			return err
		}
		return f(s, c)
	})
}

// obeys checks that the request carries the token that c was opened with.
func (c *peer) obeys(r *http.Request) error {
	sum := sha256.Sum256([]byte(bearer(r)))
	if subtle.ConstantTimeCompare(sum[:], c.token[:]) != 1 {
		return fail(http.StatusForbidden, "this is not the token that the connection was opened with")
	}
	return nil
}

// listen finds the connection of the path for somebody who wants its events. A
// client that was sent away before it listened still learns why.
func (p *Platform) listen(r *http.Request) (c *peer, err error) {
	err = p.with(r.PathValue("session"), func(s *sessionState) error {
		if c = lookup(s.in, r.PathValue("connection")); c == nil {
			c = lookup(s.gone, r.PathValue("connection"))
		}
		if c == nil {
			return fail(http.StatusNotFound, "there never was such a connection: "+r.PathValue("connection"))
		}
		if err := c.obeys(r); err != nil {
			return err
		}
		c.listeners++
		c.stopGrace()
		return nil
	})
	return c, err
}

// check is own without anything to do.
func (p *Platform) check(r *http.Request) error {
	return p.own(r, func(*sessionState, *peer) error { return nil })
}

func (p *Platform) clientDisconnect(w http.ResponseWriter, r *http.Request) {
	finish(w, http.StatusNoContent, p.own(r, func(s *sessionState, c *peer) error {
		p.leave(s, c, ClientDisconnected)
		return nil
	}))
}

func (p *Platform) clientPublish(w http.ResponseWriter, r *http.Request) {
	body := struct{ Kind, Name string }{Kind: "camera"}
	err := p.check(r)
	if err == nil {
		err = decode(w, r, &body)
	}
	if err != nil {
		refuseError(w, err)
		return
	}
	s, err := p.Publish(r.PathValue("session"), r.PathValue("connection"), body.Kind, body.Name)
	reply(w, http.StatusCreated, s, err)
}

func (p *Platform) clientUnpublish(w http.ResponseWriter, r *http.Request) {
	finish(w, http.StatusNoContent, p.own(r, func(s *sessionState, c *peer) error {
		i := c.streamAt(r.PathValue("stream"))
		if i < 0 {
			return fail(http.StatusNotFound, "the connection has no such stream")
		}
		p.endStream(s, c, c.Streams[i], ClientUnpublished, false)
		return nil
	}))
}

func (p *Platform) clientSubscribe(w http.ResponseWriter, r *http.Request) {
	var found Stream
	err := p.own(r, func(s *sessionState, c *peer) error {
		if c.Role == "publisheronly" {
			return fail(http.StatusForbidden, "a publisheronly client may not subscribe")
		}
		for _, stream := range s.streams() {
			if stream.ID == r.PathValue("stream") {
				found = stream
				return nil
			}
		}
		return fail(http.StatusNotFound, "there is no such stream in the session")
	})
	reply(w, http.StatusOK, found, err)
}

func (p *Platform) clientSignal(w http.ResponseWriter, r *http.Request) {
	var body struct{ To, Type, Data string }
	err := p.check(r)
	if err == nil {
		err = decode(w, r, &body)
	}
	if err == nil {
		err = p.Signal(r.PathValue("session"), r.PathValue("connection"), body.To, body.Type, body.Data)
	}
	finish(w, http.StatusNoContent, err)
}

// startGrace disconnects c when no event stream is opened in time. The caller
// holds p.mu, as whoever calls stopGrace does: a grace that ran out and has not
// got the lock yet is stopped as well.
func (p *Platform) startGrace(s *sessionState, c *peer) {
	c.stopGrace()
	stopped := false
	stop := p.tasks.after(p.opts.Grace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !stopped && c.listeners == 0 {
			p.leave(s, c, ClientDisconnected)
		}
	})
	c.stopGrace = func() { stopped = true; stop() }
}

// heartbeat keeps an event stream alive through proxies, and writeTimeout finds
// a client that takes nothing any more.
const (
	heartbeat    = 10 * time.Second
	writeTimeout = 15 * time.Second
)

// clientEvents is the event stream of a connection. ?after= goes on where an
// earlier stream broke off. It ends when the connection has ended and its
// client has been told; a client without a stream for the grace has left.
func (p *Platform) clientEvents(w http.ResponseWriter, r *http.Request) {
	after, err := number(r, "after", 0, 0, 1<<31)
	var c *peer
	if err == nil {
		c, err = p.listen(r)
	}
	if err != nil {
		refuseError(w, err)
		return
	}
	defer p.hangUp(c)
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	p.follow(r.Context(), w, c, after)
}

func (p *Platform) hangUp(c *peer) {
	_ = p.with(c.SessionID, func(s *sessionState) error {
		if c.listeners--; c.listeners == 0 && c.LeftAt == 0 {
			p.startGrace(s, c)
		}
		return nil
	})
}

// follow writes what c is told until c is gone or the client stops listening.
func (p *Platform) follow(ctx context.Context, w http.ResponseWriter, c *peer, after int) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	chunk := ": hello\n\n"
	for {
		list, over, wake := p.since(c, after)
		for _, m := range list {
			raw, _ := json.Marshal(m)
			chunk += "id: " + strconv.Itoa(m.Seq) + "\ndata: " + string(raw) + "\n\n"
			after = m.Seq
		}
		if chunk != "" && !push(w, chunk) || over {
			return
		}
		chunk = ""
		select {
		case <-wake:
		case <-beat.C:
			chunk = ": still here\n\n"
		case <-ctx.Done():
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// push writes and flushes within writeTimeout, whatever the server's own limit.
func push(w http.ResponseWriter, chunk string) bool {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := fmt.Fprint(w, chunk); err != nil {
		return false
	}
	return rc.Flush() == nil
}
