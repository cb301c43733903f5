package bench_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/timer"
	"usher/pkg/vonage"
)

// project is the one that the webhooks name.
const project = "123456"

func now() epoch.Instant { return epoch.Of(time.Now()) }

// newPlatform knows who is in and answers at once; webhooks are for a benchmark
// to post.
func newPlatform() *simulation.Platform { return simulation.NewPlatform(now, func(lesson.Event) {}) }

// newService is a doorkeeper over the store with a timer of its own.
func newService(b *testing.B, store room.Store, platform room.Platform) *doorkeeper.Service {
	b.Helper()
	var s *doorkeeper.Service
	wakes := timer.NewLocal(now, func(ctx context.Context, session string) {
		if err := s.Work(ctx, session); err != nil && ctx.Err() == nil {
			b.Errorf("work: %v", err)
		}
	})
	b.Cleanup(wakes.Close)
	s = doorkeeper.NewService(store, platform, wakes, doorkeeper.Settings{
		TokenLife: time.Minute, Project: project, Now: now, NewID: rand.Text, Log: slog.New(slog.DiscardHandler),
	})
	return s
}

func openBolt(b testing.TB) *bolt.Store {
	b.Helper()
	s, err := bolt.Open(filepath.Join(b.TempDir(), "usher.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func sessionOf(n int) string { return fmt.Sprintf("1_MX40NjkyMDM0MX5-session-%05d", n) }

// putRooms makes so many rooms over adopted sessions.
func putRooms(b *testing.B, s *doorkeeper.Service, n int, raw string) {
	b.Helper()
	p := parse(b, raw)
	numbers := make(chan int)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for i := range numbers {
				put := room.Put{Name: fmt.Sprintf("room-%05d", i), Policy: p, Session: sessionOf(i)}
				if _, _, err := s.PutRoom(b.Context(), put); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	all.Wait()
}

// serve is the webhook's whole stack at an address.
func serve(b *testing.B, s *doorkeeper.Service) (addr string) {
	b.Helper()
	server := httptest.NewServer(api.Webhook(api.WebhookOptions{
		Service: s, Decode: vonage.Decode, ErrIncomplete: vonage.ErrIncomplete, Now: now, Log: slog.New(slog.DiscardHandler),
	}))
	b.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// client posts webhooks over one connection that it keeps.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(b *testing.B, addr string) *client {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

// post fails b unless the answer is 200.
func (c *client) post(b *testing.B, event, session, connection string, created, at epoch.Instant) {
	body := fmt.Sprintf(`{"sessionId":%q,"projectId":%q,"event":%q,"reason":"clientDisconnected","timestamp":%d,`+
		`"connection":{"id":%q,"createdAt":%d,"data":"user-%s"}}`, session, project, event, at, connection, created, connection)
	_, err := fmt.Fprintf(c.conn, "POST /session-monitoring HTTP/1.1\r\nHost: usher\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil {
		b.Error(err)
		return
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		b.Error(err)
		return
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.Errorf("answered %s, %v", res.Status, err)
	}
}
