package vonagetest

import (
	"net/http"
)

// controlRoutes are the paths by which a script plays the clients and sets the
// faults. They ask nobody who they are: serve them on the loopback interface
// alone. A page of another origin cannot use them.
func (p *Platform) controlRoutes(mux *http.ServeMux) {
	const (
		session    = "/control/sessions/{session}"
		connection = session + "/connections/{connection}"
	)
	guard := http.NewCrossOriginProtection()
	handle := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, guard.Handler(h)) }

	handle("GET /control/sessions", p.controlSessions)
	handle("POST /control/sessions", p.controlCreate)
	handle("GET "+session, p.controlSession)
	handle("POST "+session+"/announcements", p.controlAnnounce)
	handle("GET "+session+"/signals", p.controlSignals)
	handle("GET "+session+"/connections", p.controlConnections)
	handle("POST "+session+"/connections", p.controlConnect)
	handle("DELETE "+connection, p.controlDisconnect)
	handle("GET "+connection+"/inbox", p.controlInbox)
	handle("POST "+connection+"/streams", p.controlPublish)
	handle("POST "+connection+"/signals", p.controlSignal)
	handle("DELETE "+session+"/streams/{stream}", p.controlUnpublish)

	handle("GET /control/webhooks", p.controlWebhooks)
	handle("POST /control/webhooks", p.controlSend)
	handle("POST /control/webhooks/hold", p.controlHold)
	handle("GET /control/webhooks/held", p.controlHeld)
	handle("DELETE /control/webhooks/held", p.controlDiscard)
	handle("POST /control/webhooks/release", p.controlRelease)
	handle("GET /control/faults", p.controlFaults)
	handle("PUT /control/faults", p.controlSetFaults)
	handle("GET /control/requests", p.controlRequests)
}

// reply answers v, or the error.
func reply(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
		refuseError(w, err)
		return
	}
	answer(w, status, v)
}

func (p *Platform) controlSessions(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"sessions": p.Sessions()})
}

func (p *Platform) controlCreate(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusCreated, map[string]any{"sessionId": p.CreateSession()})
}

func (p *Platform) controlSession(w http.ResponseWriter, r *http.Request) {
	v, err := p.Session(r.PathValue("session"))
	reply(w, http.StatusOK, v, err)
}

func (p *Platform) controlConnections(w http.ResponseWriter, r *http.Request) {
	v, err := p.Session(r.PathValue("session"))
	reply(w, http.StatusOK, map[string]any{"connections": v.Connections}, err)
}

func (p *Platform) controlConnect(w http.ResponseWriter, r *http.Request) {
	var body struct{ Token, Data, Role string }
	if err := decode(w, r, &body); err != nil {
		refuseError(w, err)
		return
	}
	session := r.PathValue("session")
	var c Connection
	var err error
	if body.Token != "" {
		c, err = p.Connect(session, body.Token)
	} else {
		c, err = p.ConnectForeign(session, body.Data, body.Role)
	}
	reply(w, http.StatusCreated, c, err)
}

func (p *Platform) controlDisconnect(w http.ResponseWriter, r *http.Request) {
	reason := orElse(r.URL.Query().Get("reason"), ClientDisconnected)
	finish(w, http.StatusNoContent, p.Disconnect(r.PathValue("session"), r.PathValue("connection"), reason))
}

func (p *Platform) controlInbox(w http.ResponseWriter, r *http.Request) {
	list, err := p.Inbox(r.PathValue("session"), r.PathValue("connection"))
	reply(w, http.StatusOK, map[string]any{"messages": list}, err)
}

func (p *Platform) controlPublish(w http.ResponseWriter, r *http.Request) {
	body := struct{ Kind, Name string }{Kind: "camera"}
	if err := decode(w, r, &body); err != nil {
		refuseError(w, err)
		return
	}
	s, err := p.Publish(r.PathValue("session"), r.PathValue("connection"), body.Kind, body.Name)
	reply(w, http.StatusCreated, s, err)
}

func (p *Platform) controlUnpublish(w http.ResponseWriter, r *http.Request) {
	err := p.Unpublish(r.PathValue("session"), r.PathValue("stream"), r.URL.Query().Get("reason"))
	finish(w, http.StatusNoContent, err)
}

func (p *Platform) controlSignal(w http.ResponseWriter, r *http.Request) {
	var body struct{ To, Type, Data string }
	err := decode(w, r, &body)
	if err == nil {
		err = p.Signal(r.PathValue("session"), r.PathValue("connection"), body.To, body.Type, body.Data)
	}
	finish(w, http.StatusNoContent, err)
}

func (p *Platform) controlSignals(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"signals": p.Signals(r.PathValue("session"))})
}

func (p *Platform) controlAnnounce(w http.ResponseWriter, r *http.Request) {
	var body struct{ Event, Reason string }
	err := decode(w, r, &body)
	if err == nil {
		err = p.Announce(r.PathValue("session"), body.Event, body.Reason)
	}
	finish(w, http.StatusNoContent, err)
}

func (p *Platform) controlWebhooks(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"webhooks": p.Webhooks()})
}

func (p *Platform) controlSend(w http.ResponseWriter, r *http.Request) {
	raw, err := readBody(w, r, webhookLimit)
	if err != nil {
		refuseError(w, err)
		return
	}
	status, err := p.SendWebhook(r.Context(), raw)
	reply(w, http.StatusOK, map[string]any{"status": status}, err)
}

func (p *Platform) controlHold(w http.ResponseWriter, r *http.Request) {
	body := struct{ Next int }{Next: -1}
	err := decode(w, r, &body)
	if err == nil {
		p.Hold(body.Next)
	}
	finish(w, http.StatusNoContent, err)
}

func (p *Platform) controlHeld(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"webhooks": p.HeldBack()})
}

func (p *Platform) controlDiscard(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"discarded": p.Discard()})
}

func (p *Platform) controlRelease(w http.ResponseWriter, r *http.Request) {
	var body struct{ Order []int }
	err := decode(w, r, &body)
	if err == nil {
		err = p.Release(body.Order...)
	}
	finish(w, http.StatusNoContent, err)
}

func (p *Platform) controlFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, p.Faults())
}

func (p *Platform) controlSetFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	err := decode(w, r, &f)
	if err == nil {
		err = p.SetFaults(f)
	}
	reply(w, http.StatusOK, f, err)
}

func (p *Platform) controlRequests(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"requests": p.Requests()})
}
