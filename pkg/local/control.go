package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"usher/pkg/control"
)

// controller is the socket for the owner of the data file.
type controller struct {
	listener net.Listener
	server   *http.Server
}

// close ends what is being fetched, too. The listener's second closing is none.
func (c *controller) close() error {
	if err := errors.Join(c.server.Close(), c.listener.Close()); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// openControl makes the socket. Usher does its work without one.
func (l *Local) openControl(context.Context) error {
	listener, err := control.Listen(l.settings.Data)
	if err != nil {
		l.log.Warn("no control socket beside the data file: while this runs, usher backup and signing with the kept key do not work", "error", err)
		return nil
	}
	keys := control.Keys{API: l.settings.APISecret, Ticket: l.settings.TicketSecret}
	l.control = &controller{listener, control.Server(control.Program{Keys: keys, Snapshot: l.snapshot})}
	return nil
}

func (l *Local) serveControl() {
	if l.control == nil {
		return
	}
	go func() {
		if err := l.control.server.Serve(l.control.listener); !errors.Is(err, http.ErrServerClosed) {
			l.log.Error("the control socket failed", "error", err)
		}
	}()
}

// snapshot copies the data file to one that has no name and goes with its closing: the
// store is held up by the disk alone, however slowly the copy is read.
func (l *Local) snapshot(ctx context.Context) (io.ReadCloser, int64, error) {
	to, err := os.CreateTemp(filepath.Dir(l.settings.Data), ".usher-backup-")
	if err != nil {
		return nil, 0, fmt.Errorf("a copy cannot be made beside the data file: %w", err)
	}
	_ = os.Remove(to.Name())
	err = l.file.Snapshot(ctx, to)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("the data file cannot be copied: %w", err), to.Close())
	}
	size, err := to.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = to.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(err, to.Close())
	}
	return to, size, nil
}
