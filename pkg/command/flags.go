package command

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// span is a length of time on the command line: 90s, 1h30m, 7d, or seconds alone.
type span time.Duration

// String is empty where no time is given: the help shows no default then.
func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return spanText(time.Duration(*s))
}

// Type is what the help shows.
func (s *span) Type() string { return "time" }

// Set reads it, to the second.
func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	*s = span(d)
	return err
}

func parseSpan(text string) (time.Duration, error) {
	const day, most = 24 * time.Hour, 10 * 365 // days
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second, nil
	}
	days, rest, found := strings.Cut(text, "d")
	n, err := strconv.ParseUint(days, 10, 16)
	if !found {
		n, rest, err = 0, text, nil
	}
	d := time.Duration(0)
	if rest != "" && err == nil {
		d, err = time.ParseDuration(rest)
	}
	if total := time.Duration(n)*day + d; err == nil && n <= most && d >= 0 && total >= time.Second && total%time.Second == 0 {
		return total, nil
	}
	return 0, fmt.Errorf("%q is no length of time: write seconds, or like 90s, 1h30m, 7d", text)
}

// spanText is short: 1h0m0s is 1h.
func spanText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func secondsText(seconds float64) string {
	if seconds == 0 {
		return "0s"
	}
	return spanText(time.Duration(seconds * float64(time.Second)).Round(time.Millisecond))
}

func spanFlag(cmd *cobra.Command, name string, usual time.Duration, usage string) *time.Duration {
	d := usual
	cmd.Flags().Var((*span)(&d), name, usage)
	return &d
}

func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "for programs: JSON as the API gives it")
}

func sessionFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("session", "", "of the lesson in this `session`, in place of the present one")
}

// takes refuses a command line that has not exactly these arguments.
func takes(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing", names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many: put quotes around one with blanks, and -- before what begins with a dash", args[len(names)])
		}
		return nil
	}
}
