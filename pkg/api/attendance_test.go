package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // where the machine has no zones

	"usher/pkg/attendance"
	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
	"usher/pkg/problem"
)

// sample is a record with a row of each kind.
func sample() attendance.Record {
	return attendance.Record{
		Session: "2_MX4x", StartedAt: noon, EndedAt: noon.Add(time.Hour), Outcome: journal.Completed, Together: 3599500 * time.Millisecond,
		Users: []attendance.User{
			{User: "=cmd|' /C calc'!A0", Role: "-x", FirstIn: noon, LastOut: noon + 1500, Present: 1500 * time.Millisecond, Connections: 2, Exact: true},
			{FirstIn: noon + 7, Present: time.Minute, Connections: 1, Observer: true},
		},
	}
}

const (
	sampleJSON = `{"room":"maths","sessionId":"2_MX4x","startedAt":"2026-12-01T12:00:00.000Z","endedAt":"2026-12-01T13:00:00.000Z",` +
		`"outcome":"completed","togetherSeconds":3599.5,"users":[` +
		`{"user":"=cmd|' /C calc'!A0","role":"-x","observer":false,"firstIn":"2026-12-01T12:00:00.000Z","lastOut":"2026-12-01T12:00:01.500Z","secondsPresent":1.5,"connections":2,"exact":true},` + "\n" +
		`{"user":null,"role":null,"observer":true,"firstIn":"2026-12-01T12:00:00.007Z","lastOut":null,"secondsPresent":60,"connections":1,"exact":false}]}` + "\n"
	sampleCSV = "user,role,observer,firstIn,lastOut,secondsPresent,connections,exact\r\n" +
		"'=cmd|' /C calc'!A0,'-x,false,2026-12-01T12:00:00.000Z,2026-12-01T12:00:01.500Z,1.5,2,true\r\n" +
		",,true,2026-12-01T12:00:00.007Z,,60,1,false\r\n"
	asJSON, asCSV = "application/json", "text/csv; charset=utf-8"
)

func TestAttendanceIsWritten(t *testing.T) {
	for _, c := range []struct{ query, accept, kind, want string }{
		{"", "", asJSON, sampleJSON},
		{"", "*/*", asJSON, sampleJSON},
		{"", "text/html, application/xhtml+xml, */*;q=0.8", asJSON, sampleJSON},
		{"", "text/csv", asCSV, sampleCSV},
		{"", "TEXT/*", asCSV, sampleCSV},
		{"", "application/json;q=0.5, text/csv", asCSV, sampleCSV},
		{"", "text/csv;q=0.2, */*;q=0.1", asCSV, sampleCSV},
		{"", "*/*, application/json;q=0", asCSV, sampleCSV},
		{"", "text/csv;q=what", asCSV, sampleCSV},
		{"?format=csv", "application/json", asCSV, sampleCSV},
		{"?format=json", "text/csv", asJSON, sampleJSON},
		{"?format=csv", "image/png", asCSV, sampleCSV},
	} {
		t.Run(c.query+" "+c.accept, func(t *testing.T) {
			d := newDesk(t)
			d.stub.record = sample()
			w := d.ask("GET", "/v1/rooms/maths/attendance"+c.query, "", header("Accept", c.accept))
			answered(t, w, 200)
			if got := w.Header().Get("Content-Type"); got != c.kind || w.Body.String() != c.want {
				t.Errorf("answered %s\n%s\nwant %s\n%s", got, w.Body, c.kind, c.want)
			}
			if !json.Valid(w.Body.Bytes()) && c.kind == asJSON {
				t.Error("that is no JSON")
			}
		})
	}
}

// A picture is a document: whoever opens it runs nothing, whatever people are called.
func TestAttendanceIsDrawn(t *testing.T) {
	for _, c := range []struct{ query, accept, hour string }{
		{"", "image/svg+xml", "12:01:00"},
		{"?format=svg", "text/csv", "12:01:00"},
		{"?format=svg&zone=Europe/Berlin&sessionId=2_MX4x", "", "13:01:00"},
		{"?zone=Asia%2FKolkata", "image/*, application/json;q=0.9", "17:31:00"},
		{"?zone=UTC", "image/svg+xml, */*;q=0.1", "12:01:00"},
	} {
		t.Run(c.query+" "+c.accept, func(t *testing.T) {
			d := newDesk(t)
			d.stub.record = sample()
			d.stub.record.Users[0].User = "<script>alert(1)</script>"
			for i := range d.stub.record.Users {
				d.stub.record.Users[i].Stays = []attendance.Stay{{Span: attendance.Span{From: noon, To: noon.Add(time.Minute)}}}
			}
			w := d.ask("GET", "/v1/rooms/maths/attendance"+c.query, "", header("Accept", c.accept))
			answered(t, w, 200)
			text := w.Body.String()
			if got := w.Header().Get("Content-Type"); got != "image/svg+xml" || !strings.HasPrefix(text, "<svg ") || !strings.Contains(text, c.hour+" refused, room-full") {
				t.Errorf("answered %s\n%s", got, text)
			}
			if strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script&gt;") {
				t.Errorf("a name is markup:\n%s", text)
			}
			_, style, _ := strings.Cut(text, "<style>")
			style, _, _ = strings.Cut(style, "</style>")
			sum := sha256.Sum256([]byte(style))
			want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; sandbox"
			if got := w.Header().Get("Content-Security-Policy"); got != want {
				t.Errorf("the policy is %q, want %q", got, want)
			}
			if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options is %q", got)
			}
			if d.stub.session != "" && !strings.Contains(c.query, d.stub.session) {
				t.Errorf("asked for the session %q", d.stub.session)
			}
		})
	}
}

func TestZoneIsRefused(t *testing.T) {
	d := newDesk(t)
	for _, zone := range []string{"", "Local", "Berlin", "Europe/Berlin%00", "../../etc/passwd", "/etc/localtime", "UTC%2B1", "Europe", "UTC&zone=UTC", strings.Repeat("x", 300)} {
		for _, format := range []string{"svg", "json"} {
			p := refused(t, d.ask("GET", "/v1/rooms/maths/attendance?format="+format+"&zone="+zone, ""), 400, problem.InvalidField)
			if p.Field != "zone" {
				t.Errorf("%s: it names %q", zone, p.Field)
			}
		}
	}
	if d.stub.said != "" {
		t.Errorf("the service was asked: %s", d.stub.said)
	}
}

func TestAttendanceOfNobody(t *testing.T) {
	d := newDesk(t)
	w := d.ask("GET", "/v1/rooms/maths/attendance", "")
	want := `{"room":"maths","sessionId":null,"startedAt":null,"endedAt":null,"outcome":null,"togetherSeconds":0,"users":[]}` + "\n"
	if w.Body.String() != want {
		t.Errorf("answered %s", w.Body)
	}
}

func TestAttendanceIsRefused(t *testing.T) {
	d := newDesk(t)
	for _, query := range []string{"?format=xml", "?format=", "?format=CSV", "?format=csv&format=csv"} {
		p := refused(t, d.ask("GET", "/v1/rooms/maths/attendance"+query, ""), 400, problem.InvalidField)
		if p.Field != "format" {
			t.Errorf("%s: it names %q", query, p.Field)
		}
	}
	refused(t, d.ask("GET", "/v1/rooms/maths/attendance?sessionId=", ""), 400, problem.InvalidField)
	for _, accept := range []string{"image/png", "application/json;q=0", "*/*;q=0"} {
		refused(t, d.ask("GET", "/v1/rooms/maths/attendance", "", header("Accept", accept)), 406, codeNotAcceptable)
	}
	if d.stub.said != "" {
		t.Errorf("the service was asked: %s", d.stub.said)
	}
}

// A cell that a spreadsheet would run is text, and what is read back is what was there.
// (A user has no control characters; the writer drops a carriage return.)
func TestCells(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "ann": "ann", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "a=b": "a=b",
		`say "hi", ann`: `say "hi", ann`, "'=": "'=", "é=": "é=",
	} {
		var out strings.Builder
		if err := writeCSV(&out, attendance.Record{Users: []attendance.User{{User: in, Connections: 1}}}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if err != nil || rows[1][0] != strings.ReplaceAll(want, "\r", "") || cell(in) != want {
			t.Errorf("%q became %q, want %q (%v)", in, rows[1][0], want, err)
		}
	}
}

// pieces counts what is written at a time.
type pieces struct{ sizes []int }

func (p *pieces) Write(b []byte) (int, error) {
	p.sizes = append(p.sizes, len(b))
	return len(b), nil
}

// A long record is never whole in memory as text: it is written piece by piece.
func TestAttendanceIsStreamed(t *testing.T) {
	r := sample()
	r.Users = slices.Repeat(r.Users, 5000)
	for _, f := range formats {
		if f.log {
			continue // a picture is bounded
		}
		var out pieces
		if err := f.write(&out, doorkeeper.Chronicle{Record: r}, time.UTC); err != nil {
			t.Fatal(err)
		}
		if len(out.sizes) < 100 || slices.Max(out.sizes) > 64<<10 {
			t.Errorf("%s came in %d pieces, the largest of %d bytes", f.name, len(out.sizes), slices.Max(out.sizes))
		}
		if err := f.write(broken{}, doorkeeper.Chronicle{Record: r}, time.UTC); err == nil {
			t.Errorf("%s was written to somebody who had gone", f.name)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestLessonsAreListed(t *testing.T) {
	d := newDesk(t)
	w := d.ask("GET", "/v1/rooms/maths/lessons?limit=7", "")
	answered(t, w, 200)
	want := `{"lessons":[{"sessionId":"2_MX4x","openedAt":"2026-12-01T12:00:00.000Z","startedAt":"2026-12-01T12:00:00.001Z","endedAt":"2026-12-01T12:00:00.002Z","outcome":"completed"}],"next":"1796126400000-2_MX4x"}` + "\n"
	if w.Body.String() != want || d.stub.limit != 7 {
		t.Errorf("answered %s with a limit of %d", w.Body, d.stub.limit)
	}
	answered(t, d.ask("GET", "/v1/rooms/maths/lessons?after=1796126400000-2_MX4x", ""), 200)
	if d.stub.opening.At != noon || d.stub.opening.Session != "2_MX4x" {
		t.Errorf("it went on after %+v", d.stub.opening)
	}
	answered(t, d.ask("GET", "/v1/rooms/maths/lessons?after=", ""), 200)
	for _, after := range []string{"x", "1796126400000", "1796126400000-", "-5-s", "007-s", "1-" + strings.Repeat("x", 256), "99999999999999999999-s"} {
		refused(t, d.ask("GET", "/v1/rooms/maths/lessons?after="+after, ""), 400, problem.InvalidField)
	}
}
