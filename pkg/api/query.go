package api

import (
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"usher/pkg/problem"
)

// Bounds of what a query may say.
const (
	usualPage   = 100
	longestPage = 1000
	longestText = 255 // bytes of an id or a place in a list
)

// query reads the parameters of a request; a repeated one counts once, and
// unknown ones do not count.
type query url.Values

func queryOf(r *http.Request) (query, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(problem.InvalidField, "the query of this address cannot be read; percent-encode its values")
	}
	return query(q), nil
}

func (q query) text(name string) (string, error) {
	v := url.Values(q).Get(name)
	if len(v) > longestText || !utf8.ValidString(v) {
		return "", refuseField(name, "%s must be at most %d bytes of UTF-8", name, longestText)
	}
	return v, nil
}

func (q query) limit() (int, error) {
	v := url.Values(q).Get("limit")
	if v == "" {
		return usualPage, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > longestPage {
		return 0, refuseField("limit", "limit must be a whole number from 1 to %d, not %s", longestPage, clip(v))
	}
	return n, nil
}

func (q query) number(name string) (int64, error) {
	v := url.Values(q).Get(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, refuseField(name, "%s must be a whole number from 0 up, not %s", name, clip(v))
	}
	return n, nil
}

func (q query) status() (string, error) {
	v := url.Values(q).Get("status")
	switch v {
	case "", "open", "running", "paused", "ended":
		return v, nil
	}
	return "", refuseField("status", "status must be open, running, paused or ended, not %s", clip(v))
}
