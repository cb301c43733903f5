// Package redact keeps tokens out of the program's log, wherever somebody has put one:
// also in the path of a request, or in a name within a callback.
package redact

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// token is a JWT, or what was cut off behind its first dot. Its header is a JSON object,
// which in base64 begins like this; that of HS256 alone has 20 characters.
var token = regexp.MustCompile(`ey[A-P][\w-]{15,}\.[\w-]*(\.[\w-]*)?`)

// Tokens is for slog.HandlerOptions.ReplaceAttr: "[token]" stands in the place of each
// token in a text.
func Tokens(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = hidden(a.Value, a.Value.String())
		return a
	}
	if a.Value.Kind() != slog.KindAny {
		return a
	}
	switch v := a.Value.Any().(type) {
	case error:
		a.Value = hidden(a.Value, v.Error())
	case fmt.Stringer:
		a.Value = hidden(a.Value, v.String())
	}
	return a
}

func hidden(v slog.Value, text string) slog.Value {
	if !strings.Contains(text, "ey") {
		return v
	}
	clean := token.ReplaceAllString(text, "[token]")
	if clean == text {
		return v
	}
	return slog.StringValue(clean)
}
