package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/dynamo"
)

// What stands in the secret. All of it is made up.
const (
	platformSecret = "0123456789abcdef0123456789abcdef01234567"
	apiSecret      = "an-example-secret-of-32-bytes-or-more"
)

// serveAWS answers as Secrets Manager, SQS and Scheduler would, and prints what is asked
// of the last two.
func serveAWS(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch operation {
	case "GetSecretValue":
		secret, _ := json.Marshal(map[string]string{"OPENTOK_API_SECRET": platformSecret, "USHER_API_SECRET": apiSecret})
		json.NewEncoder(w).Encode(map[string]string{"SecretString": string(secret)})
	case "SendMessage":
		fmt.Printf("SQS: %s\n", body)
		io.WriteString(w, `{"MessageId":"1"}`)
	default:
		fmt.Printf("%s %s %s: %s\n", operation, r.Method, r.URL.Path, body)
		io.WriteString(w, `{}`)
	}
}

// startDynamoDB runs DynamoDB Local until ctx ends, in memory, and makes the table.
func startDynamoDB(ctx context.Context, port string) error {
	jars, err := filepath.Abs(".cache/ddblocal")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "java", "-Xmx256m", "-cp", filepath.Join(jars, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", port)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("DynamoDB Local needs Java: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !answers("http://127.0.0.1:" + port) {
		select {
		case err := <-ended:
			return fmt.Errorf("DynamoDB Local ended before it answered: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	client := dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String("http://127.0.0.1:" + port),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return dynamo.CreateTable(ctx, client, os.Getenv("USHER_TABLE"))
}

func answers(url string) bool {
	w, err := http.Get(url)
	if err != nil {
		return false
	}
	w.Body.Close()
	return true
}
