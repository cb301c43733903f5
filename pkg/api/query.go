package api

import (
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"usher/pkg/journal"
	"usher/pkg/problem"
)

// Bounds of what a query may say.
const (
	usualPage   = 100
	longestPage = 1000
	longestText = 255 // bytes of an id or a place in a list
)

// query reads the parameters of a request; a repeated one counts once, and
// unknown ones do not count. Once err is set, what is read means nothing.
type query struct {
	values url.Values
	err    error // of the first one that is wrong
}

func queryOf(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = refuse(problem.InvalidField, "the query of this address cannot be read; percent-encode its values")
	}
	return &query{values, err}
}

func (q *query) wrong(name, format string, args ...any) {
	if q.err == nil {
		q.err = refuseField(name, format, args...)
	}
}

func (q *query) text(name string) string {
	v := q.values.Get(name)
	if len(v) > longestText || !utf8.ValidString(v) {
		q.wrong(name, "%s must be at most %d bytes of UTF-8", name, longestText)
	}
	return v
}

func (q *query) limit() int {
	v := q.values.Get("limit")
	if v == "" {
		return usualPage
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > longestPage {
		q.wrong("limit", "limit must be a whole number from 1 to %d, not %s", longestPage, clip(v))
	}
	return n
}

func (q *query) number(name string) int64 {
	v := q.values.Get(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		q.wrong(name, "%s must be a whole number from 0 up, not %s", name, clip(v))
	}
	return n
}

func (q *query) status() journal.Status {
	v := q.values.Get("status")
	switch v {
	case "", "open", "running", "paused", "ended":
	default:
		q.wrong("status", "status must be open, running, paused or ended, not %s", clip(v))
	}
	return journal.Status(v)
}
