package functions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// account stands in for AWS: a secret, an empty table, queues and schedules
// that take everything, all at one address.
type account struct {
	url    string
	mu     sync.Mutex
	called []string          // operations in order
	bodies map[string]string // the last body of an operation
}

// secret is what the functions find in Secrets Manager.
const secret = `{"OPENTOK_API_SECRET":"0123456789abcdef0123456789abcdef01234567","USHER_API_SECRET":"a key for tests of 32 bytes or so"}`

func newAccount(t testing.TB) *account {
	a := &account{bodies: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *account) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation == "" {
		operation = r.Method + " " + r.URL.Path
	}
	a.mu.Lock()
	a.called = append(a.called, operation)
	a.bodies[operation] = string(body)
	a.mu.Unlock()
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch operation {
	case "GetSecretValue":
		value, _ := json.Marshal(secret)
		fmt.Fprintf(w, `{"SecretString":%s}`, value)
	case "BatchGetItem":
		io.WriteString(w, `{"Responses":{},"UnprocessedKeys":{}}`)
	case "Query":
		io.WriteString(w, `{"Items":[],"Count":0,"ScannedCount":0}`)
	case "SendMessage":
		io.WriteString(w, `{"MessageId":"1"}`)
	default:
		io.WriteString(w, `{}`)
	}
}

// heard reports whether the operation was called, and with what.
func (a *account) heard(operation string) (body string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bodies[operation], slices.Contains(a.called, operation)
}

// environment is what Lambda and the template would set.
func (a *account) environment() []string {
	const arn = "arn:aws:%s:eu-central-1:123456789012:%s"
	return []string{
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=example",
		"AWS_ENDPOINT_URL=" + a.url, "AWS_ENDPOINT_URL_DYNAMODB=",
		"USHER_TABLE=usher", "USHER_SECRET_ARN=" + fmt.Sprintf(arn, "secretsmanager", "secret:usher"),
		"USHER_TASKS_URL=" + a.url + "/123456789012/tasks", "USHER_DEADLINES_URL=" + a.url + "/123456789012/deadlines",
		"USHER_METRICS_NAMESPACE=Usher/test",
		"USHER_PARK_URL=" + a.url + "/123456789012/parked",
		"USHER_SCHEDULE_GROUP=usher", "USHER_SCHEDULE_ROLE_ARN=" + fmt.Sprintf(arn, "iam", "role/usher"),
		"USHER_SCHEDULE_TARGET_ARN=" + fmt.Sprintf(arn, "lambda", "function:expire"), "USHER_SCHEDULE_FAILURES_ARN=" + fmt.Sprintf(arn, "sqs", "failures"),
		"OPENTOK_API_KEY=123456", "VONAGE_VIDEO_URL=" + a.url,
		"AWS_LAMBDA_FUNCTION_NAME=usher", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "_HANDLER=bootstrap",
	}
}
