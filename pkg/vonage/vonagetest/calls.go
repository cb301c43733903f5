package vonagetest

import (
	"net/http"
	"sync"
)

// Request is a request that the REST API received.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"`
	At     int64  `json:"at"`     // when it came, in milliseconds since the epoch
	Status int    `json:"status"` // of the answer; 0 while there is none
}

// callLog is the record of the REST API's requests.
type callLog struct {
	mu   sync.Mutex
	list []*Request
}

// begin records a request; done adds its answer. The clock is read in the order
// of the record.
func (l *callLog) begin(w http.ResponseWriter, r *http.Request, now func() int64) (_ http.ResponseWriter, done func()) {
	call := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	l.mu.Lock()
	call.At = now()
	l.list = keepLast(l.list, call, recorded)
	l.mu.Unlock()
	tap := &tap{ResponseWriter: w, status: http.StatusOK}
	return tap, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		call.Status = tap.status
	}
}

// tap sees the status of an answer pass.
type tap struct {
	http.ResponseWriter
	status int
}

func (t *tap) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Requests lists at least the last 10,000 requests that the REST API received,
// in the order in which they came.
func (p *Platform) Requests() []Request {
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	list := make([]Request, 0, len(p.calls.list))
	for _, call := range p.calls.list {
		list = append(list, *call)
	}
	return list
}
