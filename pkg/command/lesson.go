package command

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"usher/pkg/client"
)

func endCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "end NAME", Short: "end the lesson now: everyone is disconnected", GroupID: groupRooms, Args: takes("NAME")}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		return a.act(ctx, client.Room(http.MethodPost, room, "end"))
	})
}

func reopenCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "reopen NAME", Short: "open an ended room again, with a fresh session", GroupID: groupRooms, Args: takes("NAME")}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		return a.act(ctx, client.Room(http.MethodPost, room, "reopen"))
	})
}

func extendCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "extend NAME SECONDS | extend NAME --to TIME", Short: "move the end of the lesson", GroupID: groupRooms, Args: cobra.RangeArgs(1, 2),
		Long:    "Moves the end later by so many seconds, or to a time. To a time is safe to repeat,\nand may be earlier.",
		Example: "  usher extend algebra 600\n  usher extend algebra 10m\n  usher extend algebra --to 2026-12-01T18:15:00Z",
	}
	to := cmd.Flags().String("to", "", "end at this `time` (RFC 3339)")
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, args []string) error {
		body, err := extension(args, *to)
		if err != nil {
			return err
		}
		r := client.Room(http.MethodPost, room, "extend")
		r.Body, err = json.Marshal(body)
		if err != nil {
			return err
		}
		return a.act(ctx, r)
	})
}

func extension(args []string, to string) (map[string]any, error) {
	switch {
	case (len(args) == 1) == (to != ""):
		return nil, wrongf("say by how many seconds, or --to which time")
	case to != "":
		if _, err := time.Parse(time.RFC3339, to); err != nil {
			return nil, wrongf("--to %q is no time like 2026-12-01T18:15:00Z (RFC 3339)", to)
		}
		return map[string]any{"endsAt": to}, nil
	}
	by, err := parseSpan(args[0])
	if err != nil {
		return nil, wrong(err)
	}
	return map[string]any{"seconds": int64(by / time.Second)}, nil
}
