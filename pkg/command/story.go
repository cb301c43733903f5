package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/client"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

func explainCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain SESSION CONNECTION [FILE] | explain --room NAME [SESSION] CONNECTION", Short: "why a connection was refused or sent away",
		GroupID: groupRecord, Args: cobra.ArbitraryArgs,
		Long: "Tells in sentences what became of a connection and why: by a log in FILE or piped in\n" +
			"(pages of GET .../events, or usher log --json), or with --room by the server's.",
		Example: "  usher explain --room algebra 532bf4de-8990-432c-a816-f66ff79f8c3c\n  usher log algebra --json | usher explain SESSION CONNECTION",
	}
	room := cmd.Flags().String("room", "", "ask the server for the log of this `room`")
	return fileOrServer(p, cmd, func(a *asking, ctx context.Context, args []string) error {
		if len(args) == 0 {
			return wrongf("CONNECTION is missing")
		}
		if *room != "" {
			return a.explainRoom(ctx, *room, args)
		}
		if len(args) < 2 || len(args) > 3 || a.named != "" || a.asJSON {
			return wrongf("name the session and the connection of a log, or with --room the connection")
		}
		lines, err := p.linesOf(args[2:], func(from io.Reader) ([]journal.Line, error) { return api.ReadLog(from, args[0]) })
		if err != nil {
			return err
		}
		return p.sentences(lines, args[1])
	})
}

func (a *asking) explainRoom(ctx context.Context, room string, args []string) error {
	session := ""
	if len(args) == 2 {
		session = args[0]
	}
	if len(args) > 2 || a.asJSON {
		return wrongf("with --room there is no file: name a connection, before it the session where it is not the present one")
	}
	lines, err := a.lines(ctx, room, session)
	if err != nil {
		return err
	}
	return a.p.sentences(lines, args[len(args)-1])
}

func (p Program) sentences(lines []journal.Line, connection string) error {
	said := journal.Explain(lines, connection)
	if len(said) == 0 {
		return fmt.Errorf("the log does not speak of the connection %q", connection)
	}
	for _, s := range said {
		if _, err := fmt.Fprintln(p.Out, s); err != nil {
			return err
		}
	}
	return nil
}

// fileOrServer is ask for commands that print no JSON.
func fileOrServer(p Program, cmd *cobra.Command, do func(*asking, context.Context, []string) error) *cobra.Command {
	cmd = ask(p, cmd, do)
	_ = cmd.Flags().MarkHidden("json") // it is there
	return cmd
}

func replayCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay [FILE] | replay --room NAME", Short: "tell a lesson's story, with its state after each line",
		GroupID: groupRecord, Args: cobra.MaximumNArgs(1),
		Long:    "Tells the story of a log in FILE or piped in (pages of GET .../events, or\nusher log --json), or with --room of the server's.",
		Example: "  usher replay < log.json\n  usher replay --room algebra",
	}
	room := cmd.Flags().String("room", "", "ask the server for the log of this `room`")
	session := sessionFlag(cmd)
	return fileOrServer(p, cmd, func(a *asking, ctx context.Context, args []string) (err error) {
		var lines []journal.Line
		switch {
		case a.asJSON, *room == "" && (a.named != "" || *session != ""), *room != "" && len(args) > 0:
			return wrongf("name a file, or a --room of the server")
		case *room != "":
			lines, err = a.lines(ctx, *room, *session)
		default:
			if lines, err = p.linesOf(args, api.ReadLines); err == nil && len(lines) == 0 {
				err = errors.New("there is no line of a log in it") // the command before may have failed
			}
		}
		if err != nil {
			return err
		}
		return journal.Narrate(p.Out, lines)
	})
}

// linesOf reads a log from the file, where one is named, else from what is piped in.
func (p Program) linesOf(file []string, read func(io.Reader) ([]journal.Line, error)) ([]journal.Line, error) {
	if len(file) == 0 {
		return read(p.In)
	}
	from, err := os.Open(file[0])
	if err != nil {
		return nil, err
	}
	defer from.Close()
	return read(from)
}

// lines reads a log from the server.
func (a *asking) lines(ctx context.Context, room, session string) (lines []journal.Line, err error) {
	if !policy.ValidRoom(room) {
		return nil, wrongRoom(room)
	}
	err = a.Log(ctx, room, session, func(p client.LogPage) error {
		for _, raw := range p.Events {
			shown, err := client.Read[api.Line](raw)
			if err != nil {
				return err
			}
			line, err := shown.Journal()
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
		return nil
	})
	return lines, err
}
