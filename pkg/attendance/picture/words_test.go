package picture

import "testing"

// TestShown: a name that nobody would see is written out.
func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"alice":            "alice",
		"":                 `""`,
		" ":                `" "`,
		"\u00a0":           `"\u00a0"`,
		"\ufeff\u200b":     `"\ufeff\u200b"`,
		"\U000e0041":       `"\U000e0041"`,
		"\u200bb":          "\u200bb",
		"\U0001f469\u200d": "\U0001f469\u200d",
	} {
		if got := shown(text); got != want {
			t.Errorf("%+q is shown as %+q, want %+q", text, got, want)
		}
	}
}
