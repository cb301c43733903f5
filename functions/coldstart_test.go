package functions_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// buildFunction builds a command as cloud.mk does, for this machine.
func buildFunction(t testing.TB, pkg string) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", binary, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	return binary
}

// runtime stands in for Lambda's runtime API: it hands out one event and takes
// the answer.
type runtime struct {
	event  []byte
	busy   atomic.Bool
	asked  chan time.Time // when the process first asked for work
	answer chan string
	done   chan struct{}
}

func (r *runtime) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch {
	case strings.HasSuffix(q.URL.Path, "/invocation/next"):
		if r.busy.Swap(true) { // the second question waits until the process is ended
			<-r.done
			return
		}
		r.asked <- time.Now()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(15*time.Second).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:usher")
		w.Write(r.event)
	default:
		body, _ := io.ReadAll(q.Body)
		w.WriteHeader(http.StatusAccepted)
		r.answer <- string(body)
	}
}

// start is how long a process took from its beginning until it asked for work,
// and until it had answered its first event.
type start struct{ ready, answered time.Duration }

// measure starts a function, has it answer an event, and adds what it wrote to said.
func measure(t testing.TB, binary string, env []string, event []byte, said *bytes.Buffer) start {
	t.Helper()
	r := &runtime{event: event, asked: make(chan time.Time, 1), answer: make(chan string, 1), done: make(chan struct{})}
	server := httptest.NewServer(r)
	defer server.Close()
	defer close(r.done)
	cmd := exec.Command(binary)
	cmd.Env = append(slices.Clone(env), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log // one writer: its writes do not mix
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		said.Write(log.Bytes())
	}()
	select {
	case answer := <-r.answer:
		took := start{(<-r.asked).Sub(began), time.Since(began)}
		if !strings.Contains(answer, `"statusCode":200`) {
			t.Fatalf("%s answered %s\n%s", binary, answer, &log)
		}
		return took
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not answer\n%s", binary, &log)
		return start{}
	}
}

// BenchmarkColdStart starts the webhook and a bare function in turn and gives
// medians: until ready, and until the first event is answered, which takes the
// webhook one request to Secrets Manager and two to DynamoDB, the second beside the
// first to mark that a callback came. Both services are stand-ins.
func BenchmarkColdStart(b *testing.B) {
	event, err := os.ReadFile("webhook/event.json")
	if err != nil {
		b.Fatal(err)
	}
	env := newAccount(b).environment()
	names := []string{"webhook", "bare"}
	binaries := []string{buildFunction(b, "./webhook"), buildFunction(b, "../testdata/bare")}
	ready, answered := make([][]time.Duration, 2), make([][]time.Duration, 2)
	for b.Loop() {
		for i, binary := range binaries {
			s := measure(b, binary, env, event, &bytes.Buffer{})
			ready[i], answered[i] = append(ready[i], s.ready), append(answered[i], s.answered)
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, name := range names {
		b.ReportMetric(milliseconds(ready[i]), name+"-ready-ms")
		b.ReportMetric(milliseconds(answered[i]), name+"-answered-ms")
		raw, zipped := sizes(b, binaries[i])
		b.ReportMetric(raw, name+"-MB")
		b.ReportMetric(zipped, name+"-zip-MB")
	}
	b.ReportMetric(milliseconds(ready[0])/milliseconds(ready[1]), "ready-ratio")
	b.ReportMetric(milliseconds(answered[0])/milliseconds(answered[1]), "answered-ratio")
}

func milliseconds(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2]) / float64(time.Millisecond)
}

// sizes gives megabytes (10^6 bytes), as the file is and as a zip.
func sizes(t testing.TB, binary string) (raw, zipped float64) {
	t.Helper()
	content, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return float64(len(content)) / 1e6, float64(out.Len()) / 1e6
}
