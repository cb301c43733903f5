package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/client"
	"usher/pkg/journal"
)

func removeCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME CONNECTION", Short: "disconnect one connection", GroupID: groupPeople, Args: takes("NAME", "CONNECTION"),
		Long: "Disconnects a connection; its user may come back after the policy's rejoinSeconds.\n`usher room NAME` shows the connections.",
	}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, args []string) error {
		return a.quietly(ctx, client.Room(http.MethodDelete, room, "connections", args[0]), "%s is sent away from %s", args[0], room)
	})
}

func banCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ban NAME USER", Short: "send a user away and keep it out", GroupID: groupPeople, Args: takes("NAME", "USER"),
		Long:    "Disconnects every connection of the user, and keeps it out, in the lessons to come too,\nfor so long, or until `usher unban`.",
		Example: "  usher ban algebra mallory --for 7d --note 'swore at the teacher'",
	}
	var life span
	cmd.Flags().Var(&life, "for", "for so long; without it until it is lifted")
	note := cmd.Flags().String("note", "", "the `text` that says why, for who reads the bans")
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, args []string) error {
		ban := map[string]any{"user": args[0]}
		if life != 0 {
			ban["seconds"] = int64(time.Duration(life) / time.Second)
		}
		if *note != "" {
			ban["note"] = *note
		}
		r := client.Room(http.MethodPost, room, "bans")
		var err error
		if r.Body, err = json.Marshal(ban); err != nil {
			return err
		}
		raw, err := a.Do(ctx, r)
		if err != nil {
			return err
		}
		if a.asJSON {
			return writeJSON(p.Out, raw)
		}
		b, err := client.Read[api.Ban](raw)
		if err != nil {
			return err
		}
		return a.tell("%s is kept out of %s %s", b.User, room, untilText(b))
	})
}

func untilText(b api.Ban) string {
	if b.Until == nil {
		return "until it is let in again"
	}
	return "until " + *b.Until
}

// tell says what was done, in Plain text.
func (a *asking) tell(format string, about ...string) error {
	args := make([]any, len(about))
	for i, text := range about {
		args[i] = journal.Plain(text)
	}
	_, err := fmt.Fprintf(a.p.Out, format+".\n", args...)
	return err
}

func bansCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "bans NAME", Short: "list who is kept out", GroupID: groupPeople, Args: takes("NAME")}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		head := []string{"USER", "UNTIL", "SINCE", "BY", "NOTE"}
		return listOf(ctx, a, room, "bans", head, func(b api.Ban) []string {
			return []string{b.User, text(b.Until), text(b.At), b.Actor, text(b.Note)}
		})
	})
}

func unbanCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "unban NAME USER", Short: "let a user in again", GroupID: groupPeople, Args: takes("NAME", "USER")}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, args []string) error {
		r := client.Room(http.MethodDelete, room, "bans")
		r.Query = url.Values{"user": {args[0]}}
		return a.quietly(ctx, r, "%s may come into %s again", args[0], room)
	})
}
