package vonagetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// event is the body of a session-monitoring webhook. Times are milliseconds.
type event struct {
	SessionID  string           `json:"sessionId"`
	ProjectID  string           `json:"projectId"`
	Event      string           `json:"event"`
	Timestamp  int64            `json:"timestamp"`
	Reason     string           `json:"reason,omitempty"`
	Connection *eventConnection `json:"connection,omitempty"`
	Stream     *eventStream     `json:"stream,omitempty"`
}

type eventConnection struct {
	ID        string `json:"id"`
	CreatedAt int64  `json:"createdAt"`
	Data      string `json:"data"`
}

type eventStream struct {
	ID         string           `json:"id"`
	Connection *eventConnection `json:"connection"`
	CreatedAt  int64            `json:"createdAt"`
	Name       string           `json:"name"`
	VideoType  string           `json:"videoType,omitempty"`
}

// wire is the connection as a webhook shows it. Its data comes with
// connectionCreated alone.
func (c *peer) wire(data string) *eventConnection {
	return &eventConnection{ID: c.ID, CreatedAt: c.CreatedAt, Data: data}
}

func wireStream(c *peer, s Stream) *eventStream {
	return &eventStream{
		ID: s.ID, Connection: c.wire(""), CreatedAt: s.CreatedAt, Name: s.Name, VideoType: s.videoType(),
	}
}

// Webhook is the record of one webhook.
type Webhook struct {
	Number       int             `json:"number"` // in the order of the events, from 1
	Event        string          `json:"event"`
	SessionID    string          `json:"sessionId"`
	ConnectionID string          `json:"connectionId,omitempty"`
	StreamID     string          `json:"streamId,omitempty"`
	Body         json.RawMessage `json:"body"`
	State        string          `json:"state"`
	Tries        int             `json:"tries"`
	Status       int             `json:"status"` // of the last answer, 0 for none
}

// view is the record as it stands now. The caller holds courier.mu.
func (w *Webhook) view() Webhook {
	v := *w
	v.Body = slices.Clone(v.Body)
	return v
}

// States of a webhook.
const (
	Queued    = "queued"    // to be sent now, or being sent
	Delayed   = "delayed"   // by a fault
	Held      = "held"      // by Hold, until Release
	Lost      = "lost"      // by a fault, or without a callback to send it to
	Delivered = "delivered" // answered with 200
	Retrying  = "retrying"  // answered otherwise, to be sent again
	GivenUp   = "givenUp"   // answered otherwise for as long as the schedule says
)

// hook sends an event of s to the callback. The caller holds p.mu, so that
// webhooks stand in the order of the events.
func (p *Platform) hook(s *sessionState, e event) {
	e.SessionID, e.ProjectID, e.Timestamp = s.id, s.project, p.millis()
	body, _ := json.Marshal(e)
	record := &Webhook{Event: e.Event, SessionID: s.id, Body: body, State: Queued}
	if e.Connection != nil {
		record.ConnectionID = e.Connection.ID
	}
	if e.Stream != nil {
		record.ConnectionID, record.StreamID = e.Stream.Connection.ID, e.Stream.ID
	}
	p.post.send(&parcel{record: record, lane: s.id, body: body})
}

// Announce sends a webhook about a whole session, and nothing else happens:
// sessionCreated, sessionDestroyed or sessionNotification, with a reason.
func (p *Platform) Announce(session, name, reason string) error {
	switch name {
	case "sessionCreated", "sessionDestroyed", "sessionNotification":
	default:
		return fail(http.StatusBadRequest, "event is none of sessionCreated, sessionDestroyed, sessionNotification: "+name)
	}
	return p.with(session, func(s *sessionState) error {
		p.hook(s, event{Event: name, Reason: reason})
		return nil
	})
}

// SendWebhook posts a body as it is to the callback, once, past all faults and
// records, and gives the HTTP status of the answer. It is signed like any other.
func (p *Platform) SendWebhook(ctx context.Context, body []byte) (status int, err error) {
	if p.opts.Callback == "" {
		return 0, fail(http.StatusConflict, "no callback is set")
	}
	body = slices.Clone(body) // a transport may read it after its answer
	return p.deliver(ctx, body, p.sign(body))
}

// webhookTimeout is how long an answer may take; the vendor names no figure.
const webhookTimeout = 10 * time.Second

func (p *Platform) deliver(ctx context.Context, body []byte, token string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.opts.Callback, bytes.NewReader(body))
	if err != nil {
		return 0, fail(http.StatusConflict, "the callback is not a URL")
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := p.opts.HTTP.Do(r)
	if err != nil {
		return 0, fail(http.StatusBadGateway, "the callback did not answer")
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, bodyLimit))
	return res.StatusCode, nil
}

// sign makes the bearer token of a callback, empty without a signature secret.
// It carries the hash of the body and never expires.
func (p *Platform) sign(body []byte) string {
	if p.opts.SignatureSecret == "" {
		return ""
	}
	sum := sha256.Sum256(body)
	c := jwt.MapClaims{
		"iss": "Vonage", "iat": p.now().Unix(), "jti": rand.Text(), "payload_hash": hex.EncodeToString(sum[:]),
	}
	if p.opts.APIKey != "" {
		c["api_key"] = p.opts.APIKey
	}
	if p.opts.ApplicationID != "" {
		c["application_id"] = p.opts.ApplicationID
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(p.opts.SignatureSecret))
	if err != nil {
		p.opts.Log.Error("a callback could not be signed", "error", err)
	}
	return token
}
