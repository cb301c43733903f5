package vonage

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"usher/pkg/room"
)

const (
	// answerWithin bounds each request, also where the caller's context allows
	// more: a platform that hangs must not hold a webhook's answer.
	answerWithin = 3 * time.Second
	// shortAnswer bounds what is read of an answer that is not a list, in bytes.
	shortAnswer = 64 << 10
)

// CreateSession makes a routed session; an archived one is recorded from the
// start.
func (c *Client) CreateSession(ctx context.Context, archived bool) (string, error) {
	form := url.Values{"archiveMode": {"manual"}, "p2p.preference": {"disabled"}}
	if archived {
		form.Set("archiveMode", "always")
	}
	body, err := c.do(ctx, call{
		operation: "create session", method: http.MethodPost, path: "/session/create",
		kind: "application/x-www-form-urlencoded", body: form.Encode(), limit: shortAnswer,
	})
	if err != nil {
		return "", err
	}
	var made []struct {
		Session string `json:"session_id"`
	}
	if json.Unmarshal(body, &made) != nil || len(made) == 0 || made[0].Session == "" {
		return "", errors.New("create session: the platform's answer names no session")
	}
	return made[0].Session, nil
}

// Disconnect ends one connection. room.ErrGone where the platform answers 404.
func (c *Client) Disconnect(ctx context.Context, session, connection string) error {
	const operation = "disconnect"
	path, err := c.path(operation, session, "connection", connection)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{operation: operation, method: http.MethodDelete, path: path, limit: shortAnswer})
	return gone(err)
}

// Signal sends data under kind to everyone in the session, or to one
// connection where connection is not empty. Vonage takes 128 bytes of kind and
// 8 kB of data (else 413); its browser library refuses a kind of more than
// letters, digits, -, _ and ~, and what the platform does is unknown. room.ErrGone where the platform answers 404.
func (c *Client) Signal(ctx context.Context, session, connection, kind string, data []byte) error {
	const operation = "signal"
	path, err := c.path(operation, session, "signal")
	if connection != "" {
		path, err = c.path(operation, session, "connection", connection, "signal")
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Type string `json:"type"`
		Data string `json:"data"`
	}{kind, string(data)})
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{
		operation: operation, method: http.MethodPost, path: path,
		kind: "application/json", body: string(body), limit: shortAnswer,
	})
	return gone(err)
}

// path names something in a session. Ids are escaped; those that a server
// could take for steps in the path name nothing that can exist.
func (c *Client) path(operation, session string, parts ...string) (string, error) {
	var b strings.Builder
	b.WriteString("/v2/project/" + url.PathEscape(c.account.Project()) + "/session/" + url.PathEscape(session))
	for _, part := range append(parts, session, c.account.Project()) {
		if !isID(part) {
			return "", fmt.Errorf("%s: %.100q is no id of a project, session or connection", operation, part)
		}
	}
	for _, part := range parts {
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String(), nil
}

// gone turns a 404 into room.ErrGone.
func gone(err error) error {
	if notFound(err) {
		return room.ErrGone
	}
	return err
}

func notFound(err error) bool {
	var refusal *room.PlatformError
	return errors.As(err, &refusal) && refusal.Status == http.StatusNotFound
}

// call is one request to the REST API.
type call struct {
	operation    string // for errors
	method, path string
	kind, body   string // Content-Type and content; "" for none
	limit        int64  // bytes of the answer
}

// do gives the body of a successful answer. Its errors carry neither the
// token nor anything of an answer's body.
func (c *Client) do(ctx context.Context, call call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &silence{call.operation, err}
	}
	defer func() { discard(res.Body); _ = res.Body.Close() }()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		c.doubt(res.StatusCode)
		return nil, &room.PlatformError{Operation: call.operation, Status: res.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, call.limit+1))
	if err != nil {
		return nil, &silence{call.operation, err}
	}
	if int64(len(body)) > call.limit {
		return nil, fmt.Errorf("%s: the platform's answer is longer than %d bytes", call.operation, call.limit)
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	token, err := c.pass()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call.operation, err)
	}
	req, err := http.NewRequestWithContext(ctx, call.method, c.base+call.path, strings.NewReader(call.body))
	if err != nil {
		return nil, fmt.Errorf("%s: the request cannot be made", call.operation)
	}
	name, value := c.env.header(token)
	req.Header.Set(name, value)
	req.Header.Set("Accept", "application/json")
	if call.kind != "" {
		req.Header.Set("Content-Type", call.kind)
	}
	return req, nil
}

// discard reads a little of what is left, so that the connection can be used
// again, and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, shortAnswer)
	_ = body.Close()
}

// silence is a request without a whole answer. Its text quotes the cause only
// where that is known to hold nothing that was sent or received.
type silence struct {
	operation string
	cause     error
}

func (s *silence) Error() string {
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(s.cause, context.Canceled):
		return s.operation + ": given up before the platform answered"
	case errors.As(s.cause, &timeout) && timeout.Timeout():
		return s.operation + ": the platform did not answer in time"
	case errors.As(s.cause, &certificate):
		return s.operation + ": the platform's certificate is not good: " + certificate.Error()
	case errors.As(s.cause, &network):
		return s.operation + ": the platform cannot be reached: " + network.Error()
	}
	return s.operation + ": the platform broke off"
}

func (s *silence) Unwrap() error { return s.cause }
