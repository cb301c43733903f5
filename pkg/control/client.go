package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// ErrAbsent says that no program answers beside the data file.
var ErrAbsent = errors.New("no running program answers beside the data file")

// Client asks the program that runs with a data file.
type Client struct {
	http     *http.Client
	patience time.Duration // with a program that is asked for its keys
}

// Dial gives a client of the program that runs with this data file; whether there is one, the first
// request says.
func Dial(data string) *Client {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
			err = near(socketOf(data), func(address string) error {
				conn, err = new(net.Dialer).DialContext(ctx, "unix", address)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
			}
			return conn, nil
		},
	}
	return &Client{&http.Client{Transport: transport}, 10 * time.Second}
}

// Keys are those that the program accepts. The error is ErrAbsent where none runs.
func (c *Client) Keys(ctx context.Context) (k Keys, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	res, err := c.get(ctx, "/keys")
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return k, errors.New("the running program does not answer: is it stopped, or very busy?")
	case err != nil:
		return k, err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	err = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&k)
	if err == nil && len(k.API) == 0 {
		err = errors.New("it has no key")
	}
	return k, err
}

// Backup writes what the data file holds at one moment. The error is ErrAbsent where no
// program runs; any error says that what was written is no backup.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, longestBackup)
	defer cancel()
	res, err := c.get(ctx, "/backup")
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	_, err = io.Copy(w, res.Body)
	return err
}

func (c *Client) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://usher"+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer func() { _ = res.Body.Close() }() // it was only read
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return nil, fmt.Errorf("the running program answers: %s", strings.TrimSpace(string(said)))
	}
	return res, nil
}
