// Usher keeps the door of Vonage Video rooms: how many may come in, who, and
// for how long. This program is the whole of it in one process, and the command
// line (package command); the folder functions holds the same for AWS Lambda.
// docs/design.md says how it is built and where to begin reading.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	// Roots for a machine, or an image, that has none.
	_ "golang.org/x/crypto/x509roots/fallback"

	"usher/pkg/command"
	"usher/pkg/config"
	"usher/pkg/local"
	"usher/pkg/redact"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program; package command says which statuses it ends with.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	p := command.Program{Lookup: config.Environment, In: stdin, Out: stdout, Err: stderr, Serve: serve}
	return p.Run(ctx, args)
}

// serve runs Usher itself.
func serve(ctx context.Context, out, log io.Writer) error {
	settings, err := config.Load(config.Environment)
	if err != nil {
		return err
	}
	lines := slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: redact.Tokens})
	l, err := local.New(ctx, settings, slog.New(lines))
	if err != nil {
		return err
	}
	l.Greet(out)
	return l.Run(ctx)
}
