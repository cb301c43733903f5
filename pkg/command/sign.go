package command

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/config"
	"usher/pkg/doorkeeper"
	"usher/pkg/policy"
)

const aboutTickets = `Prints a ticket, with which the user may join the room: for a page's address
(/room/ROOM#ticket=...), or as the bearer token of POST /v1/rooms/ROOM/join.

It is signed with USHER_TICKET_SECRET or USHER_API_SECRET, else with the key of the
program that runs with the data file USHER_DATA, or the one kept in that file.`

func ticketCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ticket ROOM USER", Short: "sign a ticket for a user", Long: aboutTickets, GroupID: groupHere, Args: takes("ROOM", "USER"),
		Example: "  usher ticket algebra alice\n  usher ticket algebra 'Ms. Jones' --role teacher --for 90d\n  usher ticket algebra alice --link",
	}
	role := cmd.Flags().String("role", "", "the user's `role` in the room")
	data := cmd.Flags().String("data", "", "any `JSON` that comes with the connection; everybody in the session reads it")
	life := spanFlag(cmd, "for", time.Hour, "how long it is good, at most 90d")
	link := cmd.Flags().Bool("link", false, "print the address of the room's page with the ticket in it")
	server := cmd.Flags().String("url", "", "the `address` of the server in the link (USHER_URL, else http://127.0.0.1:5000)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		who := doorkeeper.Applicant{User: args[1], Role: *role}
		if *data != "" {
			who.Data = json.RawMessage(*data)
		}
		if err := checkTicket(args[0], who, *life); err != nil {
			return err
		}
		key, err := p.ticketKey(cmd.Context())
		if err != nil {
			return err
		}
		token := api.DataTicket(key, args[0], who, p.Now(), *life)
		if !*link {
			_, err = fmt.Fprintln(p.Out, token)
			return err
		}
		base, err := config.ServerURL(p.Lookup, *server)
		switch {
		case err != nil && *server != "":
			return wrong(err)
		case err != nil:
			return err
		}
		_, err = fmt.Fprintf(p.Out, "%s/room/%s#ticket=%s\n", base, url.PathEscape(args[0]), token)
		return err
	}
	return cmd
}

// checkTicket refuses what the server would.
func checkTicket(room string, who doorkeeper.Applicant, life time.Duration) error {
	switch {
	case !policy.ValidRoom(room):
		return wrongRoom(room)
	case !policy.ValidUser(who.User):
		return wrongf("%q cannot name a user: 1 to 128 bytes of UTF-8 without control characters, line separators and direction overrides", who.User)
	case !policy.ValidRole(who.Role):
		return wrongf("%q cannot name a role: at most 32 letters, digits, _ and -", who.Role)
	case life < time.Second || life > api.LongestTicket:
		return wrongf("--for: a ticket lives at most 90d")
	}
	if who.Data == nil {
		return nil
	}
	var value any
	if err := json.Unmarshal(who.Data, &value); err != nil || value == nil {
		return wrongf(`--data is no JSON value, or null: quote it for the shell, like '{"name":"Alice"}'`)
	}
	if compact, _ := json.Marshal(who.Data); len(compact) > api.LongestData {
		return wrongf("--data takes %d bytes, and may take %d", len(compact), api.LongestData)
	}
	return nil
}

func wrongRoom(name string) error {
	return wrongf("%q cannot name a room: 1 to 64 letters, digits, ., _ and -, the first a letter or digit", name)
}

func tokenCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "sign an admin token", GroupID: groupHere, Args: takes(),
		Long: "Prints an admin token. It is signed with USHER_API_SECRET, else with the key of the\n" +
			"program that runs with the data file USHER_DATA, or the one kept in that file.",
		Example: "  curl -H \"Authorization: Bearer $(usher token)\" http://127.0.0.1:5000/v1/rooms",
	}
	room := cmd.Flags().String("room", "", "good for this `room` alone")
	actor := cmd.Flags().String("as", "", "the `name` that the log shows for what is done with it")
	life := spanFlag(cmd, "for", 12*time.Hour, "how long it is good, at most 24h")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case *room != "" && !policy.ValidRoom(*room):
			return wrongRoom(*room)
		case *actor != "" && !policy.ValidUser(*actor):
			return wrongf("--as %q cannot name a person", *actor)
		case *life < time.Second || *life > api.LongestAdmin:
			return wrongf("--for: an admin token lives at most 24h")
		}
		key, _, err := p.apiKey(cmd.Context())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.Out, api.GrantToken(key, api.Grant{Room: *room, Actor: *actor}, p.Now(), *life))
		return err
	}
	return cmd
}
