package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/client"
)

func roomsCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "rooms", Short: "list the rooms", GroupID: groupRooms, Args: takes()}
	status := cmd.Flags().String("status", "", "only those that are `open`, running, paused or ended")
	return ask(p, cmd, func(a *asking, ctx context.Context, _ []string) error {
		r := client.Request{Method: http.MethodGet, Path: []string{"v1", "rooms"}, Query: url.Values{}}
		if *status != "" {
			r.Query.Set("status", *status)
		}
		if a.asJSON {
			return a.list(ctx, r, "rooms")
		}
		t := newTable(p.Out, "ROOM", "STATUS", "SEATS", "PROMISED", "WAITING", "STARTED", "ENDS", "LEFT")
		err := client.List(ctx, a.Client, r, "rooms", func(rooms []api.Summary) error {
			for _, r := range rooms {
				t.row(r.Room, statusText(r), strconv.Itoa(r.Seats), strconv.Itoa(r.Promised), strconv.Itoa(r.Waiting), text(r.StartedAt), text(r.EndsAt), leftText(r))
			}
			return t.Flush()
		})
		if err != nil {
			return err
		}
		return t.Flush()
	})
}

// list prints a whole list for programs.
func (a *asking) list(ctx context.Context, r client.Request, name string) error {
	items, err := client.All[json.RawMessage](ctx, a.Client, r, name)
	if err != nil {
		return err
	}
	return writeList(a.p.Out, name, items)
}

func statusText(r api.Summary) string {
	if r.Outcome != nil {
		return string(r.Status) + ", " + string(*r.Outcome)
	}
	return string(r.Status)
}

func leftText(r api.Summary) string {
	if r.SecondsLeft == nil {
		return ""
	}
	return secondsText(float64(*r.SecondsLeft))
}

func roomCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "room NAME", Short: "show a room and who is in", GroupID: groupRooms, Args: takes("NAME")}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		raw, err := a.Do(ctx, client.Room(http.MethodGet, room))
		if err != nil {
			return err
		}
		if a.asJSON {
			return writeJSON(p.Out, raw)
		}
		if err := a.showRoom(raw); err != nil {
			return err
		}
		return a.showPeople(ctx, room)
	})
}

// showRoom prints a room without its people.
func (a *asking) showRoom(raw []byte) error {
	r, err := client.Read[struct {
		api.Summary
		Policy json.RawMessage `json:"policy"`
	}](raw)
	if err != nil {
		return err
	}
	t := newTable(a.p.Out)
	t.row("room", r.Room)
	t.row("status", statusText(r.Summary))
	t.row("seats", fmt.Sprintf("%d taken, %d promised, %d waiting", r.Seats, r.Promised, r.Waiting))
	t.row("started", text(r.StartedAt))
	t.row("ends", text(r.EndsAt))
	t.row("left", leftText(r.Summary))
	t.row("session", text(r.SessionID))
	t.row("policy", string(r.Policy))
	return t.Flush()
}

func (a *asking) showPeople(ctx context.Context, room string) error {
	t := newTable(a.p.Out)
	begun := false
	err := client.List(ctx, a.Client, client.Room(http.MethodGet, room, "connections"), "connections", func(all []api.Connection) error {
		if !begun {
			fmt.Fprintln(a.p.Out)
			t.row("CONNECTION", "USER", "ROLE", "STATE", "SINCE", "STREAMS")
			begun = true
		}
		for _, c := range all {
			state := string(c.State)
			if c.Observer {
				state = "observer"
			}
			t.row(c.ID, text(c.User), text(c.Role), state, text(c.JoinedAt), streamsText(c.Streams))
		}
		return t.Flush()
	})
	return err
}

func streamsText(streams []api.Stream) (kinds string) {
	for i, s := range streams {
		if i > 0 {
			kinds += ", "
		}
		kinds += string(s.Kind)
	}
	return kinds
}

// longestPolicy bounds what is read of a file, in bytes; the server takes less.
const longestPolicy = 1 << 20

func putCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "put NAME FILE", Short: "make a room, or give it another policy", GroupID: groupRooms, Args: takes("NAME", "FILE"),
		Long: "Puts the policy in FILE, a JSON object, on the room; it replaces the former one as a\nwhole. With - it is read from what is piped in.",
		Example: "  usher put algebra policy.json\n" +
			`  echo '{"maxSeats": 2, "lessonSeconds": 3600}' | usher put algebra -`,
	}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, args []string) error {
		policy, err := p.readFile(args[0], longestPolicy)
		if err != nil {
			return err
		}
		r := client.Room(http.MethodPut, room)
		r.Body = policy
		return a.act(ctx, r)
	})
}

// act does what changes a room, and shows that.
func (a *asking) act(ctx context.Context, r client.Request) error {
	raw, err := a.Do(ctx, r)
	if err != nil {
		return err
	}
	if a.asJSON {
		return writeJSON(a.p.Out, raw)
	}
	return a.showRoom(raw)
}

func deleteCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "end a room's lesson and forget the room", GroupID: groupRooms, Args: takes("NAME"),
		Long: "Ends the lesson, and forgets name, policy and bans. Logs and attendance stay in the store for\nthe retention, but nothing shows them any more: read them before.",
	}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		return a.quietly(ctx, client.Room(http.MethodDelete, room), "%s is deleted", room)
	})
}

// quietly does what has no answer, and tells a person that it was done.
func (a *asking) quietly(ctx context.Context, r client.Request, done string, about ...string) error {
	if _, err := a.Do(ctx, r); err != nil || a.asJSON {
		return err
	}
	return a.tell(done, about...)
}
