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

// longestBody is the most bytes that the body of a request may have.
const longestBody = 64 << 10

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > longestBody {
		return nil, tooLarge()
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, tooLarge()
	case err != nil:
		return nil, refuse(problem.BadJSON, "the body broke off before its end")
	}
	return raw, nil
}

func tooLarge() error {
	return refuse(codeTooLarge, "the body must be at most %d bytes", longestBody)
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
