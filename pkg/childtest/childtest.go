// Package childtest runs other programs that serve HTTP beside a test, at ports
// that nobody else gets, and ends them with it.
package childtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Ports are taken from below those that systems hand out by themselves (from
// 32768 on, or 49152).
const (
	firstPort = 20_000
	ports     = 12_000
)

// Addr gives an address of this machine at which nothing listens, and which no
// other test is given until t ends. A port that is merely free now may be
// somebody's connection by the time the program listens; so it is none of those
// that are handed out, and the claim to it is the UDP port of the same number.
func Addr(t testing.TB) string {
	t.Helper()
	for range ports {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(ports))
		claim, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		if ln, err := net.Listen("tcp", addr); err == nil {
			ln.Close()
			t.Cleanup(func() { claim.Close() })
			return addr
		}
		claim.Close()
	}
	t.Fatal("no port is free")
	return ""
}

// patience is for a program that never answers, however slow the machine is.
const patience = 5 * time.Minute

// Serve starts the program, and kills it and its children when t ends. It
// returns once the url is answered with that status, any where it is 0. Where
// the program ends before, t fails with what it said.
func Serve(t testing.TB, cmd *exec.Cmd, url string, status int) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed at the end, or it shows in ended
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // ended already, at worst
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, said.String())
		}
	})
	limit, tick := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !answers(url, status) {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s ended before it answered", cmd.Path)
		case <-limit:
			t.Fatalf("%s does not answer", cmd.Path)
		}
	}
}

func answers(url string, status int) bool {
	res, err := http.Get(url)
	if err != nil {
		return false
	}
	res.Body.Close()
	return status == 0 || res.StatusCode == status
}
