package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

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
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, refuse(problem.BadJSON, "the body must be valid JSON in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, _ := d.Token(); start != json.Delim('{') {
		return nil, refuse(problem.BadJSON, "the body must be a JSON object")
	}
	fields := map[string]json.RawMessage{}
	seen := map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, refuse(problem.BadJSON, "the body must be valid JSON in UTF-8")
		}
		switch {
		case !slices.Contains(names, name):
			return nil, refuseField(clip(name), "%q is not a field here; there are %s", clip(name), strings.Join(names, " and "))
		case seen[name]:
			return nil, refuse(problem.BadJSON, "%s stands there twice", name)
		case string(value) != "null":
			fields[name] = value
		}
		seen[name] = true
	}
	return fields, nil
}
