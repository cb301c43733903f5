package redact

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

const jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJ1c2hlciJ9.gR9kSecEobN9oOXkqh-xz8_M9ve2tZ07-a7xyEyCgE4"

func TestTokens(t *testing.T) {
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"alone":            {jwt, "value=[token]"},
		"in a path":        {"/v1/rooms/" + jwt + "/join", "value=/v1/rooms/[token]/join"},
		"two":              {jwt + " " + jwt, `value="[token] [token]"`},
		"cut":              {jwt[:60] + "…", `value=[token]…`},
		"unsigned":         {"eyJhbGciOiJub25lIn0.eyJhdWQiOiJ1c2hlciJ9.", "value=[token]"},
		"blank in header":  {"eyAiYWxnIjogIkhTMjU2IiB9.e30.AAAA", "value=[token]"},
		"in an error":      {errors.New("no room " + jwt), `value="no room [token]"`},
		"in a URL":         {&url.URL{Scheme: "https", Host: "a.example", Path: "/" + jwt}, "value=https://a.example/[token]"},
		"a session's id":   {"2_MX4xMjM0NTZ-fjE3OTU3Mzk3MjIwNzV-NUJEVjVOQjNLWVRM-fg", "value=2_MX4xMjM0NTZ-fjE3OTU3Mzk3MjIwNzV-NUJEVjVOQjNLWVRM-fg"},
		"a room's name":    {"/room/eye.of-the.storm", "value=/room/eye.of-the.storm"},
		"a number":         {7, "value=7"},
		"an error without": {errors.New("they left"), `value="they left"`},
	} {
		t.Run(name, func(t *testing.T) {
			var line strings.Builder
			log := slog.New(slog.NewTextHandler(&line, &slog.HandlerOptions{ReplaceAttr: Tokens}))
			log.Info("said", "value", c.value)
			if !strings.HasSuffix(strings.TrimSpace(line.String()), "msg=said "+c.want) {
				t.Errorf("got %s, want %s", line.String(), c.want)
			}
		})
	}
}
