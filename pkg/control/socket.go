package control

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// socketOf is the socket beside a data file.
func socketOf(data string) string { return data + ".sock" }

// Listen makes the socket beside the data file, whose lock the caller holds: what stands
// there is left of a program that is no more. It is made where nobody else can enter, and
// moved when it is the owner's alone. Closing the listener removes it.
func Listen(data string) (net.Listener, error) {
	path := socketOf(data)
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil, fmt.Errorf("%s stands where the socket belongs: move it away", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".usher-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	l, err := listenAt(made)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(made, path); err != nil {
		_ = l.Close()
		return nil, err
	}
	return &listener{l, path}, nil
}

func listenAt(path string) (l *net.UnixListener, err error) {
	err = near(path, func(address string) error {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: address})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// listener removes its socket.
type listener struct {
	net.Listener
	path string
}

// Close closes it once; the program that starts next has the path for its own.
func (l *listener) Close() error {
	err := l.Listener.Close()
	if err == nil {
		err = os.Remove(l.path)
	}
	return err
}

// longestAddress is what every system takes for the address of a socket, in bytes.
const longestAddress = 100

// near calls use with an address that is short enough for a socket, where there is a way:
// Linux shows an open directory under a short name.
func near(path string, use func(address string) error) error {
	if len(path) <= longestAddress {
		return use(path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	short := fmt.Sprintf("/proc/self/fd/%d", dir.Fd())
	if _, err := os.Stat(short); err != nil {
		return use(path) // the system says that it is too long
	}
	return use(filepath.Join(short, filepath.Base(path)))
}
