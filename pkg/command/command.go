// Package command is the command line: the program itself (usher run), tools that sign
// tokens and read logs, and the API for a person at a terminal or a script.
//
// It is trusted to print other people's text in plain characters alone, to print no token
// but where that was asked for, and to end with a status that scripts can use. Begin with
// command.go, which lists the commands, then server.go, how they ask a server.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/pkg/client"
	"usher/pkg/config"
	"usher/pkg/journal"
)

// Statuses with which the program ends.
const (
	Done    = 0
	Failed  = 1 // here: a file, a setting, the program could not start
	Usage   = 2 // a command line that is not understood
	Refused = 3 // by the server; asking again does not help
	Away    = 4 // the server cannot be reached or cannot answer now; asking again may help
)

// Program is what the command line runs in.
type Program struct {
	Lookup   config.Lookup
	In       io.Reader
	Out, Err io.Writer
	Now      func() time.Time // the wall clock where it is nil
	// Serve runs Usher itself until ctx ends.
	Serve func(ctx context.Context, out, log io.Writer) error
}

// Run does what the arguments ask, and gives the status to end with. What cannot be done
// is said to Err. An end of ctx ends it.
func (p Program) Run(ctx context.Context, args []string) int {
	if p.Now == nil {
		p.Now = time.Now
	}
	root := p.root()
	root.SetArgs(doubleDashes(root, args))
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return Done
	}
	switch {
	case !began:
		err = wrong(err)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	p.say(cmd, err)
	return statusOf(err)
}

// usageError is a command line that is not understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func wrong(err error) error { return usageError{err} }

func wrongf(format string, args ...any) error { return wrong(fmt.Errorf(format, args...)) }

func statusOf(err error) int {
	var refused *client.Refusal
	switch {
	case errors.As(err, new(usageError)):
		return Usage
	case errors.Is(err, client.ErrUnreachable):
		return Away
	case errors.As(err, &refused) && refused.Later():
		return Away
	case errors.As(err, &refused):
		return Refused
	}
	return Failed
}

// say tells what went wrong, and what helps.
func (p Program) say(cmd *cobra.Command, err error) {
	fmt.Fprintf(p.Err, "%s: %s\n", cmd.CommandPath(), plainLines(err.Error()))
	if statusOf(err) == Usage {
		fmt.Fprintf(p.Err, "\n  %s\n\n%s --help says more.\n", cmd.UseLine(), cmd.CommandPath())
		return
	}
	if advice := adviceOn(err); advice != "" {
		fmt.Fprintln(p.Err, advice)
	}
}

// adviceOn says what to do about a failure whose own words do not.
func adviceOn(err error) string {
	var refused *client.Refusal
	switch {
	case errors.Is(err, client.ErrUnreachable):
		return "Is it running? `usher` starts it here; --url or USHER_URL says where it is."
	case errors.As(err, &refused) && refused.Code == "unauthorized":
		return "Put a token of that server into USHER_ADMIN_TOKEN (`usher token` prints one where its key is), or its key into USHER_API_SECRET."
	}
	return ""
}

// plainLines keeps the line ends of a message, which are our own where Plain was applied
// to what others said.
func plainLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = journal.Plain(line)
	}
	return strings.Join(lines, "\n")
}

// doubleDashes takes -room for --room, as earlier programs wrote it. Letters alone stay.
func doubleDashes(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil {
		return args
	}
	var all []string
	for i, arg := range args {
		if arg == "--" {
			return append(all, args[i:]...)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && strings.HasPrefix(arg, "-") && cmd.Flags().Lookup(name) != nil {
			arg = "-" + arg
		}
		all = append(all, arg)
	}
	return all
}

const about = `Usher keeps the door of Vonage Video rooms.

Without a command it runs: everything in one process, with a simulated platform
where no credentials are set. Its settings are environment variables (README).

The other commands ask a running Usher, at --url, USHER_URL or http://127.0.0.1:5000,
with the admin token in USHER_ADMIN_TOKEN; without one they sign their own, with
USHER_API_SECRET or the key of the data file (USHER_DATA).

It ends with 0 done, 1 failed here, 2 wrong usage, 3 refused by the server, 4 the
server is away or cannot answer now.`

func (p Program) root() *cobra.Command {
	root := &cobra.Command{
		Use: "usher", Short: "the doorkeeper of Vonage Video rooms", Long: about,
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd) },
		SilenceErrors: true, SilenceUsage: true,
	}
	root.AddGroup(&cobra.Group{ID: groupHere, Title: "Here:"}, &cobra.Group{ID: groupRooms, Title: "Rooms and lessons:"},
		&cobra.Group{ID: groupPeople, Title: "People:"}, &cobra.Group{ID: groupRecord, Title: "What happened:"})
	for _, make := range []func(Program) *cobra.Command{
		runCommand, ticketCommand, tokenCommand, doctorCommand, backupCommand, restoreCommand, versionCommand,
		roomsCommand, roomCommand, putCommand, endCommand, extendCommand, reopenCommand, deleteCommand,
		removeCommand, banCommand, bansCommand, unbanCommand,
		logCommand, attendanceCommand, lessonsCommand, explainCommand, replayCommand,
	} {
		root.AddCommand(make(p))
	}
	named(root)
	return root
}

// named makes the library's own commands refuse a name that they do not know, where they
// would print a help in place of what was asked for.
func named(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = topic
		case "completion":
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, noShell
		}
	}
}

func topic(cmd *cobra.Command, args []string) error {
	if _, rest, err := cmd.Root().Find(args); err != nil || len(rest) > 0 {
		return fmt.Errorf("there is no command %q", strings.Join(args, " "))
	}
	return nil
}

func noShell(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return wrongf("name the shell: bash, zsh, fish or powershell")
	}
	return wrongf("%q is no shell that is known: name bash, zsh, fish or powershell", args[0])
}

// Groups of commands in the help.
const (
	groupHere   = "here"
	groupRooms  = "rooms"
	groupPeople = "people"
	groupRecord = "record"
)
