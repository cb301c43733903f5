// Package dynamotest starts DynamoDB Local for tests. It needs Java, and the
// jars that testdata/ddblocal/pom.xml names in .cache/ddblocal.
package dynamotest

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/childtest"
)

// Local is a running DynamoDB Local, in memory.
type Local struct {
	URL string // its endpoint
}

// Start runs DynamoDB Local until t ends. It fails t where the jars or Java are
// missing.
func Start(t testing.TB) *Local {
	t.Helper()
	addr := childtest.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	l := &Local{URL: "http://" + addr}
	childtest.Serve(t, exec.Command("java", "-Xmx256m", "-cp", filepath.Join(jars(t), "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
		"-inMemory", "-disableTelemetry", "-port", port), l.URL, 0)
	return l
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
