package hooks

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"usher/pkg/room"
)

// BackendOptions are what a Backend needs, all of it.
type BackendOptions struct {
	URL    string
	Secret string // "whsec_" and base64, as the specification writes it
	// Body gives the JSON of a notice, the same each time.
	Body func(room.Notice) ([]byte, error)
	Now  func() time.Time
}

// Backend is a room.Backend that is told by signed POSTs.
type Backend struct {
	o      BackendOptions
	signer *standardwebhooks.Webhook
	http   *http.Client
}

var _ room.Backend = (*Backend)(nil)

// NewBackend asks nobody. Its error quotes no secret.
func NewBackend(o BackendOptions) (*Backend, error) {
	signer, err := standardwebhooks.NewWebhook(o.Secret)
	if err != nil {
		return nil, fmt.Errorf("the secret of the backend's events is not whsec_ and base64")
	}
	return &Backend{o: o, signer: signer, http: newClient(nil)}, nil
}

// Tell implements room.Backend: one POST, which any status of 200 to 299 takes. The id
// of a line is always the same, the time of the signature is that of the try.
func (b *Backend) Tell(ctx context.Context, n room.Notice) error {
	body, err := b.o.Body(n)
	if err != nil {
		return fmt.Errorf("the line cannot be written: %w", err)
	}
	id, now := n.Session+"."+strconv.FormatInt(n.Line.Seq, 10), b.o.Now()
	signature, err := b.signer.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("the line cannot be signed: %w", err)
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "usher")
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return post(ctx, b.http, b.o.URL, header, bytes.NewReader(body))
}
