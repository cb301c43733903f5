package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// patience bounds one request: the deployment itself waits for Vonage.
const patience = 20 * time.Second

// longestAnswer bounds what is read of an answer.
const longestAnswer = 1 << 20

type answer struct {
	status int
	body   []byte
}

func (e *examination) bearer() http.Header {
	return http.Header{"Authorization": {"Bearer " + e.Token}}
}

func (e *examination) do(ctx context.Context, method, path string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w, err := e.HTTP.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = w.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(w.Body, longestAnswer))
	if token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); token != "" {
		read = bytes.ReplaceAll(read, []byte(token), []byte("...")) // something else may repeat it
	}
	return answer{w.StatusCode, read}, err
}

func (a answer) into(v any) error { return json.Unmarshal(a.body, v) }

// advice is what a refusal says, or where to look.
func (a answer) advice() string {
	var p struct{ Code, Detail string }
	switch _ = a.into(&p); { // what is no problem says nothing
	case p.Code == "platform-unavailable":
		return "Vonage did not do its part: see below."
	case a.status == http.StatusServiceUnavailable:
		return "It is not ready: a secret or a setting is missing or wrong. Its log says which."
	case a.status >= http.StatusInternalServerError:
		return "Look at its logs."
	case p.Detail != "":
		return "It says: " + p.Detail
	}
	return "Look whether this is Usher's address."
}

// plain says why nothing came back, without the address, which may hold what is not to
// be shown.
func plain(err error) string {
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took too long"
	}
	return err.Error()
}
