// Package control is the way to a running program for whoever may open its data file: a
// Unix socket beside that, of mode 0600. Through it the command line signs with the keys
// that are in force, and takes a backup while the program holds the file's lock.
//
// Nobody gains by it what the file's owner does not have: the keys of the process, and
// everything that the file holds. It is trusted to be open to that owner alone. Begin
// with control.go, what is served, then client.go and socket.go.
package control

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Keys sign bearer tokens. Ticket is nil where API signs tickets too.
type Keys struct {
	API    []byte `json:"api"`
	Ticket []byte `json:"ticket,omitempty"`
}

// Program is what is asked of the running program.
type Program struct {
	Keys Keys
	// Snapshot gives what the data file holds at one moment, and how many bytes that
	// are. Its reader depends on nobody's speed.
	Snapshot func(context.Context) (io.ReadCloser, int64, error)
}

// longestBackup bounds how long somebody may take to fetch a backup.
const longestBackup = time.Hour

// Server serves the program at a listener of Listen's.
func Server(p Program) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /backup", p.backup)
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: longestBackup}
}

func (p Program) keys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(p.Keys)
}

// backup breaks off where it fails on the way: the reader then has fewer bytes than were
// announced.
func (p Program) backup(w http.ResponseWriter, r *http.Request) {
	from, size, err := p.Snapshot(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = from.Close() }() // it was only read
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if _, err := io.Copy(w, from); err != nil {
		panic(http.ErrAbortHandler)
	}
}
