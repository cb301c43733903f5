package gateway

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

func stream(body []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }

// answer collects what a handler writes, by the rules of net/http: the first
// status counts, and headers set after it are not sent.
type answer struct {
	header http.Header
	status int
	sent   http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int) {
	if a.status != 0 || status < 200 { // 1xx is for a connection, and there is none
		return
	}
	a.status, a.sent = status, a.Header().Clone()
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if bodyless(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.Write(p)
}

func bodyless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// response is the answer as API Gateway reads it. It counts the length itself.
func (a *answer) response(method string) events.APIGatewayV2HTTPResponse {
	a.WriteHeader(http.StatusOK)
	if a.body.Len() > 0 && a.sent.Get("Content-Type") == "" {
		a.sent.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
	}
	out := events.APIGatewayV2HTTPResponse{
		StatusCode: a.status,
		Headers:    make(map[string]string, len(a.sent)),
		Cookies:    a.sent["Set-Cookie"],
	}
	for name, values := range a.sent {
		if name != "Set-Cookie" && name != "Content-Length" && len(values) > 0 {
			out.Headers[name] = strings.Join(values, ", ")
		}
	}
	if method == http.MethodHead {
		return out
	}
	if a.isText() {
		out.Body = a.body.String()
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(a.body.Bytes()), true
	}
	return out
}

// isText reports whether the body survives being a JSON string.
func (a *answer) isText() bool {
	if a.body.Len() == 0 {
		return true
	}
	kind, _, _ := mime.ParseMediaType(a.sent.Get("Content-Type"))
	text := strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") ||
		kind == "application/json" || kind == "application/javascript"
	return text && a.sent.Get("Content-Encoding") == "" && utf8.Valid(a.body.Bytes())
}
