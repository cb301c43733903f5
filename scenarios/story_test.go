package scenarios_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"usher/pkg/api"
	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
	"usher/pkg/vonage"
)

// The story's secrets and Usher's name with Vonage.
const (
	project   = "123456"
	signature = "signature secret of the story"
)

var apiSecret = []byte("the secret of the story's API, long enough")

// story is one file being run: Usher behind its HTTP handlers, Vonage with the
// people in its sessions, and a clock.
type story struct {
	file   *bolt.Store
	store  room.Store
	world  *simulation.World // keeps the time and knows who is in; its own service stays idle
	vonage *platform
	queue  *queue

	service   *doorkeeper.Service
	server    *httptest.Server
	signed    bool // callbacks must carry a signature
	down      bool // the process is not running
	storeAway bool
	errors    bytes.Buffer

	// mu is for what one request, alarm or sweep does in several goroutines.
	// Between them the story is alone and needs no lock.
	mu        sync.Mutex
	alarms    map[alarm]bool
	posts     []post
	steps     int // of the clock, so that what happens at one moment has an order
	lastSweep epoch.Instant
	sweeping  bool

	holding bool            // webhooks are held back
	held    map[string]bool // those of these connections are
	lost    map[string]bool // those of these connections never come
	kept    []post          // held back
	sent    []post          // delivered

	room     string                     // the one that commands without a name mean
	session  string                     // where people connect; "" is the room's
	tokens   map[string]api.Credentials // by user
	visited  map[string]bool            // sessions that somebody was in
	last     answer
	requests int // of Vonage, checked so far
	readings int
	signals  int
	ids      int
}

func newStory(path string) (*story, error) {
	file, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, err
	}
	s := &story{
		file: file, queue: &queue{},
		alarms: map[alarm]bool{}, sweeping: true, lastSweep: simulation.Epoch,
		held: map[string]bool{}, lost: map[string]bool{}, tokens: map[string]api.Credentials{}, visited: map[string]bool{},
	}
	s.store = storetest.Hooked{Under: file, Hook: s.away}
	s.world = simulation.NewWorld(file)
	s.world.SweepEvery = 0
	s.vonage = &platform{Platform: s.world.Platform}
	s.vonage.Notify = s.notify
	s.start()
	return s, nil
}

func (s *story) close() {
	s.server.Close()
	_ = s.file.Close() // the file is thrown away
}

// start is the start of the process: nothing in its memory yet.
func (s *story) start() {
	if s.server != nil {
		s.server.Close()
	}
	log := slog.New(slog.NewTextHandler(&s.errors, &slog.HandlerOptions{Level: slog.LevelError}))
	settings := doorkeeper.Settings{
		TokenLife: time.Minute, AllowDemo: true, Project: project,
		Now: s.world.Now, NewID: s.newID, Rest: s.rest, Log: log,
	}
	if s.queue.on {
		settings.Queue = s.queue
	}
	s.service = doorkeeper.NewService(s.store, s.vonage, (*timer)(s), settings)
	s.server = httptest.NewServer(s.handler(log))
}

func (s *story) handler(log *slog.Logger) http.Handler {
	hook := api.WebhookOptions{
		Service: s.service, Decode: vonage.Decode, ErrIncomplete: vonage.ErrIncomplete,
		Now: s.world.Now, Log: log,
	}
	if s.signed {
		hook.Verifier = vonage.NewVerifier(signature, func() time.Time { return s.now().Std() })
	}
	mux := http.NewServeMux()
	mux.Handle(api.WebhookPath, api.Webhook(hook))
	mux.Handle("/", api.New(api.Options{Service: s.service, APISecret: apiSecret, Now: s.world.Now, Version: "story", Log: log}))
	return mux
}

func (s *story) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("id%d", s.ids)
}

// rest lets the time go by for a request that has to wait.
func (s *story) rest(ctx context.Context, until epoch.Instant) error {
	s.world.Advance(until)
	return ctx.Err()
}

func (s *story) now() epoch.Instant { return s.world.Now() }

// since is a moment as stories write it: the time since they began.
func since(t epoch.Instant) string {
	return (time.Duration(t-simulation.Epoch) * time.Millisecond).String()
}

// tell is what happened, for somebody who looks for the reason of a failure.
func (s *story) tell() string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "The story stands at %s.\n", since(s.now()))
	for _, session := range s.sessions() {
		fmt.Fprintf(b, "\nIn session %s in truth: %s\nIts log:\n", session, strings.Join(s.vonage.In(session), " "))
		l, err := s.world.Lesson(session)
		if err != nil {
			fmt.Fprintf(b, "  %v\n", err)
			continue
		}
		b.WriteString(indent(s.log(l)))
	}
	b.WriteString("\nRequests to disconnect:\n" + indent(s.requestLines(0)))
	fmt.Fprintf(b, "\nThe last answer of the API: %s\n", s.last)
	if s.errors.Len() > 0 {
		b.WriteString("\nErrors that the process logged:\n" + indent(s.errors.String()))
	}
	return b.String()
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
