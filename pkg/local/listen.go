package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// listen takes the address before anything else is touched.
func (l *Local) listen(ctx context.Context) error {
	addr := l.settings.Addr
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken: something else listens there. Stop it, or choose another address, like USHER_ADDR=%s", addr, nextPort(addr))
	case err != nil:
		return fmt.Errorf("USHER_ADDR is %q, where this program cannot listen: %w", addr, err)
	}
	l.listener = listener
	return nil
}

// nextPort is the address one port on.
func nextPort(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 65535 {
		n = 5000
	}
	return net.JoinHostPort(host, strconv.FormatUint(n+1, 10))
}

// URL is where a client on this machine finds the program, without a slash at
// the end. Who listens everywhere is there under 127.0.0.1 as well, also where [::1]
// leads nowhere: containers mostly have no IPv6.
func (l *Local) URL() string {
	addr := l.listener.Addr().(*net.TCPAddr).AddrPort()
	ip := addr.Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(ip, addr.Port()).String()
}
