package vonage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

func streamList(count string, items ...string) string {
	return fmt.Sprintf(`{"count":%s,"items":[%s]}`, count, strings.Join(items, ","))
}

func onAir(id string) string {
	return `{"id":` + id + `,"videoType":"screen","name":"","layoutClassList":[]}`
}

func TestStreams(t *testing.T) {
	a, b := onAir(`"a"`), onAir(`"b"`)
	tests := []struct {
		name, body string
		whole      bool
		want       []string
	}{
		{"none", streamList("0"), true, nil},
		{"session or streams not found", "404", true, nil},
		{"two", streamList("2", a, b), true, []string{"a", "b"}},
		{"no count", `{"items":[` + a + `]}`, true, []string{"a"}},
		{"count null", streamList("null", a), true, []string{"a"}},
		{"count a text", streamList(`"2"`, a, b), true, []string{"a", "b"}},
		{"count with a fraction", streamList(`2.0`, a, b), true, []string{"a", "b"}},
		{"count below", streamList("1", a, b), true, []string{"a", "b"}},
		{"count above", streamList("3", a, b), false, []string{"a", "b"}},
		{"count above, a text", streamList(`"51"`, a), false, []string{"a"}},
		{"count above none", streamList("1"), false, nil},
		{"count negative", streamList("-1", a), false, []string{"a"}},
		{"count absurd", streamList(`1e400`, a), false, []string{"a"}},
		{"count in words", streamList(`"many"`, a), false, []string{"a"}},
		{"count NaN", streamList(`"NaN"`, a), false, []string{"a"}},
		{"count a list", streamList(`[2]`, a), false, []string{"a"}},
		{"listed twice", streamList("3", a, b, a), true, []string{"a", "b"}},
		{"listed twice, counted once more", streamList("3", a, a), false, []string{"a"}},
		{"id a number", streamList("2", a, onAir(`7`)), false, []string{"a"}},
		{"no id", streamList("2", a, `{"videoType":"screen"}`), false, []string{"a"}},
		{"id null", streamList("2", a, onAir(`null`)), false, []string{"a"}},
		{"id empty", streamList("2", a, onAir(`""`)), false, []string{"a"}},
		{"id a step up", streamList("2", a, onAir(`".."`)), false, []string{"a"}},
		{"id too long", streamList("2", a, onAir(`"`+strings.Repeat("x", 256)+`"`)), false, []string{"a"}},
		{"entry null", streamList("2", `null`, a), false, []string{"a"}},
		{"entry a text", streamList("2", `"b"`, a), false, []string{"a"}},
		{"more fields", `{"projectId":1,"items":[{"id":"a","new":{"id":"b"}}],"count":1}`, true, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, p := serve(t, openTokAccount(), pages(tt.body))
			got, err := client.Streams(t.Context(), "2_x/y")
			if err != nil {
				t.Fatal(err)
			}
			want := lesson.StreamReading{Began: epoch.Of(clock()), Whole: tt.whole, Present: map[string]bool{}}
			for _, id := range tt.want {
				want.Present[id] = true
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if len(p.heard) != 1 || p.heard[0].line != "GET /base/v2/project/123456/session/2_x%2Fy/stream" {
				t.Errorf("asked %+v", p.heard)
			}
		})
	}
}

func TestStreamsMalformed(t *testing.T) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"count":0}`, `{"items":null}`, `{"items":"sesame"}`, `{"items":{}}`, `{"items":[]} x`, `{"items":[`, `{"count":0,"items":[5}`,
	} {
		t.Run(body, func(t *testing.T) {
			client, _ := serve(t, openTokAccount(), pages(body))
			got, err := client.Streams(t.Context(), "s")
			if err == nil || got.Whole || got.Present != nil || strings.Contains(err.Error(), "sesame") {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestStreamsRefused(t *testing.T) {
	for _, status := range []int{400, 401, 403, 429, 500, 503} {
		client, _ := serve(t, unifiedAccount(), func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		got, err := client.Streams(t.Context(), "s")
		var refusal *room.PlatformError
		if !errors.As(err, &refusal) || refusal.Status != status || refusal.Operation != "list streams" || got.Whole || got.Present != nil {
			t.Errorf("%d: %+v, %v", status, got, err)
		}
	}
	client, p := serve(t, openTokAccount(), pages(streamList("0")))
	if _, err := client.Streams(t.Context(), ".."); err == nil || len(p.heard) != 0 {
		t.Errorf("a session that is a step in the path was asked for, %v", err)
	}
}

// lateStreams answers after a second, or never.
type lateStreams struct{ never bool }

func (s lateStreams) RoundTrip(r *http.Request) (*http.Response, error) {
	wait := time.Second
	if s.never {
		wait = time.Hour
	}
	select {
	case <-time.After(wait):
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(streamList("0")))}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestStreamsBeganBeforeTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, never := range []bool{false, true} {
			c := newClient(t, openTokAccount(), func(o *Options) {
				o.Now = time.Now
				o.HTTP = &http.Client{Transport: lateStreams{never}}
			})
			began := time.Now()
			got, err := c.Streams(t.Context(), "s")
			switch took := time.Since(began); {
			case never && (err == nil || took != answerWithin):
				t.Errorf("without an answer: %+v, %v after %s", got, err, took)
			case !never && (err != nil || got.Began != epoch.Of(began) || !got.Whole):
				t.Errorf("began %s instead of %s, %v", got.Began, epoch.Of(began), err)
			}
		}
	})
}

// FuzzStreams: what comes is no list, or ids that can be asked for, and a list of just
// those is whole.
func FuzzStreams(f *testing.F) {
	f.Add([]byte(streamList("2", onAir(`"a"`), onAir(`7`))))
	f.Add([]byte(streamList(`"1e3"`, `null`, `{"id":"\ud800"}`)))
	f.Add([]byte(`{"items":[{"ID":"a"}],"Count":[],"count":-0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		present, whole, err := parseStreams(body)
		if err != nil {
			if present != nil || whole {
				t.Fatalf("%v, %v beside %v", present, whole, err)
			}
			return
		}
		for id, in := range present {
			if !isID(id) || !in {
				t.Fatalf("%q is listed as %v", id, in)
			}
		}
		again := []string{}
		for id := range present {
			text, _ := json.Marshal(id)
			again = append(again, onAir(string(text)))
		}
		same, all, err := parseStreams([]byte(streamList(strconv.Itoa(len(present)), again...)))
		if err != nil || !all || !maps.Equal(same, present) {
			t.Fatalf("%v came back as %v, whole %v, %v", present, same, all, err)
		}
	})
}
