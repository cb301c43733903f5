package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(t *testing.T, handle http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	_, err := New(server.URL+"/", func(context.Context) (string, error) { return "very-secret", nil }).Do(t.Context(), Room("GET", "algebra"))
	if err != nil && strings.Contains(err.Error(), "very-secret") {
		t.Errorf("the token is in the error: %v", err)
	}
	return err
}

// TestTokenStaysHere: an answer that leads elsewhere is not followed with the token.
func TestTokenStaysHere(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	var refused *Refusal
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), other.URL) {
		t.Errorf("%v", err)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   string
		later  bool
	}{
		{400, `{"code":"invalid-field","detail":"it is wrong","field":"maxSeats"}`, "the server answered 400 invalid-field: it is wrong [field: maxSeats]", false},
		{400, `{"code":"invalid-field","detail":"they are wrong","field":"a","fields":["a","b"]}`, "[field: a, b]", false},
		{429, `{"code":"too-many-requests","detail":"wait"}`, "429 too-many-requests: wait", true},
		{401, `{"code":"unauthorized","detail":"you sent Bearer very-secret"}`, "401 unauthorized: you sent Bearer ...", false},
		{302, `{"detail":"elsewhere"}`, "the server answered 302 Found: elsewhere", false},
		{502, "<html>", "the server answered 502 Bad Gateway", true},
	} {
		err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		})
		var refused *Refusal
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) || refused.Later() != c.later {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}

// TestEndlessAnswer: no more is read of an answer than has to be.
func TestEndlessAnswer(t *testing.T) {
	err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		for page := make([]byte, 1<<20); ; {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "longer than 16 MB") {
		t.Errorf("%v", err)
	}
}

// TestNotUsher: another server's answer is said to be that, without a word of ours about
// types.
func TestNotUsher(t *testing.T) {
	for _, body := range []string{"null", "[]", "7", "<html>", `{"bans":null}`, `{"bans":{}}`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		t.Cleanup(server.Close)
		c := New(server.URL, func(context.Context) (string, error) { return "very-secret", nil })
		_, all := All[struct{}](t.Context(), c, Room("GET", "algebra", "bans"), "bans")
		_, log := c.LogPage(t.Context(), "algebra", "", 0)
		for _, err := range []error{all, log} {
			if isObject := body[0] == '{'; err == nil && !isObject || err != nil && !strings.HasSuffix(err.Error(), "is not Usher's: look whether this is its address") {
				t.Errorf("%s: %v", body, err)
			}
		}
		if all == nil {
			t.Errorf("%s is a list", body)
		}
	}
}
