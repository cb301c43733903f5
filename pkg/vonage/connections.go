package vonage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

const (
	// pageSize is what is asked for, Vonage's largest; a server may give less.
	pageSize = 1000
	// maxListed is above the 15,000 connections that a session can have.
	maxListed = 16_000
	// maxPages is enough for them at Vonage's default page of 50.
	maxPages = maxListed / 50
	// longAnswer bounds one page, in bytes; an entry has about 120.
	longAnswer = 4 << 20
	// readWithin bounds a reading of all pages.
	readWithin = 10 * time.Second
)

// Connections reads the list of a session's connections until a page is empty,
// for neither a short page nor the answer's count says that it was the last. So
// a list of one page costs two requests, an empty one a single request.
//
// The Reading is Whole where all that was shown stood in a first page of fewer
// than were asked for and every entry could be read. A 404 ends the list and
// proves no absence (NotFound says where it is all the answer); neither does a
// page that repeats the one before, from a server that cannot page, nor a list
// over 16,000. Entries without an id that could be asked for are left out. One
// race is accepted: a server that gave less than it was asked for
// and then lost somebody before the second request hides a connection that it had
// kept back.
func (c *Client) Connections(ctx context.Context, session string) (lesson.Reading, error) {
	const operation = "list connections"
	path, err := c.path(operation, session, "connection")
	if err != nil {
		return lesson.Reading{}, err
	}
	l := listing{began: epoch.Of(c.now()), known: map[string]bool{}}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	for !l.done {
		body, err := c.do(ctx, call{operation: operation, method: http.MethodGet, path: l.next(path), limit: longAnswer})
		if notFound(err) {
			r := l.reading(false)
			r.NotFound = l.pages == 0
			return r, nil
		}
		if err != nil {
			return lesson.Reading{}, err
		}
		page, err := parsePage(body)
		if err != nil {
			return lesson.Reading{}, fmt.Errorf("%s: %w", operation, err)
		}
		l.add(page)
	}
	return l.reading(l.whole), nil
}

// listing is a list on its way in.
type listing struct {
	began   epoch.Instant
	present []lesson.Presence
	known   map[string]bool

	pages   int // that were not empty
	offset  int
	last    []entry
	unclear bool // an entry had no id that can be asked for
	whole   bool
	done    bool
}

func (l *listing) next(path string) string {
	return fmt.Sprintf("%s?count=%d&offset=%d", path, pageSize, l.offset)
}

func (l *listing) add(page []entry) {
	if len(page) == 0 {
		l.whole, l.done = l.pages <= 1 && l.offset < pageSize && !l.unclear, true
		return
	}
	for _, e := range page {
		l.take(e)
	}
	l.pages++
	l.offset += len(page)
	l.done = slices.Equal(page, l.last) || l.pages >= maxPages || len(l.present) >= maxListed
	l.last = page
}

func (l *listing) take(e entry) {
	switch {
	case e.State == "Disconnected":
		// The vendor's own fixtures list such an entry: it is not present.
	case !isID(e.ID):
		l.unclear = true
	case !l.known[e.ID]:
		l.known[e.ID] = true
		l.present = append(l.present, lesson.Presence{ID: e.ID, Since: epoch.Instant(e.Since)})
	}
}

func (l *listing) reading(whole bool) lesson.Reading {
	return lesson.Reading{Began: l.began, Whole: whole, Present: l.present}
}

// parsePage reads one page. Without a list in it nothing is known, least of
// all that nobody is there: an error.
func parsePage(body []byte) ([]entry, error) {
	var page struct {
		Items *[]entry `json:"items"`
	}
	if err := json.Unmarshal(body, &page); err != nil || page.Items == nil {
		return nil, errors.New("the platform's answer is no list of connections")
	}
	return *page.Items, nil
}

// entry is one connection of the list. One that is not as documented has no id.
type entry struct {
	ID    string
	Since moment
	State string
}

// UnmarshalJSON never fails, so that one odd entry does not hide the others.
func (e *entry) UnmarshalJSON(body []byte) error {
	var wire struct {
		ID    string `json:"connectionId"`
		Since moment `json:"createdAt"`
		State string `json:"connectionState"`
	}
	_ = json.Unmarshal(body, &wire)
	*e = entry(wire)
	return nil
}
