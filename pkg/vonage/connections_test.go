package vonage

import (
	"errors"
	"fmt"
	"io"
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

// pages serves the bodies one after the other; after the last one, empty pages.
func pages(bodies ...string) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, _ *http.Request) {
		switch {
		case n > len(bodies):
			_, _ = io.WriteString(w, `{"count":0,"items":[]}`)
		case bodies[n-1] == "404":
			w.WriteHeader(404)
		default:
			_, _ = io.WriteString(w, bodies[n-1])
		}
	}
}

func list(items ...string) string {
	return fmt.Sprintf(`{"count":%d,"projectId":"123456","sessionId":"s","items":[%s]}`, len(items), strings.Join(items, ","))
}

func item(id string, created string) string {
	return `{"connectionId":"` + id + `","connectionState":"Connected","createdAt":` + created + `}`
}

func TestConnections(t *testing.T) {
	a, b, c := item("a", "1700000001000"), item("b", `"1700000002000"`), item("c", "1700000003000")
	inA, inB, inC := lesson.Presence{ID: "a", Since: base + 1000}, lesson.Presence{ID: "b", Since: base + 2000}, lesson.Presence{ID: "c", Since: base + 3000}
	tests := []struct {
		name  string
		pages []string
		asked int
		whole bool
		want  []lesson.Presence
	}{
		{"nobody", []string{list()}, 1, true, nil},
		{"one page", []string{list(a, b)}, 2, true, []lesson.Presence{inA, inB}},
		{"two pages", []string{list(a, b), list(c)}, 3, false, []lesson.Presence{inA, inB, inC}},
		{"pages overlap", []string{list(a, b), list(b, c)}, 3, false, []lesson.Presence{inA, inB, inC}},
		{"the same page for ever", []string{list(a, b), list(a, b), list(a, b)}, 2, false, []lesson.Presence{inA, inB}},
		{"listed twice", []string{list(a, a, b)}, 2, true, []lesson.Presence{inA, inB}},
		{"session unknown", []string{"404"}, 1, false, nil},
		{"session gone on the way", []string{list(a), "404"}, 2, false, []lesson.Presence{inA}},
		{"no id", []string{list(a, `{"createdAt":5}`)}, 2, false, []lesson.Presence{inA}},
		{"id a number", []string{list(a, `{"connectionId":5}`)}, 2, false, []lesson.Presence{inA}},
		{"id a step up", []string{list(a, item("..", "1700000002000"))}, 2, false, []lesson.Presence{inA}},
		{"id too long", []string{list(a, item(strings.Repeat("x", 256), "1700000002000"))}, 2, false, []lesson.Presence{inA}},
		{"entry null", []string{list(`null`, a)}, 2, false, []lesson.Presence{inA}},
		{"no createdAt", []string{list(`{"connectionId":"a"}`)}, 2, true, []lesson.Presence{{ID: "a"}}},
		{"createdAt in seconds", []string{list(item("a", "1700000001"))}, 2, true, []lesson.Presence{{ID: "a"}}},
		{"createdAt absurd", []string{list(item("a", "1e300"), item("b", `"x"`), item("c", `[1]`))}, 2, true, []lesson.Presence{{ID: "a"}, {ID: "b"}, {ID: "c"}}},
		{"disconnected is not present", []string{list(`{"connectionState":"Disconnected","connectionId":"b","createdAt":2000}`, a)}, 2, true, []lesson.Presence{inA}},
		{"connecting, more fields", []string{list(`{"connectionState":"Connecting","connectionId":"a","createdAt":1700000001000,"new":{}}`)}, 2, true, []lesson.Presence{inA}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, p := serve(t, openTokAccount(), pages(tt.pages...))
			got, err := client.Connections(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			want := lesson.Reading{Began: epoch.Of(clock()), Whole: tt.whole, NotFound: tt.pages[0] == "404", Present: tt.want}
			if d := cmp.Diff(want, got); d != "" || len(p.heard) != tt.asked {
				t.Errorf("asked %d times, want %d\n%s", len(p.heard), tt.asked, d)
			}
		})
	}
}

func TestConnectionsMalformed(t *testing.T) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"count":0}`, `{"items":null}`, `{"items":"sesame"}`, `{"items":{}}`, `{"items":[]} x`, `{"items":[`, `{"count":0,"items":[5}`,
	} {
		t.Run(body, func(t *testing.T) {
			for _, first := range []bool{true, false} {
				bodies := []string{list(item("a", "1")), body}
				if first {
					bodies = bodies[1:]
				}
				client, _ := serve(t, openTokAccount(), pages(bodies...))
				got, err := client.Connections(t.Context(), "s")
				if err == nil || got.Whole || got.Present != nil || strings.Contains(err.Error(), "sesame") {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

// paging serves a list of n in pages of at most largest, and says in count
// what the page holds.
func paging(n, largest int) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, r *http.Request) {
		offset, err1 := strconv.Atoi(r.FormValue("offset"))
		count, err2 := strconv.Atoi(r.FormValue("count"))
		if err1 != nil || err2 != nil || count < 1 || count > 1000 {
			w.WriteHeader(400)
			return
		}
		items := []string{}
		for i := offset; i < min(n, offset+count, offset+largest); i++ {
			items = append(items, item(strconv.Itoa(i), strconv.Itoa(i+1)))
		}
		_, _ = io.WriteString(w, list(items...))
	}
}

func TestConnectionsPages(t *testing.T) {
	tests := []struct {
		n, largest, asked int
		whole             bool
	}{
		{0, 1000, 1, true},
		{1, 1000, 2, true},
		{50, 50, 2, true},
		{51, 50, 3, false},
		{999, 1000, 2, true},
		{1000, 1000, 2, false},
		{1001, 1000, 3, false},
		{15_000, 1000, 16, false},
		{15_000, 50, 301, false},
		{20_000, 1000, 16, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.n, " by ", tt.largest), func(t *testing.T) {
			c, p := serve(t, openTokAccount(), paging(tt.n, tt.largest))
			got, err := c.Connections(t.Context(), "2_x/y")
			if err != nil || got.Whole != tt.whole || len(got.Present) != min(tt.n, 16_000) || len(p.heard) != tt.asked {
				t.Errorf("%d present, whole %v, asked %d times, error %v", len(got.Present), got.Whole, len(p.heard), err)
			}
			if line := p.heard[0].line; line != "GET /base/v2/project/123456/session/2_x%2Fy/connection?count=1000&offset=0" {
				t.Error(line)
			}
		})
	}
}

func TestConnectionsFailOnTheWay(t *testing.T) {
	c, _ := serve(t, openTokAccount(), func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			w.WriteHeader(503)
			return
		}
		paging(10, 5)(n, w, r)
	})
	got, err := c.Connections(t.Context(), "s")
	var refusal *room.PlatformError
	if !errors.As(err, &refusal) || refusal.Status != 503 || got.Whole || got.Present != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// slow answers after a second: with one more connection each time, or with
// nobody where it is not endless.
type slow struct {
	endless bool
	n       int
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Second):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	body := list()
	if s.endless {
		s.n++
		body = list(item(strconv.Itoa(s.n), "1"))
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func slowClient(t *testing.T, endless bool) *Client {
	return newClient(t, openTokAccount(), func(o *Options) {
		o.Now = time.Now
		o.HTTP = &http.Client{Transport: &slow{endless: endless}}
	})
}

func TestConnectionsBeganBeforeTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := epoch.Of(time.Now())
		got, err := slowClient(t, false).Connections(t.Context(), "s")
		if err != nil || got.Began != began || !got.Whole {
			t.Errorf("began %s instead of %s, %v", got.Began, began, err)
		}
	})
}

func TestConnectionsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := slowClient(t, true).Connections(t.Context(), "s")
		if took := time.Since(began); took != readWithin {
			t.Errorf("took %s", took)
		}
		if err == nil || got.Present != nil {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
