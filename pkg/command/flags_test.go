package command

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestParseSpan(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90": 90 * time.Second, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour, "3650d": 3650 * day,
		"": 0, "0": 0, "-5": 0, "-5s": 0, "1.5s": 0, "500ms": 0, "7": 7 * time.Second, "d": 0, "-1d": 0, "3651d": 0, "1d-2h": 0, "5x": 0, "99999999999999d": 0,
	} {
		if got, err := parseSpan(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestSpanText(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", time.Minute: "1m", 10 * time.Second: "10s"} {
		if got := spanText(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestUsualSpan(t *testing.T) {
	cmd := &cobra.Command{}
	spanFlag(cmd, "with", time.Hour, "")
	spanFlag(cmd, "without", 0, "")
	if help := cmd.Flags().FlagUsages(); !strings.Contains(help, "(default 1h)") || strings.Contains(help, "0s") {
		t.Errorf("the help shows what is usual, where something is:\n%s", help)
	}
}
