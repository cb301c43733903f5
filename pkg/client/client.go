// Package client asks an Usher over HTTP, for the command line. Answers stay as the
// server gave them; refusals come in its own words.
//
// It is trusted to send the token nowhere but to the server that was named: it follows
// no redirect. Begin with client.go, one request, then pages.go and log.go.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"usher/pkg/journal"
)

const (
	// longestAnswer bounds what is read of one answer, in bytes.
	longestAnswer = 16 << 20
	// patience bounds one request.
	patience = time.Minute
)

// Token gives the admin token for one request. Its errors are the request's.
type Token func(context.Context) (string, error)

// Client is a server that is asked. Its methods may be called concurrently.
type Client struct {
	base  string
	token Token
	http  *http.Client
}

// New asks the server at base, which has no path of the API's.
func New(base string, token Token) *Client {
	return &Client{
		base:  strings.TrimRight(base, "/"),
		token: token,
		http: &http.Client{
			Timeout:       patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Token gives what the next request would carry.
func (c *Client) Token(ctx context.Context) (string, error) { return c.token(ctx) }

// URL is where the server is, without a slash at the end.
func (c *Client) URL() string { return c.base }

// Refusal is an answer that is no success. Its texts are the server's, and Plain.
type Refusal struct {
	Status int
	Code   string
	Detail string
	Fields []string // that are wrong; none where the server names none
}

func (r *Refusal) Error() string {
	said, name := r.Detail, r.Code
	if said == "" {
		return fmt.Sprintf("the server answered %d %s", r.Status, http.StatusText(r.Status))
	}
	if name == "" {
		name = http.StatusText(r.Status)
	}
	if fields := strings.Join(r.Fields, ", "); fields != "" {
		said += " [field: " + fields + "]"
	}
	return fmt.Sprintf("the server answered %d %s: %s", r.Status, name, said)
}

// Later reports whether the same request may succeed by itself at another time.
func (r *Refusal) Later() bool {
	return r.Status >= http.StatusInternalServerError || r.Status == http.StatusTooManyRequests
}

// ErrUnreachable is the cause of a request that had no whole answer.
var ErrUnreachable = errors.New("the server cannot be reached")

// Request is one request. A path's parts are escaped here.
type Request struct {
	Method string
	Path   []string
	Query  url.Values
	Body   []byte // JSON; nil: none
}

// Room is a request about a room.
func Room(method, name string, path ...string) Request {
	return Request{Method: method, Path: append([]string{"v1", "rooms", name}, path...)}
}

// Do asks, and gives the answer's body. The error is a *Refusal, ErrUnreachable, or the
// token's.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	body, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer+1))
	switch {
	case err != nil:
		return nil, c.unreachable(err)
	case len(body) > longestAnswer:
		return nil, fmt.Errorf("the answer of %s is longer than %d MB", c.base, longestAnswer>>20)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, refusal(res, withoutToken(req, body))
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, c.base+r.address(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func (r Request) address() string {
	var b strings.Builder
	for _, part := range r.Path {
		b.WriteString("/" + url.PathEscape(part))
	}
	if len(r.Query) > 0 {
		b.WriteString("?" + r.Query.Encode())
	}
	return b.String()
}

// unreachable says where nothing was found, without the address of the request.
func (c *Client) unreachable(err error) error {
	if at := (*url.Error)(nil); errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, c.base, err)
}

// withoutToken is an answer that does not repeat the request's token, as some servers do
// that are not Usher.
func withoutToken(r *http.Request, body []byte) []byte {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		return body
	}
	return bytes.ReplaceAll(body, []byte(token), []byte("..."))
}

// refusal reads a problem (RFC 9457); another body says nothing.
func refusal(res *http.Response, body []byte) *Refusal {
	var p struct {
		Detail string   `json:"detail"`
		Code   string   `json:"code"`
		Field  string   `json:"field"`
		Fields []string `json:"fields"`
	}
	r := &Refusal{Status: res.StatusCode}
	if json.Unmarshal(body, &p) == nil {
		r.Detail, r.Code = journal.Plain(p.Detail), journal.Plain(p.Code)
		if len(p.Fields) == 0 && p.Field != "" {
			p.Fields = []string{p.Field}
		}
		for _, field := range p.Fields {
			r.Fields = append(r.Fields, journal.Plain(field))
		}
	}
	if at, err := res.Location(); err == nil && r.Detail == "" {
		r.Detail = "go to " + at.Scheme + "://" + at.Host + ", and name that if you trust it"
	}
	return r
}

// ErrNotUsher is an answer of something else.
var ErrNotUsher = errors.New("what the server answers is not Usher's: look whether this is its address")

// Read reads what the server gave. The error is ErrNotUsher; no answer of Usher's is null.
func Read[T any](given []byte) (v T, err error) {
	if json.Unmarshal(given, &v) != nil || string(bytes.TrimSpace(given)) == "null" {
		err = ErrNotUsher
	}
	return v, err
}
