package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// pageLength is how much is asked for at once: the most that the API gives.
const pageLength = 1000

// List reads all pages of a list, one after the other. Within is the name of the list in
// the answer; each is called for every page that is not empty.
func List[T any](ctx context.Context, c *Client, r Request, within string, each func([]T) error) error {
	r.Query = maps.Clone(r.Query)
	if r.Query == nil {
		r.Query = url.Values{}
	}
	r.Query.Set("limit", strconv.Itoa(pageLength))
	for {
		items, next, err := page[T](ctx, c, r, within)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := each(items); err != nil {
			return err
		}
		if next == r.Query.Get("after") {
			return nil
		}
		r.Query.Set("after", next)
	}
}

func page[T any](ctx context.Context, c *Client, r Request, within string) (items []T, next string, err error) {
	body, err := c.Do(ctx, r)
	if err != nil {
		return nil, "", err
	}
	answer, err := Read[map[string]json.RawMessage](body)
	if err != nil {
		return nil, "", err
	}
	items, err = Read[[]T](answer[within])
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(answer["next"], &next); err != nil {
		next = string(answer["next"]) // a number
	}
	return items, next, nil
}

// All gives a whole list.
func All[T any](ctx context.Context, c *Client, r Request, within string) (all []T, err error) {
	err = List(ctx, c, r, within, func(some []T) error {
		all = slices.Concat(all, some)
		return nil
	})
	return all, err
}
