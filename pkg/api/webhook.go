package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"usher/pkg/checkup"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// WebhookPath is where Vonage's session monitoring posts.
const WebhookPath = "/session-monitoring"

// Listener is the part of the doorkeeper that the webhook uses: nil means that the
// event, or its effect, is durable; an error that nothing could be stored
// anywhere.
type Listener interface {
	Hear(ctx context.Context, e lesson.Event) error
}

// Verifier checks a signed callback: the Authorization header against the raw
// body.
type Verifier interface {
	Verify(authorization string, body []byte) error
}

// WebhookOptions are what Webhook needs. Service, Decode and Now are required.
type WebhookOptions struct {
	Service  Listener
	Verifier Verifier // nil: unsigned callbacks are allowed
	// Sources are the networks that a callback may come from, by the address of the
	// connection (a gateway's or proxy's where there is one, for headers can be made up;
	// API Gateway says whose it was itself); nil: any.
	Sources []netip.Prefix
	// Decode reads a body that came at received. Every error of it is a 400:
	// one that is ErrIncomplete says that sessionId or event is missing, any
	// other that the JSON is malformed.
	Decode        func(body []byte, received epoch.Instant) (lesson.Event, error)
	ErrIncomplete error
	// Keep makes an authenticated callback durable that goes on to another listener;
	// nil: there is none.
	Keep func(ctx context.Context, c room.Callback) error
	// Heard is called beside each authenticated callback that is not a checkup's own; the
	// answer waits for it. nil: nobody asks.
	Heard   func(ctx context.Context)
	Now     func() epoch.Instant
	Log     *slog.Logger    // nil: slog.Default()
	Metrics metric.Recorder // nil: nothing is measured
}

// Webhook makes the handler of POST /session-monitoring, under any base path.
// Other paths are 404: a gateway cannot route a slash at the end by itself
// and hands over everything below.
func Webhook(o WebhookOptions) http.Handler {
	if o.Metrics == nil {
		o.Metrics = metric.Nobody{}
	}
	s := newServer(Options{Now: o.Now, Log: o.Log})
	s.measure = o.measure
	hear := methods{http.MethodPost: o.hear}
	return s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isWebhookPath(r.URL.Path) {
			notFound(w, r)
			return
		}
		hear.ServeHTTP(w, r)
	}))
}

// measure counts the answer to a callback, and how long after Vonage's timestamp it came.
func (o WebhookOptions) measure(status int, left *note) {
	result := metric.Malformed
	switch {
	case status < http.StatusBadRequest:
		result = metric.Heard
		if left.event != nil {
			o.Metrics.Record(metric.Answered, "", o.Now().Sub(left.event.At).Milliseconds())
		}
	case status >= http.StatusInternalServerError:
		result = metric.Unanswered
	case status == http.StatusUnauthorized:
		result = metric.Unauthorized
	}
	o.Metrics.Record(metric.Webhooks, result, 1)
}

// isWebhookPath reports whether path ends in WebhookPath, also with a slash at
// the end, as people paste it.
func isWebhookPath(path string) bool {
	return strings.HasSuffix(strings.TrimSuffix(path, "/"), WebhookPath)
}

// hear checks in this order: size, source, signature, media type, JSON; the method has
// been.
func (o WebhookOptions) hear(w http.ResponseWriter, r *http.Request) error {
	received := o.Now()
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if err := o.source(r); err != nil {
		return err
	}
	if o.Verifier != nil {
		if err := o.Verifier.Verify(r.Header.Get("Authorization"), body); err != nil {
			p := refuse(codeUnauthorized, "the callback's signature is missing or wrong")
			p.Cause = err
			return p
		}
	}
	defer o.keep(r, body, received)()
	if !isJSON(strings.Join(r.Header.Values("Content-Type"), ",")) {
		return refuse(codeMedia, "the body must be application/json")
	}
	e, err := o.Decode(body, received)
	if err != nil {
		return o.malformed(err)
	}
	noteOf(r).event = &e
	ctx, cancel := work(r)
	defer cancel()
	defer o.heard(ctx, e)()
	if err := o.Service.Hear(ctx, e); err != nil {
		p := refuse(codeUnavailable, "the event could not be stored; send it again")
		p.Cause = err
		return p
	}
	return writeJSON(w, http.StatusOK, struct{}{})
}

// source refuses a callback from elsewhere. What is answered says no more than of a wrong
// signature; the log has the address.
func (o WebhookOptions) source(r *http.Request) error {
	if o.Sources == nil {
		return nil
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	ip := from.Addr().Unmap().WithZone("")
	if err == nil && slices.ContainsFunc(o.Sources, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	p := refuse(codeUnauthorized, "the callback's signature or source is wrong")
	p.Cause = fmt.Errorf("a callback from %s, which USHER_CALLBACK_SOURCES does not name", clip(r.RemoteAddr))
	return p
}

// forwarded marks a callback that has been sent on: it is not sent on again.
const forwarded = "Usher-Forwarded"

// keepPatience bounds how long the answer waits for a callback to be kept.
const keepPatience = 3 * time.Second

// keep makes the callback durable that goes on, beside what is decided by it. The answer
// waits for that by the function it gives. Where it fails the callback is none the less
// heard: the other listener misses it.
func (o WebhookOptions) keep(r *http.Request, body []byte, received epoch.Instant) (wait func()) {
	if o.Keep == nil || r.Header.Get(forwarded) != "" {
		return func() {}
	}
	done := make(chan struct{})
	callback := room.Callback{Received: received, Header: r.Header.Clone(), Body: body}
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				o.Metrics.Record(metric.Undelivered, metric.ToListener, 1)
				o.log().ErrorContext(r.Context(), "a callback could not be kept for the other listener, which misses it", "alarm", "not-forwarded", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepPatience)
		defer cancel()
		if err := o.Keep(ctx, callback); err != nil {
			o.Metrics.Record(metric.Undelivered, metric.ToListener, 1)
			o.log().ErrorContext(ctx, "a callback could not be kept for the other listener, which misses it", "alarm", "not-forwarded", "error", err)
		}
	}()
	return func() { <-done }
}

// heard says that Vonage called, beside what is decided by it.
func (o WebhookOptions) heard(ctx context.Context, e lesson.Event) (wait func()) {
	if o.Heard == nil || checkup.IsMadeUp(e.Connection) {
		return func() {}
	}
	var done sync.WaitGroup
	done.Go(func() { o.Heard(ctx) })
	return done.Wait
}

func (o WebhookOptions) log() *slog.Logger {
	if o.Log == nil {
		return slog.Default()
	}
	return o.Log
}

func (o WebhookOptions) malformed(err error) error {
	if o.ErrIncomplete != nil && errors.Is(err, o.ErrIncomplete) {
		p := refuseField("sessionId", "the body needs sessionId and event")
		p.Fields = append(p.Fields, "event")
		return p
	}
	return refuse(problem.BadJSON, "the body must be the JSON of a session-monitoring event")
}

// isJSON takes application/json and every type that ends in +json, with any
// parameters, also said several times: a proxy joins doubled header lines.
func isJSON(contentType string) bool {
	if isJSONType(contentType) {
		return true
	}
	for each := range strings.SplitSeq(contentType, ",") {
		if !isJSONType(each) {
			return false
		}
	}
	return true
}

func isJSONType(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}
