package local

import (
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"usher/pkg/api"
)

// tokenLife is how long the token of the start is good.
const tokenLife = 12 * time.Hour

// Greet says where to look and what to try, with an admin token. It is for the
// person who started the program, not for a log.
func (l *Local) Greet(w io.Writer) {
	url, p := l.URL(), l.settings.Platform
	token := api.AdminToken(l.settings.APISecret, time.Now(), tokenLife)
	fmt.Fprintf(w, "Usher %s is at %s\n\n", Version(), url)
	switch {
	case p.Simulated():
		fmt.Fprintf(w, "  platform   simulated, at %s%s/: no account, no media\n", url, simulatorPath)
	default:
		fmt.Fprintf(w, "  platform   Vonage, project %s\n", p.Project())
	}
	fmt.Fprintf(w, "  store      %s\n", l.storeName())
	fmt.Fprintf(w, "  callback   %s%s\n", url, api.WebhookPath)
	for _, r := range l.settings.Rooms {
		fmt.Fprintf(w, "  room       %s/room/%s\n", url, r.Name)
	}
	fmt.Fprintf(w, "  console    %s/#token=%s\n", url, token)
	fmt.Fprintf(w, "\nThe token is an admin's and good for %d hours. Try:\n\n", int(tokenLife.Hours()))
	fmt.Fprintf(w, "  curl -H 'Authorization: Bearer %s' %s/v1/rooms\n\n", token, url)
}

// Version is what the program was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}
