package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"usher/pkg/gateway"
)

func event(t testing.TB, name string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// asked is what a handler sees of an event.
func asked(t *testing.T, name string) (*http.Request, string) {
	t.Helper()
	r, err := gateway.Request(context.Background(), event(t, name))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

func answered(t *testing.T, name string, h http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := gateway.Serve(h)(context.Background(), event(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRequestLine(t *testing.T) {
	const host = "k3x9d1abcd.execute-api.eu-central-1.amazonaws.com"
	for _, c := range []struct{ event, method, path, query, uri, remote string }{
		{"webhook", "POST", "/session-monitoring", "", "/session-monitoring", "216.147.4.20:0"},
		{
			"query", "GET", "/v1/rooms/math-7/events", "after=12&after=13&user=a%2Fb+c&flag",
			"/v1/rooms/math-7/events?after=12&after=13&user=a%2Fb+c&flag", "203.0.113.9:0",
		},
		{"head", "HEAD", "/", "", "/", "203.0.113.9:0"},
		{"options", "OPTIONS", "/v1/rooms/math-7/join", "", "/v1/rooms/math-7/join", "203.0.113.9:0"},
		{"decoded", "GET", "/v1/rooms/50% off?#1/ü", "x=%3F", "/v1/rooms/50%25%20off%3F%231/%C3%BC?x=%3F", "203.0.113.9:0"},
		{"stage", "DELETE", "/v1/rooms/prod", "", "/v1/rooms/prod", "[2001:db8::7]:0"},
	} {
		t.Run(c.event, func(t *testing.T) {
			r, _ := asked(t, c.event)
			got := []string{r.Method, r.URL.Path, r.URL.RawQuery, r.RequestURI, r.RemoteAddr, r.Host}
			want := []string{c.method, c.path, c.query, c.uri, c.remote, host}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if r.Header.Get("Host") != "" {
				t.Error("Host stands among the headers")
			}
		})
	}
}

func TestSameBodyPlainAndBase64(t *testing.T) {
	plain, a := asked(t, "webhook")
	coded, b := asked(t, "webhook-base64")
	if a != b || !strings.Contains(a, "Zoë") {
		t.Errorf("the bodies differ:\n%s\n%s", a, b)
	}
	if plain.ContentLength != int64(len(a)) || coded.ContentLength != int64(len(b)) {
		t.Errorf("ContentLength %d and %d, want %d", plain.ContentLength, coded.ContentLength, len(a))
	}
	if got := plain.Header.Get("Authorization"); !strings.HasPrefix(got, "Bearer ") {
		t.Errorf("Authorization = %q", got)
	}
}

func TestBrokenBase64(t *testing.T) {
	e := event(t, "webhook")
	e.IsBase64Encoded = true
	if _, err := gateway.Serve(http.NotFoundHandler())(context.Background(), e); err == nil {
		t.Error("accepted")
	}
}

func TestCookies(t *testing.T) {
	r, body := asked(t, "cookies")
	c, err := r.Cookie("usher-visitor")
	if err != nil || c.Value != "4mXk" {
		t.Errorf("cookie = %v, %v", c, err)
	}
	if body != "" || r.Body != http.NoBody {
		t.Errorf("body = %q", body)
	}
}

func TestQueryValues(t *testing.T) {
	r, _ := asked(t, "query")
	if d := cmp.Diff(map[string][]string{"after": {"12", "13"}, "user": {"a/b c"}, "flag": {""}}, map[string][]string(r.URL.Query())); d != "" {
		t.Error(d)
	}
	if got := r.Header.Get("X-List"); got != "one,two" {
		t.Errorf("X-List = %q", got)
	}
}

func TestPatternsMatch(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("DELETE /v1/rooms/{room}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("room")) })
	mux.HandleFunc("GET /v1/rooms/{room}/{id}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("room")) })
	for name, want := range map[string]string{"stage": "prod", "decoded": "50% off?#1"} {
		if out := answered(t, name, mux.ServeHTTP); out.StatusCode != 200 || out.Body != want {
			t.Errorf("%s: %d %q, want %q", name, out.StatusCode, out.Body, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n\x00"
	for _, c := range []struct {
		name, event string
		h           http.HandlerFunc
		want        events.APIGatewayV2HTTPResponse
	}{
		{
			"nothing written", "query", func(http.ResponseWriter, *http.Request) {},
			events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}},
		},
		{"json", "query", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Content-Length", "12")
			w.WriteHeader(409)
			w.Header().Set("X-Late", "not sent")
			w.WriteHeader(200)
			io.WriteString(w, `{"code":"é"}`)
		}, events.APIGatewayV2HTTPResponse{
			StatusCode: 409, Body: `{"code":"é"}`,
			Headers: map[string]string{"Content-Type": "application/problem+json"},
		}},
		{
			"sniffed", "query", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
			events.APIGatewayV2HTTPResponse{
				StatusCode: 200, Body: "<html>",
				Headers: map[string]string{"Content-Type": "text/html; charset=utf-8"},
			},
		},
		{
			"binary", "query", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, png) },
			events.APIGatewayV2HTTPResponse{
				StatusCode: 200, Body: base64.StdEncoding.EncodeToString([]byte(png)), IsBase64Encoded: true,
				Headers: map[string]string{"Content-Type": "image/png"},
			},
		},
		{"text that is not UTF-8", "query", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "\xff")
		}, events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Body: "/w==", IsBase64Encoded: true,
			Headers: map[string]string{"Content-Type": "text/plain"},
		}},
		{"compressed", "query", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "abc")
		}, events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Body: "YWJj", IsBase64Encoded: true,
			Headers: map[string]string{"Content-Type": "text/plain", "Content-Encoding": "br"},
		}},
		{"values and cookies", "cookies", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Origin")
			w.Header().Add("Vary", "Accept")
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
			w.WriteHeader(204)
			if _, err := w.Write([]byte("x")); err == nil {
				panic("a body with 204")
			}
		}, events.APIGatewayV2HTTPResponse{StatusCode: 204, Headers: map[string]string{"Vary": "Origin, Accept"}, Cookies: []string{"a=1", "b=2"}}},
		{
			"head", "head", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
			events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		},
		{
			"early hints", "options", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(405) },
			events.APIGatewayV2HTTPResponse{StatusCode: 405, Headers: map[string]string{}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, answered(t, c.event, c.h)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestContextReachesTheHandler(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "request 7")
	var got any
	_, err := gateway.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Context().Value(key{}) }))(ctx, event(t, "head"))
	if err != nil || got != "request 7" {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzRequest holds that every event gives a request a mux can route, or an
// error, and that the answer is JSON that gives the written bytes back.
func FuzzRequest(f *testing.F) {
	for _, name := range []string{"webhook", "webhook-base64", "cookies", "query", "head", "options", "decoded", "stage"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e events.APIGatewayV2HTTPRequest
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		var seen []byte
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			seen, _ = io.ReadAll(r.Body)
			w.Write(seen)
		})
		out, err := gateway.Serve(mux)(context.Background(), e)
		if err != nil {
			return
		}
		if seen == nil || e.RequestContext.HTTP.Method == http.MethodHead {
			return // the mux answered by itself, or HEAD
		}
		got := []byte(out.Body)
		if out.IsBase64Encoded {
			got, err = base64.StdEncoding.DecodeString(out.Body)
		}
		if err != nil || string(got) != string(seen) {
			t.Errorf("wrote %q, answered %q (%v)", seen, got, err)
		}
	})
}

func TestRequestID(t *testing.T) {
	call := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8a1b"})
	if got := gateway.RequestID(call); got != "8a1b" {
		t.Errorf("got %q", got)
	}
	if got := gateway.RequestID(t.Context()); got != "" {
		t.Errorf("outside a call: %q", got)
	}
}
