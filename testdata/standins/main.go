// Command standins is what the five functions find around them when they run on this
// machine by `sam local`: DynamoDB Local with the table, stand-ins for Secrets Manager,
// SQS and Scheduler that take everything and say so, and the simulated platform. In it
// two people sit in a room for two, and a third one has connected, of whom Usher has not
// heard: the event that tells of her is written to a file.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"usher/pkg/app"
	"usher/pkg/gateway"
	"usher/pkg/topic"
	"usher/pkg/vonage/vonagetest"
)

// options are what may differ from testdata/sam/env.json.
type options struct {
	addr     string // of the stand-ins
	dynamodb string // port of DynamoDB Local
	env      string // file of the functions' variables
	event    string // file to write the event to
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8001", "where the stand-ins listen; on Docker's bridge too, where there is one")
	flag.StringVar(&o.dynamodb, "dynamodb", "8000", "port of DynamoDB Local")
	flag.StringVar(&o.env, "env", "testdata/sam/env.json", "the functions' variables")
	flag.StringVar(&o.event, "event", ".cache/local/third.json", "where to write the event")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "standins:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if err := becomeFunction(o.env); err != nil {
		return err
	}
	if err := startDynamoDB(ctx, o.dynamodb); err != nil {
		return err
	}
	platform := vonagetest.New(vonagetest.Options{
		APIKey: os.Getenv("OPENTOK_API_KEY"), APISecret: platformSecret, Callback: "http://" + o.addr + "/session-monitoring",
	})
	defer platform.Close()
	failed, err := serve(o.addr, routes(platform))
	if err != nil {
		return err
	}
	s := &scene{url: "http://" + o.addr, platform: platform, event: o.event}
	if err := s.begin(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case err := <-s.play(ctx):
		return err
	}
}

// becomeFunction takes the functions' own variables, for this process hears and answers
// like them until the scene is set.
func becomeFunction(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var env struct{ Parameters map[string]string }
	if err := json.Unmarshal(raw, &env); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for name, value := range env.Parameters {
		os.Setenv(name, value)
	}
	os.Setenv("AWS_REGION", "eu-central-1")
	os.Setenv("AWS_ACCESS_KEY_ID", "local")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "local")
	return nil
}

func routes(platform http.Handler) http.Handler {
	cloud := app.New(gateway.RequestID)
	mux := http.NewServeMux()
	mux.HandleFunc("/", serveAWS)
	mux.Handle("/vonage/", http.StripPrefix("/vonage", platform))
	mux.Handle("/session-monitoring", cloud.Webhook())
	mux.Handle("/v1/", cloud.Rooms(topic.Confirmed))
	return mux
}

// serve listens on the address, and on the same port of Docker's bridge, by which
// containers reach this machine.
func serve(addr string, h http.Handler) (failed <-chan error, err error) {
	errs := make(chan error, 2)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	for _, a := range append(bridge(port), addr) {
		l, err := net.Listen("tcp", a)
		if err != nil {
			return nil, err
		}
		go func() { errs <- http.Serve(l, h) }()
	}
	return errs, nil
}

func bridge(port string) []string {
	i, err := net.InterfaceByName("docker0")
	if err != nil {
		return nil
	}
	addrs, err := i.Addrs()
	if err != nil || len(addrs) == 0 {
		return nil
	}
	ip, _, _ := strings.Cut(addrs[0].String(), "/")
	return []string{net.JoinHostPort(ip, port)}
}

// writeEvent puts a webhook's body into the event that API Gateway would make of it.
func writeEvent(file string, body []byte) error {
	raw, err := os.ReadFile("functions/webhook/event.json")
	if err != nil {
		return err
	}
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		return err
	}
	event["body"] = string(body)
	event["headers"].(map[string]any)["content-length"] = fmt.Sprint(len(body))
	event["requestContext"].(map[string]any)["timeEpoch"] = time.Now().UnixMilli()
	raw, err = json.MarshalIndent(event, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o600)
}
