package dynamo

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// attempts watches the SDK's tries of one write. A try that failed may have
// been carried out; a condition that fails after that may have met its work.
type attempts struct {
	unclear bool // a try failed, and not by DynamoDB's refusal
}

// watch is an option of the call that makes the write.
func (a *attempts) watch(o *dynamodb.Options) {
	each := middleware.FinalizeMiddlewareFunc("WatchAttempts", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		a.unclear = a.unclear || err != nil && !declined(err)
		return out, metadata, err
	})
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Finalize.Insert(each, "Retry", middleware.After)
	})
}

// declined reports whether DynamoDB answered that it will not: nothing was
// written.
func declined(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode()/100 == 4
}

// PlainBodies gives net/http bodies that can only be read. The SDK closes a
// request's body when the answer begins, and a closed body that has WriteTo says
// io.EOF to net/http, which may only then look for the body's end: it takes that
// for a failed write and closes the connection under the answer (smithy-go
// 1.28.8). The nearer the service is, the more often the answer to something
// that was carried out is lost in this way, and it is asked for again.
type PlainBodies struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (c PlainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.HTTPClient.Do(r)
}

// plainBody is an option of every call.
func plainBody(o *dynamodb.Options) { o.HTTPClient = PlainBodies{o.HTTPClient} }
