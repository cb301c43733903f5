package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/client"
	"usher/pkg/journal"
)

func logCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "log NAME", Short: "print the log of a lesson", GroupID: groupRecord, Args: takes("NAME"),
		Long: "Prints the log of the room's present lesson, or of another of `usher lessons NAME`.\n" +
			"With --follow it goes on as the log grows, also over a restart of the server and with\n" +
			"the room's next lesson, until it is interrupted.\n" +
			"With --json each line of the log is a line of JSON; `usher replay` and `usher explain`\nread it.",
	}
	session := sessionFlag(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "go on until it is interrupted")
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		w := &logWriter{asking: a, room: room}
		if !*follow {
			return a.Log(ctx, room, *session, w.page)
		}
		f := client.Follower{Client: a.Client, Room: room, Session: *session, Each: w.page, Trouble: a.trouble}
		return f.Follow(ctx)
	})
}

// trouble tells that the server is away, and that it is back.
func (a *asking) trouble(err error) {
	if err != nil {
		fmt.Fprintf(a.p.Err, "usher log: %s; it is tried again\n", plainLines(err.Error()))
		return
	}
	fmt.Fprintln(a.p.Err, "usher log: the server answers again")
}

// logWriter prints pages of a log.
type logWriter struct {
	*asking
	room, session string
}

func (w *logWriter) page(p client.LogPage) error {
	if w.session != "" && w.session != p.SessionID && !w.asJSON {
		fmt.Fprintf(w.p.Out, "\nThe next lesson, in the session %s:\n", journal.Plain(p.SessionID))
	}
	w.session = p.SessionID
	for _, raw := range p.Events {
		if err := w.line(raw); err != nil {
			return err
		}
	}
	return nil
}

func (w *logWriter) line(raw json.RawMessage) error {
	if w.asJSON {
		return w.object(raw)
	}
	line, err := client.Read[api.Line](raw)
	if err != nil {
		return err
	}
	said, err := line.Journal()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.p.Out, journal.Tell(said))
	return err
}

// object writes the line as the server gave it, and before that whose it is, as the
// backend is told it.
func (w *logWriter) object(raw json.RawMessage) error {
	head, err := json.Marshal(struct {
		Room      string `json:"room"`
		SessionID string `json:"sessionId"`
	}{w.room, w.session})
	if err != nil {
		return err
	}
	if len(raw) < 2 || raw[0] != '{' {
		return client.ErrNotUsher
	}
	return writeJSON(w.p.Out, slices.Concat(head[:len(head)-1], []byte(","), raw[1:]))
}
