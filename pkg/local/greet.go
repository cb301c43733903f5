package local

import (
	"fmt"
	"io"
	"io/fs"
	"time"

	"usher/pkg/api"
	"usher/pkg/version"
)

// tokenLife is how long the token of the start is good.
const tokenLife = 12 * time.Hour

// Greet says where to look and what to try. With the simulated platform, and on
// a terminal, an admin token goes with it: it is for the person who started the
// program, not for the log that a service's output is kept in.
func (l *Local) Greet(w io.Writer) {
	url, p := l.URL(), l.settings.Platform
	fmt.Fprintf(w, "Usher %s is at %s\n\n", version.Of(), url)
	switch {
	case p.Simulated():
		fmt.Fprintf(w, "  platform   simulated, at %s%s/: no account, no media\n", url, simulatorPath)
	default:
		fmt.Fprintf(w, "  platform   Vonage, project %s\n", p.Project())
	}
	fmt.Fprintf(w, "  store      %s\n", l.storeName())
	fmt.Fprintf(w, "  callback   %s%s\n", url, api.WebhookPath)
	if l.scraped != nil {
		fmt.Fprintf(w, "  metrics    http://%s%s\n", l.scraped.Addr(), metricsPath)
	}
	for _, r := range l.settings.Rooms {
		fmt.Fprintf(w, "  room       %s/room/%s\n", url, r.Name)
	}
	if p.Simulated() || isTerminal(w) {
		l.handOver(w)
		return
	}
	fmt.Fprintf(w, "  console    %s/\n", url)
	fmt.Fprintf(w, "\nThis is no terminal, so no admin token is shown: `usher token` prints one.\n\n")
}

// handOver shows an admin token.
func (l *Local) handOver(w io.Writer) {
	url, token := l.URL(), api.AdminToken(l.settings.APISecret, time.Now(), tokenLife)
	fmt.Fprintf(w, "  console    %s/#token=%s\n", url, token)
	fmt.Fprintf(w, "\nThe token is an admin's and good for %d hours. Try:\n\n", int(tokenLife.Hours()))
	fmt.Fprintf(w, "  curl -H 'Authorization: Bearer %s' %s/v1/rooms\n\n", token, url)
}

// isTerminal reports whether a person may be reading: files, pipes and sockets
// are kept or passed on.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}
