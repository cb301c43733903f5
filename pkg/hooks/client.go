// Package hooks posts to others: what the logs say, to the owner's backend, in the
// form of the Standard Webhooks specification (Backend), and the platform's callbacks,
// as they came, to another listener (Forwarder).
//
// Nobody's answer is trusted: a request has five seconds, of an answer the status is
// looked at and no redirect is followed. The addresses may carry secrets, so no error
// of this package quotes one.
//
// Begin with backend.go and forward.go.
package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

const (
	// patience is for one request, its answer included.
	patience = 5 * time.Second
	// maxAnswer is how much of an answer is read, so that its connection serves again.
	maxAnswer = 16 << 10
)

// control is a look at the resolved address before it is dialled, see net.Dialer.
type control func(network, address string, c syscall.RawConn) error

// newClient makes a client that follows no redirects and asks no proxy: the address
// that it dials is the one that control looked at.
func newClient(look control) *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second, Control: look}
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			TLSHandshakeTimeout:    3 * time.Second,
			MaxIdleConns:           64,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post makes one request; nil means that it was answered with a status of 200 to 299.
func post(ctx context.Context, client *http.Client, address string, header http.Header, body io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return errors.New("the address is not one that can be posted to") // err quotes it
	}
	r.Header = header
	answer, err := client.Do(r)
	if err != nil {
		return nameless(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // only so that the connection serves again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("it answered %d", answer.StatusCode)
	}
	return nil
}

// nameless is the error without the address that was asked.
func nameless(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		if request.Timeout() {
			return fmt.Errorf("it did not answer within %v", patience)
		}
		return request.Err
	}
	return err
}
