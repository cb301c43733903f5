package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"usher/pkg/bolt"
	"usher/pkg/config"
	"usher/pkg/control"
)

func backupCommand(p Program) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "copy the data file, also while Usher runs", GroupID: groupHere, Args: takes("FILE"),
		Long: "Writes what the data file (USHER_DATA) holds at one moment to FILE, which appears when it\n" +
			"is whole and checked, with the mode 0600; one that is there is replaced. Where a program\n" +
			"runs with the data file, it gives the copy. Keep it as secret as the data file: it may\nhold the API's key.",
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := config.DataFile(p.Lookup)
			if err != nil {
				return err
			}
			return p.backup(cmd.Context(), data, args[0])
		},
	}
}

func (p Program) backup(ctx context.Context, data, to string) error {
	switch {
	case to == "" || to == "-":
		return wrongf("FILE must name a file: a backup is checked where it stands")
	case same(data, to):
		return wrongf("%s is the data file itself", to)
	}
	var held bolt.Content
	err := replace(to, func(w io.Writer) error { return snapshot(ctx, data, w) }, func(made string) (err error) {
		held, err = bolt.Verify(made)
		return err
	})
	if err != nil {
		return err
	}
	return p.done("%s is a backup of %s: %s.", to, data, contentText(held))
}

// snapshot writes the data file by the program that runs with it, else by itself.
func snapshot(ctx context.Context, data string, w io.Writer) error {
	err := control.Dial(data).Backup(ctx, w)
	if !errors.Is(err, control.ErrAbsent) {
		return err
	}
	err = bolt.Snapshot(data, w)
	switch {
	case errors.Is(err, bolt.ErrInUse):
		return fmt.Errorf("%w, and that one does not answer at %s.sock: stop it, then copy the file", err, data)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no data file at %s: USHER_DATA says where it is", data)
	}
	return err
}

func restoreCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "put a backup in the place of the data file", GroupID: groupHere, Args: takes("FILE"),
		Long: "Checks that FILE is a whole backup, and puts a copy of it in the place of the data file\n" +
			"(USHER_DATA), which no program may be using. Then start Usher: it goes on from there.",
	}
	force := cmd.Flags().Bool("force", false, "also where there is a data file, which is lost")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		data, err := config.DataFile(p.Lookup)
		if err != nil {
			return err
		}
		return p.restore(args[0], data, *force)
	}
	return cmd
}

func (p Program) restore(from, data string, force bool) error {
	if same(from, data) {
		return wrongf("%s is the data file itself", from)
	}
	if _, err := os.Stat(data); err == nil && !force {
		return fmt.Errorf("there is a data file at %s: move it away, or give --force, which replaces it", data)
	}
	if _, err := bolt.Verify(from); err != nil {
		return fmt.Errorf("this is no backup: %w", err)
	}
	release, err := bolt.Hold(data)
	if err != nil {
		return fmt.Errorf("%w: stop that first", err)
	}
	defer release()
	var held bolt.Content
	err = replace(data, func(w io.Writer) error { return copyFile(from, w) }, func(made string) (err error) {
		if held, err = bolt.Verify(made); err != nil || os.Geteuid() != 0 {
			return err
		}
		return handOver(made, data, os.Chown)
	})
	if err != nil {
		return err
	}
	return p.done("%s is now what %s holds: %s.", data, from, contentText(held))
}

func contentText(c bolt.Content) string {
	return fmt.Sprintf("%d rooms, %d lessons", c.Rooms, c.Lessons)
}

func (p Program) done(format string, about ...any) error {
	_, err := fmt.Fprintln(p.Out, plainLines(fmt.Sprintf(format, about...)))
	return err
}
