package vonagetest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Error is a refusal of the platform, with the HTTP status that says it.
type Error struct {
	Status  int
	Message string
}

func (e *Error) Error() string { return e.Message }

func fail(status int, message string) error { return &Error{Status: status, Message: message} }

// statusOf is the HTTP status of err, 200 for none.
func statusOf(err error) int {
	var e *Error
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &e):
		return e.Status
	}
	return http.StatusInternalServerError
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refuse answers in the vendor's form of an error.
func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"code": status, "message": message})
}

func refuseError(w http.ResponseWriter, err error) { refuse(w, statusOf(err), err.Error()) }

// finish answers status without a body, or the error.
func finish(w http.ResponseWriter, status int, err error) {
	if err != nil {
		refuseError(w, err)
		return
	}
	w.WriteHeader(status)
}

// Bounds of request bodies in bytes.
const (
	bodyLimit    = 64 << 10
	webhookLimit = 1 << 20
)

// readBody reads at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fail(http.StatusRequestEntityTooLarge, "the body is too large")
	}
	if err != nil {
		return nil, fail(http.StatusBadRequest, "the body ended early")
	}
	return raw, nil
}

// decode reads one JSON object into v, which starts as its defaults. An empty
// body leaves v alone; a field that v does not have is an error.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := readBody(w, r, bodyLimit)
	if err != nil || len(raw) == 0 {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fail(http.StatusBadRequest, "the body is not the JSON that is wanted here: "+err.Error())
	}
	if d.More() {
		return fail(http.StatusBadRequest, "the body goes on after its JSON object")
	}
	return nil
}
