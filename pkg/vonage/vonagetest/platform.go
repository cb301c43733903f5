// Package vonagetest is a simulated Vonage Video platform: the REST API, the
// webhooks, a stand-in for the browser's OpenTok script, faults on demand, and
// a control API through which a script or a test plays the clients.
//
// It judges whoever talks to it by the vendor's documentation alone, and so
// shares no code with the client that this project uses. Whatever the control
// API does, a method of Platform does as well, so that a test needs no HTTP.
//
// It holds no media and forgets who was in when its process ends; session ids
// it knows again, with nobody in them. It is no place for real credentials:
// the control API asks nobody who they are.
package vonagetest

import (
	"context"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options say whose project is simulated and where its webhooks go. At least
// one of the two pairs is needed; with both, sessions are made for the one that
// the caller of the REST API proves to be, and for OpenTok by CreateSession.
type Options struct {
	APIKey    string // OpenTok environment
	APISecret string

	ApplicationID string // Unified environment
	PublicKey     *rsa.PublicKey

	// Callback is the whole URL of the session-monitoring webhook. Empty:
	// webhooks are recorded and sent nowhere.
	Callback string
	// SignatureSecret signs callbacks. Empty: they are not signed.
	SignatureSecret string

	HTTP  *http.Client     // for callbacks; nil: one of its own
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: silent
	Retry Retry            // of callbacks; zero: the vendor's
	// Grace is how long a page's connection outlives its event stream; zero:
	// 3 seconds.
	Grace time.Duration
}

// Platform is the simulated platform, an http.Handler for all of its paths.
// All methods may be called at once from many goroutines.
type Platform struct {
	opts   Options
	mux    *http.ServeMux
	ctx    context.Context
	cancel context.CancelFunc
	tasks  *tasks
	faults *faultBox
	post   *courier
	calls  *callLog

	mu       sync.Mutex
	sessions map[string]*sessionState
}

// New starts a platform with nobody in it. Close ends it.
func New(o Options) *Platform {
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = 3 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Platform{opts: o, ctx: ctx, cancel: cancel, sessions: map[string]*sessionState{}}
	p.tasks = newTasks()
	p.faults = newFaultBox()
	p.calls = &callLog{}
	p.post = newCourier(p)
	p.mux = p.routes()
	return p
}

// Close stops deliveries, timers and open event streams, and returns when no
// goroutine of the platform is left. An http.Server that serves the platform
// shuts down only after Close, because event streams stay open until then.
func (p *Platform) Close() {
	p.cancel()
	p.tasks.close()
}

func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.ctx.Err() != nil {
		refuse(w, http.StatusServiceUnavailable, "the simulator has been closed")
		return
	}
	p.mux.ServeHTTP(w, r)
}

func (p *Platform) routes() *http.ServeMux {
	mux := http.NewServeMux()
	p.restRoutes(mux)
	p.clientRoutes(mux)
	p.controlRoutes(mux)
	mux.HandleFunc("GET /opentok.js", serveScript)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	})
	return mux
}

func (p *Platform) now() time.Time { return p.opts.Now() }

func (p *Platform) millis() int64 { return p.now().UnixMilli() }

// tasks are the goroutines and timers of a platform, counted so that Close can
// wait for them.
type tasks struct {
	mu     sync.Mutex
	closed bool
	timers map[*time.Timer]struct{}
	wg     sync.WaitGroup
}

func newTasks() *tasks { return &tasks{timers: map[*time.Timer]struct{}{}} }

// run starts f in a goroutine, unless the platform is closed.
func (t *tasks) run(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

// after runs f when d has passed, unless the platform is closed or stop is
// called before.
func (t *tasks) after(d time.Duration, f func()) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return func() {}
	}
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		t.mu.Lock()
		delete(t.timers, timer)
		t.mu.Unlock()
		t.run(f)
	})
	t.timers[timer] = struct{}{}
	return func() {
		timer.Stop()
		t.mu.Lock()
		delete(t.timers, timer)
		t.mu.Unlock()
	}
}

func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	for timer := range t.timers {
		timer.Stop()
	}
	clear(t.timers)
	t.mu.Unlock()
	t.wg.Wait()
}
