package vonage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// Streams reads the list of a session's streams, in one request: it has no pages that
// the vendor documents. A 404 is a list without streams.
//
// The StreamReading is Whole where every entry has an id and the answer's count, if
// there is one, is not above the number of entries. A count that is no number leaves
// it open whether there are more.
func (c *Client) Streams(ctx context.Context, session string) (lesson.StreamReading, error) {
	const operation = "list streams"
	path, err := c.path(operation, session, "stream")
	if err != nil {
		return lesson.StreamReading{}, err
	}
	began := epoch.Of(c.now())
	body, err := c.do(ctx, call{operation: operation, method: http.MethodGet, path: path, limit: longAnswer})
	if notFound(err) {
		return lesson.StreamReading{Began: began, Whole: true, Present: map[string]bool{}}, nil
	}
	if err != nil {
		return lesson.StreamReading{}, err
	}
	present, whole, err := parseStreams(body)
	if err != nil {
		return lesson.StreamReading{}, fmt.Errorf("%s: %w", operation, err)
	}
	return lesson.StreamReading{Began: began, Whole: whole, Present: present}, nil
}

// parseStreams gives the ids of a list of streams, and whether they are all. Without
// a list nothing is known: an error.
func parseStreams(body []byte) (present map[string]bool, whole bool, err error) {
	var list struct {
		Count *streamCount   `json:"count"`
		Items *[]streamEntry `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil || list.Items == nil {
		return nil, false, errors.New("the platform's answer is no list of streams")
	}
	present, whole = map[string]bool{}, list.Count == nil || list.Count.atMost(len(*list.Items))
	for _, e := range *list.Items {
		if !isID(string(e)) {
			whole = false
			continue
		}
		present[string(e)] = true
	}
	return present, whole, nil
}

// streamEntry is the id of one stream of the list, "" for one that is not as
// documented.
type streamEntry string

// UnmarshalJSON never fails, so that one odd entry does not hide the others.
func (e *streamEntry) UnmarshalJSON(body []byte) error {
	var wire struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &wire)
	*e = streamEntry(wire.ID)
	return nil
}

// streamCount is the count of the list as it is written.
type streamCount string

// UnmarshalJSON never fails: an odd count does not hide the list.
func (n *streamCount) UnmarshalJSON(body []byte) error {
	var text label
	_ = json.Unmarshal(body, &text)
	*n = streamCount(text)
	return nil
}

func (n streamCount) atMost(items int) bool {
	count, err := strconv.ParseFloat(string(n), 64)
	return err == nil && count >= 0 && count <= float64(items)
}
