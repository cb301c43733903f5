package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/vonage/vonagetest"
)

const room = "algebra"

// scene is two people in a room for two, and a third one who has connected.
type scene struct {
	url      string
	platform *vonagetest.Platform
	event    string // file
	session  string
	third    string // connection
}

func (s *scene) begin(ctx context.Context) error {
	if err := s.ask(nil, "PUT", "", jwt.MapClaims{"scope": "admin", "sub": "me"}, `{"maxSeats": 2, "foreignTokens": "accept"}`); err != nil {
		return err
	}
	for _, user := range []string{"alice", "bob"} {
		var credentials struct{ Token string }
		if err := s.ask(&credentials, "POST", "/join", jwt.MapClaims{"scope": "join", "room": room, "sub": user}, ""); err != nil {
			return err
		}
		c, err := s.platform.Connect("", credentials.Token)
		if err != nil {
			return err
		}
		s.session = c.SessionID
	}
	if err := s.platform.Settle(ctx); err != nil {
		return err
	}
	s.platform.Hold(-1)
	if err := s.enter(); err != nil {
		return err
	}
	fmt.Printf(`
alice and bob are in the room %s, which has two seats. carol has connected too, and
nobody has told Usher. Do it, in another shell:

    .cache/sam/bin/sam local invoke WebhookFunction -e %s

Ctrl-C ends the stand-ins.
`, room, s.event)
	return nil
}

// enter lets carol in, and keeps the event that tells of her.
func (s *scene) enter() error {
	s.platform.Discard()
	c, err := s.platform.ConnectForeign(s.session, `{"user":"carol"}`, "")
	if err != nil {
		return err
	}
	s.third = c.ID
	for _, w := range s.platform.HeldBack() {
		if w.ConnectionID == c.ID {
			return writeEvent(s.event, w.Body)
		}
	}
	return fmt.Errorf("no webhook tells of %s", c.ID)
}

// play says when carol was disconnected, and lets her in again.
func (s *scene) play(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() {
		for tick := time.Tick(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				done <- nil
				return
			case <-tick:
			}
			if s.in(s.third) {
				continue
			}
			fmt.Printf("carol was disconnected (%s). She has connected again, and the event is another one.\n", s.third)
			if err := s.enter(); err != nil {
				done <- err
				return
			}
		}
	}()
	return done
}

func (s *scene) in(connection string) bool {
	for _, c := range s.platform.Connected(s.session) {
		if c.ID == connection {
			return true
		}
	}
	return false
}

// ask makes a request about the room with a token of these claims.
func (s *scene) ask(v any, method, path string, claims jwt.MapClaims, body string) error {
	now := time.Now()
	claims["aud"], claims["iat"], claims["exp"] = "usher", now.Unix(), now.Add(time.Minute).Unix()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(apiSecret))
	if err != nil {
		return err
	}
	r, err := http.NewRequest(method, s.url+"/v1/rooms/"+room+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(w.Body)
	if err != nil || w.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s (%v)", method, r.URL.Path, w.StatusCode, answer, err)
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(answer, v)
}
