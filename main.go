// Usher keeps the door of Vonage Video rooms: how many may come in, who, and
// for how long. This program is the whole of it in one process; the folder
// functions holds the same for AWS Lambda. docs/design.md says how it is built
// and where to begin reading.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"usher/pkg/api"
	"usher/pkg/config"
	"usher/pkg/journal"
	"usher/pkg/local"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program: 0 after an end that was asked for, 1 where it could not
// start or go on, 2 for a command line that it does not know.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "replay" {
		return replay(os.Stdin, stdout, stderr)
	}
	if len(args) > 0 && args[0] == "explain" {
		return explain(args[1:], os.Stdin, stdout, stderr)
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "usher knows the arguments replay and explain, and was given %q. Its settings are environment variables, like USHER_ADDR=127.0.0.1:5001\n", args)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, stop, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "usher:", err)
		return 1
	}
	return 0
}

// replay tells a lesson's story from its log, which comes as the API gives it.
func replay(log io.Reader, stdout, stderr io.Writer) int {
	lines, err := api.ReadLines(log)
	if err == nil {
		err = journal.Narrate(stdout, lines)
	}
	if err != nil {
		fmt.Fprintln(stderr, "usher replay:", journal.Plain(err.Error()))
		return 1
	}
	return 0
}

func serve(ctx context.Context, stop func(), stdout, stderr io.Writer) error {
	settings, err := config.Load(config.Environment)
	if err != nil {
		return err
	}
	l, err := local.New(ctx, settings, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return err
	}
	l.Greet(stdout)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return l.Run(ctx)
}
