package api

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"usher/pkg/journal"
	"usher/pkg/object"
	"usher/pkg/policy"
)

// Bounds of what a query may say.
const (
	usualPage   = 100
	longestPage = 1000
	longestText = 255 // characters of an id or a place in a list
)

// query reads the parameters of a request, each of which may stand there once;
// unknown ones do not count. Once err is set, the values read mean nothing.
type query struct {
	values url.Values
	err    error // of the first one that is wrong
}

func queryOf(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.wrong(unreadable(r.URL.RawQuery), "the query of this address cannot be read; percent-encode its values")
	}
	return q
}

// unreadable names the first parameter that url.ParseQuery cannot read, as it
// was sent where that is its name.
func unreadable(raw string) string {
	for pair := range strings.SplitSeq(raw, "&") {
		if _, err := url.ParseQuery(pair); err != nil {
			name, _, _ := strings.Cut(pair, "=")
			if plain, err := url.QueryUnescape(name); err == nil && !strings.Contains(name, ";") {
				name = plain
			}
			return object.Member{Name: name}.Readable()
		}
	}
	return ""
}

func (q *query) wrong(name, format string, args ...any) {
	if q.err == nil {
		q.err = refuseField(name, format, args...)
	}
}

// one gives the value of a parameter, and whether it is there.
func (q *query) one(name string) (value string, there bool) {
	all := q.values[name]
	if len(all) > 1 {
		q.wrong(name, "%s stands in the query %d times; say it once", name, len(all))
	}
	if len(all) == 0 {
		return "", false
	}
	return all[0], true
}

// text is a text that may be empty.
func (q *query) text(name string) string {
	v, _ := q.one(name)
	if utf8.RuneCountInString(v) > longestText || !utf8.ValidString(v) {
		q.wrong(name, "%s must be at most %d characters of UTF-8", name, longestText)
	}
	return v
}

// user is a text that is "" or a user.
func (q *query) user(name string) string {
	v, _ := q.one(name)
	if v != "" && !policy.ValidUser(v) {
		q.wrong(name, "%s must be 1 to 128 bytes of UTF-8 without control characters, line separators and direction overrides", name)
	}
	return v
}

// id is a text that is not empty where it is there.
func (q *query) id(name string) string {
	v := q.text(name)
	if q.values.Has(name) && v == "" {
		q.wrong(name, "%s is empty; leave it out to ask for the newest", name)
	}
	return v
}

// zone is a time zone by its IANA name; UTC where none is asked for. "Local" is none: it
// would be the server's.
func (q *query) zone() *time.Location {
	name, there := q.one("zone")
	if !there {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		q.wrong("zone", "zone must be the IANA name of a time zone, like Europe/Berlin, not %q", clip(name))
		return time.UTC
	}
	return zone
}

func (q *query) limit() int {
	n, ok := q.whole("limit", 1, longestPage)
	if !ok {
		return usualPage
	}
	return int(n)
}

func (q *query) number(name string) int64 {
	n, _ := q.whole(name, 0, math.MaxInt64)
	return n
}

// whole reads a whole number in its usual form: no sign, no leading zeros.
func (q *query) whole(name string, least, most int64) (n int64, there bool) {
	v, there := q.one(name)
	if !there {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < least || n > most || strconv.FormatInt(n, 10) != v {
		q.wrong(name, "%s must be a whole number from %d to %d, not %q", name, least, most, clip(v))
	}
	return n, true
}

func (q *query) status() journal.Status {
	v, there := q.one("status")
	known := []string{"open", "running", "paused", "ended"}
	if there && !slices.Contains(known, v) {
		q.wrong("status", "status must be open, running, paused or ended, not %q", clip(v))
	}
	return journal.Status(v)
}
