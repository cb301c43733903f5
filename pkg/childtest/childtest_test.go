package childtest

import (
	"net"
	"testing"
)

func TestAddrIsGivenOnce(t *testing.T) {
	given := map[string]bool{}
	for range 200 {
		addr := Addr(t)
		if given[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		given[addr] = true
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
	}
}
