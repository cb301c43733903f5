package hooks

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"usher/pkg/journal"
	"usher/pkg/room"
)

// secret is one that the specification's page shows as an example.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// post is what came to a receiver.
type got struct {
	header http.Header
	body   []byte
}

// receiver is a server that notes what comes, and answers with a status.
func receiver(t *testing.T, status int) (url string, posts *[]got) {
	t.Helper()
	posts = new([]got)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*posts = append(*posts, got{r.Header.Clone(), body})
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, posts
}

func backend(t *testing.T, url string) *Backend {
	t.Helper()
	b, err := NewBackend(BackendOptions{
		URL: url, Secret: secret, Now: time.Now,
		Body: func(room.Notice) ([]byte, error) { return []byte(`{"type":"lesson.ended"}`), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var notice = room.Notice{Room: "algebra", Session: "2_MX4x", Line: journal.Line{Seq: 12, Action: journal.DidEnd}}

func TestSigned(t *testing.T) {
	url, posts := receiver(t, 204)
	if err := backend(t, url+"/hook?token=t0ken").Tell(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	p := (*posts)[0]
	if id := p.header.Get("webhook-id"); id != "2_MX4x.12" {
		t.Errorf("webhook-id is %q", id)
	}
	if kind := p.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type is %q", kind)
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(p.body, p.header); err != nil {
		t.Error(err)
	}
	if err := verifier.Verify(append(p.body, ' '), p.header); err == nil {
		t.Error("another body has the same signature")
	}
}

func TestAnswers(t *testing.T) {
	for status, want := range map[int]string{
		200: "", 202: "", 204: "", 299: "",
		301: "it answered 301", 308: "it answered 308", 400: "it answered 400", 410: "it answered 410", 429: "it answered 429", 500: "it answered 500",
	} {
		url, posts := receiver(t, status)
		said := ""
		if err := backend(t, url).Tell(t.Context(), notice); err != nil {
			said = err.Error()
		}
		if said != want || len(*posts) != 1 {
			t.Errorf("%d: %q after %d requests, want %q", status, said, len(*posts), want)
		}
	}
}

// A receiver that is not there is named by nothing of its address.
func TestErrorsKeepTheAddressToThemselves(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx context.Context
		url string
	}{
		"nobody listens":   {t.Context(), server.URL + "/hook-s3cret?token=s3cret"},
		"no such host":     {t.Context(), "http://s3cret.invalid/s3cret"},
		"given up":         {canceled, server.URL + "/s3cret"},
		"no address":       {t.Context(), "http://s3cret\n/"},
		"another protocol": {t.Context(), "s3cret://x/s3cret"},
	} {
		err := backend(t, c.url).Tell(c.ctx, notice)
		if err == nil || strings.Contains(strings.ReplaceAll(err.Error(), "s3cret.invalid", ""), "s3cret") && name != "another protocol" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A receiver that says no end is not listened to for long.
func TestEndlessAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	if err := backend(t, server.URL).Tell(t.Context(), notice); err != nil {
		t.Error(err)
	}
}

func TestBodyThatCannotBeWritten(t *testing.T) {
	b := backend(t, "http://127.0.0.1:1")
	b.o.Body = func(room.Notice) ([]byte, error) { return nil, errors.New("no") }
	if err := b.Tell(t.Context(), notice); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Error(err)
	}
	if _, err := NewBackend(BackendOptions{Secret: "whsec_s3cret!"}); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestForwardedAsItCame(t *testing.T) {
	url, posts := receiver(t, 200)
	c := room.Callback{Body: []byte("{ \"a\" :\t1}\n\x00"), Header: map[string][]string{
		"authorization": {"Bearer a.b.c"}, "Content-Type": {"application/json", "text/plain"}, "X-Own": {"1", "2"},
		"Connection": {"keep-alive, X-Hop"}, "X-Hop": {"gone"}, "Transfer-Encoding": {"chunked"}, "Host": {"usher.example"},
		"Content-Length": {"3"}, "Te": {"trailers"}, "Upgrade": {"h2c"}, "Keep-Alive": {"timeout=5"},
	}}
	if err := NewForwarder(ForwarderOptions{URL: url, Private: true}).Forward(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p := (*posts)[0]
	if string(p.body) != string(c.Body) {
		t.Errorf("the body is %q", p.body)
	}
	p.header.Del("Content-Length") // of this request
	want := http.Header{
		"Authorization": {"Bearer a.b.c"}, "Content-Type": {"application/json", "text/plain"}, "X-Own": {"1", "2"}, Forwarded: {"1"},
	}
	if d := cmp.Diff(want, p.header); d != "" {
		t.Error(d)
	}
}

func TestForwardIsNoSuccess(t *testing.T) {
	for _, status := range []int{302, 404, 503} {
		url, posts := receiver(t, status)
		if err := NewForwarder(ForwarderOptions{URL: url, Private: true}).Forward(t.Context(), room.Callback{}); err == nil || len(*posts) != 1 {
			t.Errorf("%d: %v after %d requests", status, err, len(*posts))
		}
	}
}

func TestPrivateAddresses(t *testing.T) {
	url, posts := receiver(t, 200)
	// A name that leads to this machine is one of its addresses by the time it is dialled.
	for _, address := range []string{url, strings.Replace(url, "127.0.0.1", "localhost", 1), strings.Replace(url, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		err := NewForwarder(ForwarderOptions{URL: address}).Forward(t.Context(), room.Callback{})
		if err == nil || !strings.Contains(err.Error(), "USHER_FORWARD_PRIVATE") || len(*posts) > 0 {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, private := range map[string]bool{
		"10.1.2.3:443": true, "172.31.0.1:443": true, "192.168.1.1:443": true, "169.254.169.254:80": true, "100.64.0.1:443": true,
		"0.0.0.0:443": true, "[::1]:443": true, "[::]:443": true, "[fd00:ec2::254]:80": true, "[fe80::1%eth0]:80": true,
		"[::ffff:10.0.0.1]:443": true, "[64:ff9b::a00:1]:443": true, "[2002:a00:1::]:443": true, "224.0.0.1:443": true, "255.255.255.255:1": true,
		"nonsense":    true,
		"8.8.8.8:443": false, "172.32.0.1:443": false, "[2606:4700:4700::1111]:443": false,
	} {
		if err := publicOnly("tcp", address, nil); (err != nil) != private {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A receiver that says nothing has five seconds.
func TestSlowReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backend(t, "http://slow.example/s3cret")
		near, far := net.Pipe()
		defer far.Close()
		go io.Copy(io.Discard, far)
		b.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		start := time.Now()
		err := b.Tell(t.Context(), notice)
		if err == nil || err.Error() != "it did not answer within 5s" || time.Since(start) != patience {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		far.Close()
		b.http.CloseIdleConnections()
	})
}
