package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"usher/pkg/problem"
)

// soon is the Retry-After of a 503 that names none.
const soon = 2 * time.Second

// problemBody is the body of a refusal (RFC 9457). The type is about:blank, so the
// title is the status in words; code tells refusals apart.
type problemBody struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Code   problem.Code `json:"code"`
	Field  string       `json:"field,omitempty"`  // the first of Fields
	Fields []string     `json:"fields,omitempty"` // where there are several
}

func refuse(code problem.Code, format string, args ...any) *problem.Details {
	return &problem.Details{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// refuseField says that one field is wrong.
func refuseField(field, format string, args ...any) *problem.Details {
	p := refuse(problem.InvalidField, format, args...)
	p.Fields = []string{field}
	return p
}

func writeProblem(w http.ResponseWriter, p *problem.Details) {
	status := statusOf[p.Code]
	body := problemBody{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: p.Detail, Code: shown(p.Code)}
	if len(p.Fields) > 0 {
		body.Field = p.Fields[0]
	}
	if len(p.Fields) > 1 {
		body.Fields = p.Fields
	}
	after := p.RetryAfter
	if after <= 0 && status == http.StatusServiceUnavailable {
		after = soon
	}
	if after > 0 {
		w.Header().Set("Retry-After", wholeSeconds(after))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	write(w, status, "application/problem+json", body)
}

// wholeSeconds rounds up, so that a client that waits as long has waited enough.
func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	write(w, status, "application/json", v)
	return nil
}

func write(w http.ResponseWriter, status int, kind string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values of this package's own types come here
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// clip shortens a value that somebody sent, for showing it.
func clip(s string) string { return clipTo(s, 60) }

func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
