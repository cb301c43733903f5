package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"usher/pkg/api"
	"usher/pkg/config"
	"usher/pkg/journal"
)

const usageOfExplain = `usher explain SESSION CONNECTION [FILE]
usher explain -url URL -room ROOM SESSION CONNECTION

tells why a connection was refused or sent away: by the pages of GET .../events in FILE or in
what is piped in, or by those of the server at URL, which is asked with the admin token in
USHER_ADMIN_TOKEN.
`

// askServerFor bounds how long a server may take to give a log.
const askServerFor = time.Minute

// explain tells what became of a connection, and why.
func explain(args []string, log io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("usher explain", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usageOfExplain) }
	server := flags.String("url", "", "")
	room := flags.String("room", "", "")
	if flags.Parse(args) != nil {
		return 2
	}
	if n := flags.NArg(); n < 2 || n > 3 || (*server == "") != (*room == "") || n == 3 && *server != "" {
		flags.Usage()
		return 2
	}
	session, connection := flags.Arg(0), flags.Arg(1)
	lines, err := linesOf(log, api.Server{URL: *server, Token: config.AdminToken(config.Environment)}, *room, session, flags.Arg(2))
	if err == nil {
		err = sentences(stdout, lines, connection)
	}
	if err != nil {
		fmt.Fprintln(stderr, "usher explain:", journal.Plain(err.Error()))
		return 1
	}
	return 0
}

// linesOf reads the session's log from the server, where one is named, else from the file,
// else from what was piped in.
func linesOf(piped io.Reader, server api.Server, room, session, path string) ([]journal.Line, error) {
	if server.URL != "" {
		if server.Token == "" {
			return nil, errors.New("put an admin token into USHER_ADMIN_TOKEN")
		}
		ctx, cancel := context.WithTimeout(context.Background(), askServerFor)
		defer cancel()
		return server.Log(ctx, room, session)
	}
	if path == "" {
		return api.ReadLog(piped, session)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return api.ReadLog(file, session)
}

func sentences(w io.Writer, lines []journal.Line, connection string) error {
	said := journal.Explain(lines, connection)
	if len(said) == 0 {
		return fmt.Errorf("the log does not speak of the connection %q", connection)
	}
	for _, s := range said {
		if _, err := fmt.Fprintln(w, s); err != nil {
			return err
		}
	}
	return nil
}
