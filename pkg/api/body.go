package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"usher/pkg/object"
	"usher/pkg/problem"
)

// Bounds of the bodies of requests, in bytes.
const (
	longestBody   = 64 << 10
	longestPolicy = 128 << 10 // a list of 500 of the longest users, and the rest of a policy
)

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return readUpTo(w, r, longestBody)
}

func readUpTo(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, tooLarge(most)
	case err != nil:
		return nil, refuse(problem.BadJSON, "the body broke off before its end")
	}
	return raw, nil
}

func tooLarge(most int64) error {
	return refuse(codeTooLarge, "the body must be at most %d bytes", most)
}

// readObject reads a JSON object that may have these members and no others,
// each once. Those that are null are left out.
func readObject(raw []byte, names ...string) (map[string]json.RawMessage, error) {
	members, err := object.Members(raw)
	if err != nil {
		return nil, refuse(problem.BadJSON, "the body must be a JSON object: %v", err)
	}
	fields := map[string]json.RawMessage{}
	for _, m := range members {
		switch name := m.Readable(); {
		case !slices.Contains(names, m.Name):
			return nil, refuseField(name, "%s is not a field here; there are %s", name, strings.Join(names, " and "))
		case m.Again:
			return nil, refuse(problem.BadJSON, "%s stands there twice", name)
		case !m.Null():
			fields[m.Name] = m.Value
		}
	}
	return fields, nil
}
