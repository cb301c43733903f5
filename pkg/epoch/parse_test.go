package epoch

import (
	"regexp"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Instant{
		"1970-01-01T00:00:00.001Z":             1,
		"1970-01-01T00:59:00-00:01":            3_600_000,
		"2026-12-01T17:00:00Z":                 1_796_144_400_000,
		"2026-12-01T17:00:00.123456789123Z":    1_796_144_400_123,
		"2026-12-01T18:00:00+01:00":            1_796_144_400_000,
		"9999-12-31T23:59:59.999Z":             last,
		"9999-12-31T23:59:59.999999+00:00":     last,
		"2026-12-02T16:59:00.0+23:59":          1_796_144_400_000,
		"2026-11-30T17:01:00.00000000-23:59":   1_796_144_400_000,
		"2024-02-29T12:00:00.5Z":               1_709_208_000_500,
		"2026-12-01T17:00:00.000000000000000Z": 1_796_144_400_000,
	} {
		if got, ok := Parse(text); got != want || !ok {
			t.Errorf("%s is %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "Z", "now", "2026-12-01", "2026-12-01T17:00Z", "2026-12-01T17:00:00", "2026-12-01 17:00:00Z", "2026-12-01t17:00:00Z", "2026-12-01T17:00:00z",
		"2026-12-01T7:00:00Z", "2026-12-01T17:00:00,5Z", "2026-12-01T17:00:00.Z", "2026-12-01T17:00:60Z", "2026-12-01T24:00:00Z", "2026-02-29T12:00:00Z",
		"2026-12-01T17:00:00+24:00", "2026-12-01T17:00:00+01:60", "2026-12-01T17:00:00+0100", "2026-12-01T17:00:00+1:00", "2026-12-01T17:00:00Z ",
		"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.0009Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-2026-12-01T17:00:00Z",
		"9999-12-31T23:59:59.999-00:01",
	} {
		if got, ok := Parse(text); ok {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

// grammar is date-time of RFC 3339, 5.6, in capitals and without a leap second.
var grammar = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// FuzzParse demands that what is read is in the grammar, and written the same
// again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"2026-12-01T17:00:00Z", "2026-12-01T7:00:00Z", "2026-12-01T17:00:00,5+24:00", "9999-12-31T23:59:59-23:59"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := Parse(text)
		if !ok {
			return
		}
		if !grammar.MatchString(text) {
			t.Errorf("%q is read as %s", text, at)
		}
		if again, ok := Parse(at.String()); again != at || !ok {
			t.Errorf("%q is read as %s, and that as %s", text, at, again)
		}
		if std, err := time.Parse(time.RFC3339, text); err != nil || Of(std) != at {
			t.Errorf("%q is %s, not %s", text, std, at)
		}
	})
}
