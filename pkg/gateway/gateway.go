// Package gateway lets an http.Handler answer the events of an API Gateway
// HTTP API (payload format 2.0). It is not for REST APIs, load balancers or
// function URLs: those leave the path as the client wrote it, while an HTTP API
// decodes it before it calls the function.
//
// It is trusted to hand over method, path, query, headers and body byte for byte,
// and judges none of them. Begin with gateway.go.
package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Function is what aws-lambda-go calls with an event.
type Function func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// RequestID is the id that Lambda gave the call; "" outside one. It stands in Lambda's own
// lines of the log too.
func RequestID(ctx context.Context) string {
	call, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return ""
	}
	return call.AwsRequestID
}

// Serve makes a Function of h. The Function fails only for a body whose base64
// is broken, which API Gateway never sends.
func Serve(h http.Handler) Function {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		r, err := Request(ctx, e)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		var w answer
		h.ServeHTTP(&w, r)
		return w.response(r.Method), nil
	}
}

// Request builds what a server would have been asked. Header values that came
// several times are one value joined by commas, as API Gateway joins them. A
// path segment that held an escaped slash has become two segments.
func Request(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body, err := payload(e)
	if err != nil {
		return nil, err
	}
	target := &url.URL{Path: path(e), RawQuery: e.RawQueryString}
	r := &http.Request{
		Method:        e.RequestContext.HTTP.Method,
		URL:           target,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header(e),
		Body:          http.NoBody,
		ContentLength: int64(len(body)),
		RequestURI:    target.RequestURI(),
		RemoteAddr:    net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0"),
	}
	if len(body) > 0 {
		r.Body = stream(body)
	}
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	if r.Host == "" {
		r.Host = e.RequestContext.DomainName
	}
	return r.WithContext(ctx), nil
}

func payload(e events.APIGatewayV2HTTPRequest) ([]byte, error) {
	if !e.IsBase64Encoded {
		return []byte(e.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, fmt.Errorf("the event's body is marked as base64 but is not: %w", err)
	}
	return body, nil
}

// path is the decoded path without the name of the stage, which stands in front
// of it unless the stage is $default.
func path(e events.APIGatewayV2HTTPRequest) string {
	p := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(p, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			p = rest
		}
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return p
}

func header(e events.APIGatewayV2HTTPRequest) http.Header {
	h := make(http.Header, len(e.Headers)+1)
	for name, value := range e.Headers {
		h.Add(name, value)
	}
	if len(e.Cookies) > 0 {
		h.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return h
}
