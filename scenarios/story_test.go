package scenarios_test

import (
	"bytes"
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
	"usher/pkg/lesson"
	"usher/pkg/room/storetest"
	"usher/pkg/vonage"
)

// The story's secrets and Usher's name with Vonage.
const (
	project   = "123456"
	signature = "signature secret of the story"
)

var apiSecret = []byte("the secret of the story's API, long enough")

// story is one file being run: a world over the real store, and Usher in it
// behind its HTTP handlers.
type story struct {
	*simulation.World
	file   *bolt.Store
	away   bool // the store cannot be reached
	server *httptest.Server
	signed bool // callbacks must carry a signature
	down   bool // the process is not running
	log    *slog.Logger
	errors bytes.Buffer // what it reports as an error

	// mu is for what one request, wake or sweep does in several goroutines.
	// Between them the story is alone and needs no lock.
	mu      sync.Mutex
	holding bool            // webhooks are held back
	held    map[string]bool // those of these connections are
	lost    map[string]bool // those of these connections never come
	sent    []lesson.Event  // delivered

	room     string                     // the one that commands without a name mean
	session  string                     // where people connect; "" is the room's
	tokens   map[string]api.Credentials // by user
	last     answer
	requests int // of Vonage, checked so far
	readings int
	signals  int
	words    int
}

func newStory(path string) (*story, error) {
	file, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, err
	}
	s := &story{file: file, held: map[string]bool{}, lost: map[string]bool{}, tokens: map[string]api.Credentials{}}
	s.World = simulation.NewWorld(storetest.Hooked{Under: file, Hook: s.storeFails})
	s.log = slog.New(slog.NewTextHandler(&s.errors, &slog.HandlerOptions{Level: slog.LevelError}))
	s.Settings = func(set *doorkeeper.Settings) { set.Log = s.log }
	s.Platform.Notify, s.Deliver = s.notify, s.deliver
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
	s.Restart()
	s.server = httptest.NewServer(s.handler())
}

func (s *story) handler() http.Handler {
	hook := api.WebhookOptions{
		Service: s.Service, Decode: vonage.Decode, ErrIncomplete: vonage.ErrIncomplete,
		Now: s.Now, Log: s.log,
	}
	if s.signed {
		hook.Verifier = vonage.NewVerifier(signature, func() time.Time { return s.Now().Std() })
	}
	mux := http.NewServeMux()
	mux.Handle(api.WebhookPath, api.Webhook(hook))
	mux.Handle("/", api.New(api.Options{Service: s.Service, APISecret: apiSecret, Now: s.Now, Version: "story", Log: s.log}))
	return mux
}

// since is a moment as stories write it: the time since they began.
func since(t epoch.Instant) string {
	return t.Sub(simulation.Epoch).String()
}

// tell is what happened, for somebody who looks for the reason of a failure.
func (s *story) tell() string {
	s.away = false // to look into it
	b := &strings.Builder{}
	fmt.Fprintf(b, "The story stands at %s.\n", since(s.Now()))
	for _, session := range s.Platform.Sessions() {
		_, lines, err := s.Log(session)
		fmt.Fprintf(b, "\nIn session %s in truth: %s\nIts log: %v\n", session, strings.Join(s.Platform.In(session), " "), err)
		b.WriteString(indent(printed(lines)))
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
