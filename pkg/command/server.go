package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/client"
	"usher/pkg/config"
	"usher/pkg/policy"
)

// tokenLife is how long a token lives that is signed for asking; it is signed anew in time.
const tokenLife = 5 * time.Minute

// asking is a command that asks a server.
type asking struct {
	p      Program
	named  string // by --url
	asJSON bool
	*client.Client
}

// ask makes a command that asks a server, and says so in its flags. Where its first
// argument is a room, its name is checked.
func ask(p Program, cmd *cobra.Command, do func(a *asking, ctx context.Context, args []string) error) *cobra.Command {
	a := &asking{p: p}
	cmd.Flags().StringVar(&a.named, "url", "", "the server's `address` (USHER_URL, else "+config.DefaultServer+")")
	cmd.Flags().BoolVar(&a.asJSON, "json", false, "for programs: JSON as the API gives it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := a.connect(); err != nil {
			return err
		}
		return do(a, cmd.Context(), args)
	}
	if strings.HasPrefix(cmd.Use, cmd.Name()+" NAME") {
		cmd.ValidArgsFunction = a.completeRoom
	}
	return cmd
}

const (
	// completeWithin is how long somebody waits for names after a key press, and
	// mostNames how many are shown.
	completeWithin = time.Second
	mostNames      = "100"
)

// completeRoom gives a shell the names of rooms, where the server tells them.
func (a *asking) completeRoom(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	if a.connect() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r := client.Request{Method: http.MethodGet, Path: []string{"v1", "rooms"}, Query: url.Values{"limit": {mostNames}}}
	raw, err := a.Do(ctx, r)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var page struct{ Rooms []api.Summary }
	_ = json.Unmarshal(raw, &page) // then there are none
	var names []string
	for _, r := range page.Rooms {
		if policy.ValidRoom(r.Room) {
			names = append(names, r.Room)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// askRoom is ask for commands about the room that the first argument names.
func askRoom(p Program, cmd *cobra.Command, do func(a *asking, ctx context.Context, room string, args []string) error) *cobra.Command {
	return ask(p, cmd, func(a *asking, ctx context.Context, args []string) error {
		if !policy.ValidRoom(args[0]) {
			return wrongRoom(args[0])
		}
		return do(a, ctx, args[0], args[1:])
	})
}

func (a *asking) connect() error {
	base, err := config.ServerURL(a.p.Lookup, a.named)
	switch {
	case err != nil && a.named != "":
		return wrong(err)
	case err != nil:
		return err
	}
	given := config.AdminToken(a.p.Lookup)
	if given == "" {
		a.Client = client.New(base, a.signed(base))
		return nil
	}
	if strings.ContainsFunc(given, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("USHER_ADMIN_TOKEN is no token: it has a blank, a line end or a letter that none has")
	}
	a.Client = client.New(base, func(context.Context) (string, error) { return given, nil })
	return nil
}

// signed gives tokens of our own. A key that is kept here is for the program here.
func (a *asking) signed(base string) client.Token {
	var mu sync.Mutex
	var token string
	var until time.Time
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		now := a.p.Now()
		if now.Before(until) {
			return token, nil
		}
		key, kept, err := a.p.apiKey(ctx)
		switch {
		case err != nil:
			return "", fmt.Errorf("USHER_ADMIN_TOKEN is not set, and no token can be signed: %w", err)
		case kept && !config.OnThisMachine(base):
			return "", errors.New("put an admin token of that server into USHER_ADMIN_TOKEN; the key in the data file is for the program on this machine")
		}
		token, until = api.GrantToken(key, api.Grant{Actor: person()}, now, tokenLife), now.Add(tokenLife/2)
		return token, nil
	}
}

// person is who works here, for the log of what is done; "" where the system does not say.
func person() string {
	u, err := user.Current()
	if err != nil || !policy.ValidUser(u.Username) {
		return ""
	}
	return u.Username
}

// listOf prints a whole list of a room's, which goes by one name in the path and in the
// answer: a row for each item, or for programs JSON.
func listOf[T any](ctx context.Context, a *asking, room, name string, head []string, row func(T) []string) error {
	r := client.Room(http.MethodGet, room, name)
	if a.asJSON {
		return a.list(ctx, r, name)
	}
	t := newTable(a.p.Out, head...)
	err := client.List(ctx, a.Client, r, name, func(items []T) error {
		for _, item := range items {
			t.row(row(item)...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.Flush()
}
