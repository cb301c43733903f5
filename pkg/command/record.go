package command

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"usher/pkg/api"
	"usher/pkg/client"
)

func attendanceCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "attendance NAME", Short: "who was there, from when to when", GroupID: groupRecord, Args: takes("NAME"),
		Example: "  usher attendance algebra --csv > algebra.csv\n  usher attendance algebra --svg --zone Europe/Berlin > algebra.svg",
	}
	session := sessionFlag(cmd)
	asCSV := cmd.Flags().Bool("csv", false, "for spreadsheets (RFC 4180)")
	asSVG := cmd.Flags().Bool("svg", false, "as a picture")
	zone := cmd.Flags().String("zone", "", "the time `zone` of the picture, like Europe/Berlin (else this machine's, else UTC)")
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		switch {
		case *asCSV && *asSVG || a.asJSON && (*asCSV || *asSVG):
			return wrongf("choose one of --csv, --svg and --json")
		case *zone != "" && !*asSVG:
			return wrongf("--zone is for --svg: everything else is in UTC")
		case *zone == "":
			*zone = p.zone()
		}
		r := client.Room(http.MethodGet, room, "attendance")
		r.Query = url.Values{"format": {formatOf(*asCSV, *asSVG)}}
		if *asSVG && *zone != "" {
			r.Query.Set("zone", *zone)
		}
		if *session != "" {
			r.Query.Set("sessionId", *session)
		}
		raw, err := a.Do(ctx, r)
		switch {
		case err != nil:
			return err
		case *asCSV && !bytes.HasPrefix(raw, []byte("user,")), *asSVG && !bytes.HasPrefix(raw, []byte("<svg ")):
			return client.ErrNotUsher
		case *asCSV || *asSVG:
			_, err = p.Out.Write(raw)
			return err
		case a.asJSON:
			return writeJSON(p.Out, raw)
		}
		return a.showAttendance(raw)
	})
}

func formatOf(csv, svg bool) string {
	switch {
	case csv:
		return "csv"
	case svg:
		return "svg"
	}
	return "json"
}

func (a *asking) showAttendance(raw []byte) error {
	r, err := client.Read[api.Attendance](raw)
	if err != nil {
		return err
	}
	head := newTable(a.p.Out)
	head.row("room", r.Room)
	head.row("session", text(r.SessionID))
	head.row("started", text(r.StartedAt))
	head.row("ended", text(r.EndedAt))
	head.row("outcome", text(r.Outcome))
	head.row("together", secondsText(r.TogetherSeconds))
	if err := head.Flush(); err != nil || len(r.Users) == 0 {
		return err
	}
	fmt.Fprintln(a.p.Out)
	t := newTable(a.p.Out, "USER", "ROLE", "FIRST IN", "LAST OUT", "PRESENT", "CONNECTIONS", "NOTE")
	for _, u := range r.Users {
		t.row(text(u.User), text(u.Role), u.FirstIn, text(u.LastOut), secondsText(u.SecondsPresent), strconv.Itoa(u.Connections), remarks(u))
	}
	return t.Flush()
}

func remarks(u api.Attendant) (said string) {
	if u.Observer {
		said = "observer"
	}
	if !u.Exact {
		if said != "" {
			said += ", "
		}
		said += "at least"
	}
	return said
}

func lessonsCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{Use: "lessons NAME", Short: "list a room's lessons, the newest first", GroupID: groupRecord, Args: takes("NAME")}
	return askRoom(p, cmd, func(a *asking, ctx context.Context, room string, _ []string) error {
		head := []string{"OPENED", "STARTED", "ENDED", "OUTCOME", "SESSION"}
		return listOf(ctx, a, room, "lessons", head, func(l api.Lesson) []string {
			return []string{text(l.OpenedAt), text(l.StartedAt), text(l.EndedAt), text(l.Outcome), l.SessionID}
		})
	})
}
