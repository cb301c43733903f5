// Package vonage speaks with Vonage Video in both of its environments, OpenTok
// and Unified: it checks and decodes the webhooks of session monitoring, calls
// the REST API and signs client tokens. Its Client is a room.Platform.
//
// It is trusted to let no unsigned callback through, to read webhooks as leniently
// as Vonage sends them, and to say of a reading of the list whether it is
// complete. Paths, claims and limits are those of Vonage's server SDKs and
// documentation.
//
// Begin with verify.go and event.go for webhooks, connections.go and rest.go for
// requests to Vonage, token.go for the tokens of clients.
package vonage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"usher/pkg/room"
)

// Options are what a Client needs. Everything but the Account may be left out.
type Options struct {
	Account Account
	// BaseURL is the REST API's, with or without a path; "" is the
	// environment's own.
	BaseURL string
	// HTTP is used without following redirects, which would carry the token
	// to another host; nil is a client that keeps 64 connections.
	HTTP  *http.Client
	Now   func() time.Time // nil: time.Now
	NewID func() string    // names a token; nil: 128 random bits
}

// Client calls Vonage for one account. It is safe for concurrent use.
type Client struct {
	account Account
	env     environment
	base    string
	http    *http.Client
	now     func() time.Time
	newID   func() string

	mu    sync.Mutex
	held  string // the token that REST requests carry
	valid period // when held may be used
}

var _ room.Platform = (*Client)(nil)

// NewClient checks the account and the URL without calling anybody. Its errors
// say what is wrong with which setting and quote no secret.
func NewClient(o Options) (*Client, error) {
	env, err := o.Account.environment()
	if err != nil {
		return nil, err
	}
	if o.BaseURL == "" {
		o.BaseURL = env.home()
	}
	base, err := cleanBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{account: o.Account, env: env, base: base, http: direct(o.HTTP), now: o.Now, newID: o.NewID}
	if c.now == nil {
		c.now = time.Now
	}
	if c.newID == nil {
		c.newID = rand.Text
	}
	return c, nil
}

// cleanBase gives the URL without slashes at its end.
func cleanBase(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("the platform's URL cannot be read: it is like https://video.api.vonage.com")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("the platform's URL %s is not like https://video.api.vonage.com: http or https, a host, perhaps a path, nothing else", shown(u))
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// shown is the URL without the parts that may hold a secret.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// direct gives a client that follows no redirects.
func direct(h *http.Client) *http.Client {
	if h == nil {
		h = &http.Client{Transport: manyConnections()}
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// manyConnections keeps enough connections open to empty a full room at once.
func manyConnections() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 64
	return t
}
