package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"usher/pkg/journal"
)

// Server is an Usher that is asked over HTTP.
type Server struct {
	URL   string // without a path
	Token string // an admin's
}

// longestAnswer bounds what is read of one answer.
const longestAnswer = 16 << 20

// Log reads the whole log of a session of the room.
func (s Server) Log(ctx context.Context, room, session string) ([]journal.Line, error) {
	var lines []journal.Line
	for after := int64(0); ; {
		page, err := s.lines(ctx, room, session, after)
		if err != nil || len(page) == 0 {
			return lines, err
		}
		lines = append(lines, page...)
		after = page[len(page)-1].Seq
	}
}

func (s Server) lines(ctx context.Context, room, session string, after int64) ([]journal.Line, error) {
	query := url.Values{"sessionId": {session}, "after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(longestPage)}}
	address := strings.TrimSuffix(s.URL, "/") + "/v1/rooms/" + url.PathEscape(room) + "/events?" + query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	body, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, refusedBy(res.StatusCode, body)
	}
	return ReadLog(bytes.NewReader(body), session)
}

// refusedBy is the server's refusal in its own words.
func refusedBy(status int, body []byte) error {
	var p problemBody
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %d %s", status, http.StatusText(status))
	}
	return errors.New("the server answered " + strconv.Itoa(status) + ": " + p.Detail)
}
