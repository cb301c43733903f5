package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/vonage/vonagetest"
)

// tool is the command line as the program's owner types it.
func (p *started) tool(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.Path, args...)
	cmd.Env = slices.Concat(p.Env, []string{"USHER_URL=" + p.url})
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
	return string(out)
}

// TestBackupWhileWritesGoOn: backups are taken while rooms are put, the program is killed
// and its file lost; by the last one the lesson goes on, with the people who are still in it
// and everything that was answered before that backup began.
func TestBackupWhileWritesGoOn(t *testing.T) {
	dir := t.TempDir()
	data, kept := filepath.Join(dir, "usher.db"), filepath.Join(dir, "kept.db")
	vonage := newVonage(t)
	first := launch(t, vonage.vars("USHER_DATA="+data)...)
	vonage.front.lead(first.url)
	if status, answer := first.call(t, "PUT", "/v1/rooms/algebra", `{"maxSeats":2,"lessonSeconds":3600}`); status != http.StatusCreated {
		t.Fatalf("put: %d %s", status, answer)
	}
	for _, user := range []string{"alice", "bob"} {
		vonage.enter(first, user)
	}
	session := vonage.session(first)
	before := first.tool(t, "log", "algebra", "--json")

	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				first.call(t, "PUT", fmt.Sprintf("/v1/rooms/w%d-%d", w, n), `{"maxSeats":2}`)
			}
		})
	}
	for n := range 3 {
		if status, _ := first.call(t, "PUT", fmt.Sprintf("/v1/rooms/before-%d", n), `{}`); status != http.StatusCreated {
			t.Errorf("put: %d", status)
		}
		first.tool(t, "backup", kept)
	}
	close(stop)
	writers.Wait()
	_ = first.Process.Kill()
	_ = first.Wait()
	if info, err := os.Stat(kept); err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup has the mode %v, %v", info.Mode(), err)
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	first.tool(t, "restore", kept)

	second := launch(t, vonage.vars("USHER_DATA="+data)...)
	vonage.front.lead(second.url)
	for n := range 3 {
		second.tool(t, "room", fmt.Sprintf("before-%d", n))
	}
	if after := second.tool(t, "log", "algebra", "--json"); !strings.HasPrefix(after, before) {
		t.Errorf("the log was\n%s\nand is\n%s", before, after)
	}
	if room := second.tool(t, "room", "algebra"); !strings.Contains(room, "running") {
		t.Errorf("the lesson does not go on:\n%s", room)
	}
	second.token = first.token // the key is the same
	if status, _ := second.call(t, "POST", "/v1/rooms/algebra/extend", `{"seconds":60}`); status != http.StatusOK {
		t.Errorf("extend: %d", status)
	}
	second.tool(t, "end", "algebra")
	for end := time.Now().Add(30 * time.Second); len(vonage.Connected(session)) > 0; <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the lesson has ended, and people are still in")
		}
	}
}

// vonage is a simulated platform that outlives the program.
type vonage struct {
	*vonagetest.Platform
	t     *testing.T
	front *front
	url   string
}

const vonageSecret = "0123456789abcdef0123456789abcdef01234567"

func newVonage(t *testing.T) *vonage {
	t.Helper()
	f := newFront(t)
	p := vonagetest.New(vonagetest.Options{APIKey: "47000001", APISecret: vonageSecret, Callback: f.url + "/session-monitoring"})
	server := httptest.NewServer(p)
	t.Cleanup(func() { p.Close(); server.Close() })
	return &vonage{p, t, f, server.URL}
}

// vars are the settings of a program that has its account there.
func (v *vonage) vars(more ...string) []string {
	return append(more, "OPENTOK_API_KEY=47000001", "OPENTOK_API_SECRET="+vonageSecret, "VONAGE_VIDEO_URL="+v.url)
}

// enter lets a user join and connect, and waits until it has a seat.
func (v *vonage) enter(p *started, user string) {
	v.t.Helper()
	guest := started{url: p.url, token: strings.TrimSpace(p.tool(v.t, "ticket", "algebra", user))}
	status, answer := guest.call(v.t, "POST", "/v1/rooms/algebra/join", "")
	var with struct{ SessionID, Token string }
	if err := json.Unmarshal([]byte(answer), &with); err != nil || status != http.StatusOK {
		v.t.Fatalf("join: %d %s %v", status, answer, err)
	}
	c, err := v.Connect(with.SessionID, with.Token)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := p.heardOf(v.t, with.SessionID, c.ID); err != nil {
		v.t.Fatal(err)
	}
}

func (v *vonage) session(p *started) string {
	v.t.Helper()
	_, answer := p.call(v.t, "GET", "/v1/rooms/algebra", "")
	var room struct{ SessionID string }
	if err := json.Unmarshal([]byte(answer), &room); err != nil || room.SessionID == "" {
		v.t.Fatalf("%s, %v", answer, err)
	}
	return room.SessionID
}
