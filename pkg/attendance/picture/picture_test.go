package picture_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // where the machine has no zones

	"github.com/google/go-cmp/cmp"

	"usher/pkg/attendance/picture"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

var update = flag.Bool("update", false, "write what is drawn into testdata; look at it before you keep it")

// What an operator keeps is compared to the letter. To look at one of them: chromium
// --headless --no-sandbox --screenshot=/tmp/p.png --window-size=1200,800 FILE
func TestPictures(t *testing.T) {
	for name, l := range map[string]picture.Lesson{
		"eventful": eventful(),
		"two":      crowd(2),
		"nobody":   {Record: record(eventless(), at("1m")), Zone: berlin()},
		"midnight": midnight(),
	} {
		t.Run(name, func(t *testing.T) {
			got, file := drawn(l), "testdata/"+name+".svg"
			wellFormed(t, got)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); err != nil || diff != "" {
				t.Errorf("%s differs (%v): -want +got\n%s", file, err, diff)
			}
		})
	}
}

// wellFormed holds a picture to XML, to elements that draw and to attributes that refer to
// nothing outside and run nothing, and gives its texts.
func wellFormed(t *testing.T, text string) (texts []string) {
	t.Helper()
	elements := " svg title desc style rect g path text "
	attributes := " xmlns width height viewBox role aria-labelledby id x y d class "
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, text)
		}
		switch v := token.(type) {
		case xml.StartElement:
			if !strings.Contains(elements, " "+v.Name.Local+" ") {
				t.Errorf("there is an element %s", v.Name.Local)
			}
			for _, a := range v.Attr {
				if !strings.Contains(attributes, " "+a.Name.Local+" ") {
					t.Errorf("%s has an attribute %s", v.Name.Local, a.Name.Local)
				}
			}
		case xml.CharData:
			texts = append(texts, string(v))
		case xml.ProcInst, xml.Directive:
			t.Errorf("there is %v", v)
		}
	}
}

// Two hundred people are one picture that can be mailed, and thousands are none that a
// function cannot answer.
func TestSizes(t *testing.T) {
	for people, most := range map[int]int{2: 6_000, 200: 160_000, 5000: 200_000} {
		text := drawn(crowd(people))
		texts := wellFormed(t, text)
		if len(text) > most {
			t.Errorf("%d people took %d bytes, more than %d", people, len(text), most)
		}
		t.Logf("%d people: %d bytes", people, len(text))
		said := strings.Contains(strings.Join(texts, "\n"), "4750 people more are not drawn")
		if said != (people == 5000) {
			t.Errorf("of %d people it says that some are left out: %v", people, said)
		}
	}
}

// Somebody who comes and goes all day does not fill the paper, with names as long as they
// can be.
func TestShapesAreBounded(t *testing.T) {
	var conns []lesson.Conn
	var log []journal.Line
	for i := range 100_000 {
		id, from := fmt.Sprint(i), time.Duration(i)*time.Second/10
		conns = append(conns, conn(id, strings.Repeat("&", 124)+fmt.Sprint(1000+i%260), strings.Repeat(`"`, 128), from.String(), (from+time.Minute).String(), bound))
		log = append(log, journal.Line{At: six.Add(from), Action: journal.DidDisconnect, Connection: id, Reason: journal.Admin})
	}
	for i := range 10_000 {
		log = append(log, journal.Line{At: six.Add(time.Duration(i) * time.Second), Action: journal.DidExtend, Note: journal.BySeconds(1)})
	}
	text := drawn(picture.Lesson{Record: record(eventless(), at("3h"), conns...), Log: log, Zone: time.UTC})
	wellFormed(t, text)
	t.Logf("%d bytes", len(text))
	if len(text) > 2<<20 || !strings.Contains(text, "bars or marks more are not drawn") || !strings.Contains(text, "9880 lines more are not drawn") {
		t.Errorf("it has %d bytes, and says %q", len(text), regexp.MustCompile(`[0-9]+ [a-z ]+ more [^<]*`).FindAllString(text, -1))
	}
}

// Whatever people are called, the picture is well-formed XML of the same elements, and
// what they are called is text in it.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"", "<svg onload=alert(1)>", "]]>", "&amp;", "\x00\xff\ufffe\u202e", "a\u0301\u0301\u0301\u0301", "נועה", "\u2069\u2068", strings.Repeat("漢", 60)} {
		f.Add(name, name, name)
	}
	f.Fuzz(func(t *testing.T, user, role, id string) {
		l := eventless()
		l.Room, l.Session = user, role
		log := []journal.Line{
			{At: at("1m"), Action: journal.DidRefuse, User: user + "x", Role: role, Reason: journal.Reason(role)},
			{At: at("1m"), EventAt: at("1m"), Event: journal.StreamCreated, Stream: id, Connection: id, Note: journal.Note(user), Action: journal.DidNothing},
		}
		text := drawn(picture.Lesson{Record: record(l, at("1h"), conn(id, user, role, "0s", "")), Log: log, Zone: time.UTC})
		wellFormed(t, text)
		if strings.ContainsAny(text, "\x00\u202e") || strings.Count(text, "<") != strings.Count(plainly(), "<") {
			t.Errorf("%q, %q and %q are drawn as\n%s", user, role, id, text)
		}
	})
}

// plainly is the picture of people with ordinary names in that place.
var plainly = sync.OnceValue(func() string {
	l := eventless()
	log := []journal.Line{
		{At: at("1m"), Action: journal.DidRefuse, User: "bobx", Role: "r", Reason: "why"},
		{At: at("1m"), EventAt: at("1m"), Event: journal.StreamCreated, Stream: "s", Connection: "c", Note: "camera", Action: journal.DidNothing},
	}
	return drawn(picture.Lesson{Record: record(l, at("1h"), conn("c", "bob", "r", "0s", "")), Log: log, Zone: time.UTC})
})

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriterFails(t *testing.T) {
	if err := picture.Draw(broken{}, eventful()); err == nil {
		t.Error("it was drawn for somebody who had gone")
	}
}

// The hours of the axis are those of a clock on the wall, where the days have 23, 25 or a
// half more hours, too.
func TestHours(t *testing.T) {
	for _, c := range []struct{ zone, from, to, want string }{
		{"Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-29T18:00:00Z", "15:00 18:00 21:00 00:00 03:00 06:00 09:00 12:00 15:00 18:00"},
		{"UTC", "2026-12-01T17:00:10Z", "2026-12-01T17:00:50Z", "17:00:10 17:00:15 17:00:20 17:00:25 17:00:30 17:00:35 17:00:40 17:00:45 17:00:50"},
		{"Asia/Kolkata", "2026-12-01T17:00:00Z", "2026-12-01T20:10:00Z", "22:30 23:00 23:30 00:00 00:30 01:00 01:30"},
		{"Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T05:00:00Z", "01:00 01:30 03:00 03:30 04:00 04:30 05:00 05:30 06:00 06:30 07:00"},
		{"America/New_York", "2026-12-01T17:00:00Z", "2026-12-21T17:00:00Z", "2 Dec 4 Dec 6 Dec 8 Dec 10 Dec 12 Dec 14 Dec 16 Dec 18 Dec 20 Dec 22 Dec"},
		{"Australia/Lord_Howe", "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z", "00:30 01:00 01:30 02:30 03:00 03:30 04:00"},
	} {
		t.Run(c.zone, func(t *testing.T) {
			from, _ := epoch.Parse(c.from)
			to, _ := epoch.Parse(c.to)
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			ann := conn("A", "ann", "", "0s", "1s")
			ann.CreatedAt, ann.LeftAt = from, to
			text := drawn(picture.Lesson{Record: record(eventless(), to, ann), Zone: zone})
			var hours []string
			for _, m := range regexp.MustCompile(`class="small muted middle">([^<]*)<`).FindAllStringSubmatch(text, -1) {
				hours = append(hours, m[1])
			}
			if got := strings.Join(hours, " "); got != c.want {
				t.Errorf("hours %s\nwant  %s", got, c.want)
			}
		})
	}
}
