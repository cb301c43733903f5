package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"usher/pkg/bolt"
	"usher/pkg/config"
	"usher/pkg/control"
)

// apiKey signs admin tokens. Kept reports whether it is the one of the data file or its
// program, which is for this machine alone.
func (p Program) apiKey(ctx context.Context) (key []byte, kept bool, err error) {
	s, err := config.SigningOf(p.Lookup)
	if err != nil || s.API != nil {
		return s.API, false, err
	}
	keys, err := keptKeys(ctx, s.Data)
	return keys.API, true, err
}

// ticketKey signs tickets.
func (p Program) ticketKey(ctx context.Context) ([]byte, error) {
	s, err := config.SigningOf(p.Lookup)
	switch {
	case err != nil:
		return nil, err
	case s.Ticket != nil:
		return s.Ticket, nil
	case s.API != nil:
		return s.API, nil
	}
	keys, err := keptKeys(ctx, s.Data)
	if keys.Ticket != nil {
		return keys.Ticket, err
	}
	return keys.API, err
}

// keptKeys asks the program that runs with the data file, and where none does, the file.
func keptKeys(ctx context.Context, data string) (control.Keys, error) {
	keys, err := control.Dial(data).Keys(ctx)
	if !errors.Is(err, control.ErrAbsent) {
		return keys, err
	}
	key, err := bolt.SecretOf(data, bolt.APISecret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return keys, fmt.Errorf("there is no key to sign with: start Usher here, set USHER_DATA to its data file (there is none at %s), or set USHER_API_SECRET", data)
	case errors.Is(err, bolt.ErrInUse):
		return keys, fmt.Errorf("%w, and that one does not answer at %s.sock: set USHER_API_SECRET to its key", err, data)
	case err == nil && key == nil:
		return keys, fmt.Errorf("there is no key to sign with: the data file %s keeps none, so its program was given one; set USHER_API_SECRET to that", data)
	}
	return control.Keys{API: key}, err
}
