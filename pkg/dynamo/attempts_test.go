package dynamo

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/room"
)

// wire is the SDK's client over answers in place of a network.
type wire func(*http.Request) (*http.Response, error)

func (w wire) Do(r *http.Request) (*http.Response, error) { return w(r) }

func (w wire) store() *Store {
	return New(dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String("http://127.0.0.1"), HTTPClient: w,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}), "t")
}

func reply(status int, body io.Reader) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}, nil
}

func refusal(kind, more string) (*http.Response, error) {
	return reply(400, strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#`+kind+`"`+more+`}`))
}

// broken is an answer that ends too soon.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, net.ErrClosed }

// TestOwnWriteInTheWay: where a failed condition may be the work of an earlier
// try whose answer was lost, the store does not say that somebody else was
// faster.
func TestOwnWriteInTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		first    func() (*http.Response, error)
		conflict bool
	}{
		"no answer":        {func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, false},
		"a broken answer":  {func() (*http.Response, error) { return reply(200, broken{}) }, false},
		"a server's error": {func() (*http.Response, error) { return reply(500, strings.NewReader("{}")) }, false},
		"throttled":        {func() (*http.Response, error) { return refusal("ThrottlingException", "") }, true},
		"a transaction":    {func() (*http.Response, error) { return refusal("TransactionConflictException", "") }, true},
		"a broken refusal": {func() (*http.Response, error) { return reply(400, broken{}) }, true},
		"refused at once":  {nil, true},
	} {
		for _, op := range []string{"Add", "Leave", "Swap", "Shed"} {
			t.Run(name+"/"+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tries := 0
					w := wire(func(r *http.Request) (*http.Response, error) {
						if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "UpdateItem") {
							return reply(200, strings.NewReader("{}"))
						}
						if tries++; tries == 1 && c.first != nil {
							return c.first()
						}
						return refusal("ConditionalCheckFailedException", `,"Item":{"pk":{"S":"L#s"},"sk":{"S":"lesson"}}`)
					})
					err := calls[op](t.Context(), w.store())
					var lost *room.Conflict
					if errors.As(err, &lost) != c.conflict || errors.Is(err, room.ErrUnavailable) == c.conflict {
						t.Errorf("error is %v after %d tries; a conflict is certain: %t", err, tries, c.conflict)
					}
					if c.first != nil && tries != 2 {
						t.Errorf("%d tries, want 2", tries)
					}
				})
			})
		}
	}
}

// TestBodyEndsQuietly: the SDK closes a body when the answer begins, and
// net/http, which may read on, must not take that for a failed write.
func TestBodyEndsQuietly(t *testing.T) {
	for op, call := range calls {
		read := 0
		w := wire(func(r *http.Request) (*http.Response, error) {
			sent, err := io.ReadAll(io.LimitReader(r.Body, r.ContentLength))
			if err != nil || int64(len(sent)) != r.ContentLength {
				t.Errorf("%s: %d of %d bytes, %v", op, len(sent), r.ContentLength, err)
			}
			read++
			if err := r.Body.Close(); err != nil {
				t.Errorf("%s: close: %v", op, err)
			}
			if n, err := io.Copy(io.Discard, r.Body); n != 0 || err != nil {
				t.Errorf("%s: after the end come %d bytes and %v", op, n, err)
			}
			return refusal("ValidationException", "")
		})
		if err := call(t.Context(), w.store()); err == nil || read == 0 {
			t.Errorf("%s: %d requests, error %v", op, read, err)
		}
	}
}
