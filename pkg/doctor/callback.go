package doctor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/checkup"
)

const callbackPath = "/session-monitoring"

// newConnection is the id of a connection that there is not.
func newConnection() string {
	var digits [8]byte
	_, _ = rand.Read(digits[:]) // it never fails
	return checkup.MadeUp(hex.EncodeToString(digits[:]))
}

// event is the callback of somebody who came to a session just now, or left it.
func (e *examination) event(name, session string) []byte {
	at := e.Now().UnixMilli()
	body, _ := json.Marshal(map[string]any{ // texts and numbers always marshal
		"sessionId": session, "event": name, "timestamp": at, "reason": "clientDisconnected",
		"connection": map[string]any{"id": e.connection, "createdAt": at, "data": "usher-doctor"},
	})
	return body
}

// call sends a callback, signed where there is a secret.
func (e *examination) call(ctx context.Context, name, session string) (answer, error) {
	body := e.event(name, session)
	if e.Signature == "" {
		return e.do(ctx, http.MethodPost, callbackPath, nil, body)
	}
	header, err := e.sign(body)
	if err != nil {
		return answer{}, err
	}
	return e.do(ctx, http.MethodPost, callbackPath, header, body)
}

// sign makes the header of a callback as Vonage signs it (its documentation of signed
// webhooks: HS256, with the hash of the body).
func (e *examination) sign(body []byte) (http.Header, error) {
	sum := sha256.Sum256(body)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "Vonage", "jti": rand.Text(), "iat": e.Now().Unix(), "payload_hash": hex.EncodeToString(sum[:]),
	}).SignedString([]byte(e.Signature))
	return http.Header{"Authorization": {"Bearer " + token}}, err
}

// signed tells a room of its own by a signed callback that somebody came, and looks
// whether its log says so.
func (e *examination) signed(ctx context.Context) {
	const name = "signed"
	if e.Signature == "" && !e.open {
		e.say(name, true, "Not tried: no signature secret is here. Put it into VONAGE_SIGNATURE_SECRET to try it.")
		return
	}
	session, problem := e.makeRoom(ctx)
	defer e.deleteRoom(context.WithoutCancel(ctx), problem == "")
	if problem != "" {
		e.say("room", false, "%s", problem)
		return
	}
	e.say("room", true, "A room can be made, and has a session.")
	a, err := e.call(ctx, "connectionCreated", session)
	switch {
	case err != nil:
		e.say(name, false, "The callback does not answer: %v.", plain(err))
	case a.status == http.StatusUnauthorized:
		e.say(name, false, "A callback that is signed with the secret here is refused. The deployment has another VONAGE_SIGNATURE_SECRET: set the one that Vonage signs with in both places.")
	case a.status != http.StatusOK:
		e.say(name, false, "A signed callback is answered %d. %s", a.status, a.advice())
	default:
		e.heard(ctx)
		_, _ = e.call(ctx, "connectionDestroyed", session) // or it would be told to go
	}
}

// heard looks into the log of the examination's room.
func (e *examination) heard(ctx context.Context) {
	const name = "signed"
	var log struct {
		Events []struct{ Event, ConnectionID string }
	}
	a, err := e.do(ctx, http.MethodGet, "/v1/rooms/"+e.room+"/events?limit=100", e.bearer(), nil)
	if err != nil || a.status != http.StatusOK || a.into(&log) != nil {
		e.say(name, false, "The log of a room cannot be read. Look at the logs of the functions.")
		return
	}
	if !slices.Contains(log.Events, struct{ Event, ConnectionID string }{"connectionCreated", e.connection}) {
		e.say(name, false, "A signed callback is answered 200, but the room's log does not have it. It may have been parked: look whether DynamoDB throttles, and at the logs.")
		return
	}
	e.say(name, true, "A signed callback is heard.")
}

// makeRoom makes a room with a session: one that ended is opened again.
func (e *examination) makeRoom(ctx context.Context) (session, problem string) {
	var room struct{ SessionID *string }
	for _, step := range []struct {
		method, path string
		body         []byte
	}{
		{http.MethodPut, "", []byte(`{"foreignTokens":"accept"}`)},
		{http.MethodPost, "/end", nil},
		{http.MethodPost, "/reopen", nil},
	} {
		a, err := e.do(ctx, step.method, "/v1/rooms/"+e.room+step.path, e.bearer(), step.body)
		switch {
		case err != nil:
			return "", "The API does not answer: " + plain(err) + "."
		case a.status >= http.StatusBadRequest:
			return "", "A room could not be made. " + a.advice()
		}
		_ = a.into(&room) // what is not there is said below
	}
	if room.SessionID == nil {
		return "", "A room was made, but has no session. Look at the logs."
	}
	return *room.SessionID, ""
}

// deletions is how often a room is asked away, and pause how long it waits in between.
const (
	deletions = 3
	pause     = time.Second
)

// deleteRoom leaves nothing behind, also where a request fails or was broken off: one
// that makes the room may then arrive after the first that deletes it.
func (e *examination) deleteRoom(ctx context.Context, made bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := e.deletion(ctx)
	for range deletions - 1 {
		absent := err == nil && a.status == http.StatusNotFound
		if again := err != nil || a.status >= http.StatusInternalServerError || absent && !made; !again {
			break
		}
		select {
		case <-ctx.Done():
		case <-e.After(pause):
		}
		a, err = e.deletion(ctx)
	}
	if err != nil || a.status != http.StatusNoContent && a.status != http.StatusNotFound {
		e.say(LeftBehind, false, "The room %[1]s could not be deleted. Delete it: usher delete %[1]s.", e.room)
	}
}

func (e *examination) deletion(ctx context.Context) (answer, error) {
	return e.do(ctx, http.MethodDelete, "/v1/rooms/"+e.room, e.bearer(), nil)
}
