package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// served is a program that answers beside a data file of that path.
func served(t *testing.T, data string, p Program) *http.Server {
	t.Helper()
	listener, err := Listen(data)
	if err != nil {
		t.Fatal(err)
	}
	server := Server(p)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return server
}

func reader(text string) func(context.Context) (io.ReadCloser, int64, error) {
	return func(context.Context) (io.ReadCloser, int64, error) {
		return io.NopCloser(strings.NewReader(text)), int64(len(text)), nil
	}
}

func TestKeysAndBackup(t *testing.T) {
	for name, dir := range map[string]string{"short": "", "too long for a socket": strings.Repeat("long/", 40)} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), dir, "usher.db")
			if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
				t.Fatal(err)
			}
			served(t, data, Program{Keys: Keys{API: []byte("api"), Ticket: []byte("ticket")}, Snapshot: reader("everything")})
			keys, err := Dial(data).Keys(t.Context())
			if err != nil || string(keys.API) != "api" || string(keys.Ticket) != "ticket" {
				t.Errorf("%q, %v", keys, err)
			}
			var got bytes.Buffer
			if err := Dial(data).Backup(t.Context(), &got); err != nil || got.String() != "everything" {
				t.Errorf("%q, %v", &got, err)
			}
		})
	}
}

// TestNobodyElse: the socket is its owner's, and nothing is left of how it was made.
func TestNobodyElse(t *testing.T) {
	dir := t.TempDir()
	served(t, filepath.Join(dir, "usher.db"), Program{})
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "usher.db.sock" {
		t.Fatalf("%v, %v", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestLeftOver: the socket of a program that was killed is nobody's, and the next takes
// its place; closing takes it away.
func TestLeftOver(t *testing.T) {
	data := filepath.Join(t.TempDir(), "usher.db")
	absent := func() {
		t.Helper()
		if _, err := Dial(data).Keys(t.Context()); !errors.Is(err, ErrAbsent) {
			t.Errorf("a program answers: %v", err)
		}
	}
	absent()
	dead, err := Listen(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.(*listener).Listener.Close(); err != nil { // as the kernel does
		t.Fatal(err)
	}
	absent()
	server := served(t, data, Program{Keys: Keys{API: []byte("api")}})
	if _, err := Dial(data).Keys(t.Context()); err != nil {
		t.Error(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	absent()
	if _, err := os.Lstat(data + ".sock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestSomethingElseStandsThere(t *testing.T) {
	data := filepath.Join(t.TempDir(), "usher.db")
	if err := os.WriteFile(data+".sock", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(data); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("%v", err)
	}
}

// broken fails on the way.
type broken struct{ io.Reader }

func (broken) Close() error { return nil }

// TestHalfABackup: what ends too early, or never began, is none.
func TestHalfABackup(t *testing.T) {
	for name, snapshot := range map[string]func(context.Context) (io.ReadCloser, int64, error){
		"cut off": func(context.Context) (io.ReadCloser, int64, error) {
			return broken{io.MultiReader(strings.NewReader("half"), failing{})}, 8, nil
		},
		"none": func(context.Context) (io.ReadCloser, int64, error) { return nil, 0, errors.New("no room on the disk") },
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "usher.db")
			served(t, data, Program{Snapshot: snapshot})
			err := Dial(data).Backup(t.Context(), io.Discard)
			if err == nil || errors.Is(err, ErrAbsent) || name == "none" && !strings.Contains(err.Error(), "no room on the disk") {
				t.Errorf("%v", err)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk fails") }

// TestStopped: a program that hears and does not answer holds nobody up for ever.
func TestStopped(t *testing.T) {
	data := filepath.Join(t.TempDir(), "usher.db")
	l, err := Listen(data) // and nobody serves it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := Dial(data)
	c.patience = time.Millisecond
	_, err = c.Keys(t.Context())
	if err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("keys: %v", err)
	}
}
