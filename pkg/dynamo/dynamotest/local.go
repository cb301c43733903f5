// Package dynamotest starts DynamoDB Local for tests. It needs Java, and the
// jars that testdata/ddblocal/pom.xml names in .cache/ddblocal.
package dynamotest

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Local is a running DynamoDB Local, in memory.
type Local struct {
	URL string // its endpoint
}

// Start runs DynamoDB Local on a free port until t ends. It fails t where the
// jars or Java are missing.
func Start(t testing.TB) *Local {
	t.Helper()
	jars := jars(t)
	// The port may be taken between looking and starting; then there is another.
	for range 3 {
		if l := start(t, jars); l != nil {
			return l
		}
	}
	t.Fatal("DynamoDB Local does not start")
	return nil
}

// start gives nil where the process ended before it answered.
func start(t testing.TB, jars string) *Local {
	t.Helper()
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command("java", "-Xmx256m", "-cp", filepath.Join(jars, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
		"-inMemory", "-disableTelemetry", "-port", port)
	if err := cmd.Start(); err != nil {
		t.Fatalf("DynamoDB Local needs Java: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed at the end, or it shows in ended
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	if !answers(t, "http://"+addr, ended) {
		return nil
	}
	return &Local{URL: "http://" + addr}
}

// answers waits for any HTTP answer, at most a minute.
func answers(t testing.TB, url string, ended <-chan struct{}) bool {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if res, err := http.Get(url); err == nil {
			res.Body.Close()
			return true
		}
		select {
		case <-tick.C:
		case <-ended:
			return false
		case <-limit:
			t.Fatal("DynamoDB Local does not answer within a minute")
		}
	}
}

func freeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// jars finds .cache/ddblocal beside go.mod.
func jars(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	dir = filepath.Join(dir, ".cache", "ddblocal")
	found, _ := filepath.Glob(filepath.Join(dir, "DynamoDBLocal-*.jar"))
	if len(found) == 0 {
		t.Fatalf("DynamoDB Local is not in %s; `make verify` puts it there", dir)
	}
	return dir
}

// Client gives a client with a database of its own, empty.
func (l *Local) Client(opts ...func(*dynamodb.Options)) *dynamodb.Client {
	name := fmt.Sprintf("T%s", rand.Text())
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(l.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(name, "secret", ""),
	}, opts...)
}
