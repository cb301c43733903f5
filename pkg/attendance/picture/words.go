package picture

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// clock is a moment's time of day.
func clock(at epoch.Instant, zone *time.Location) string {
	return at.Std().In(zone).Format("15:04:05")
}

// span is a time in words: 1 h 02 min 03 s.
func span(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	h, m := s/3600, s/60%60
	switch s %= 60; {
	case h > 0 && s == 0 && m == 0:
		return fmt.Sprintf("%d h", h)
	case h > 0 && s == 0:
		return fmt.Sprintf("%d h %02d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h %02d min %02d s", h, m, s)
	case m > 0 && s == 0:
		return fmt.Sprintf("%d min", m)
	case m > 0:
		return fmt.Sprintf("%d min %02d s", m, s)
	}
	return fmt.Sprintf("%d s", s)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// title is the headline.
func (c *chart) title() string {
	return "Attendance of the room " + isolated(shown(c.Room))
}

// summary says in a sentence or two what the picture shows.
func (c *chart) summary() string {
	people, refused, refusals := 0, 0, 0
	for _, r := range c.rows {
		if r.refused() {
			refused++
		} else {
			people++
		}
		for _, m := range r.marks {
			if m.what == "refused" {
				refusals++
			}
		}
	}
	parts := []string{c.course(), "Nobody was in"}
	if people > 0 {
		parts[1] = count(people+c.omitted.rows, "person was", "people were") + " in"
	}
	if c.StartedAt != 0 {
		parts[1] += ", the quorum was complete for " + span(c.Together)
	}
	if n := len(c.Pauses); n > 0 {
		stood := time.Duration(0)
		for _, p := range c.Pauses {
			stood += p.To.Sub(p.From)
		}
		parts = append(parts, "The clock stood still for "+span(stood)+" in "+count(n, "pause", "pauses"))
	}
	if refusals > 0 {
		parts = append(parts, count(refusals, "refusal", "refusals"))
	}
	return strings.Join(parts, ". ") + "."
}

// course is how the lesson went, from start to end.
func (c *chart) course() string {
	start, end := "It has not started", "it goes on"
	if c.StartedAt != 0 {
		start = "It started at " + clock(c.StartedAt, c.Zone)
	}
	if c.EndedAt != 0 {
		end = "ended at " + clock(c.EndedAt, c.Zone) + ", " + cmp.Or(endings[c.Outcome], string(c.Outcome))
		if c.StartedAt == 0 {
			start, end = "It never started", "it "+end
		}
	} else if c.StartedAt == 0 {
		return start
	}
	if c.EndedAt != 0 && c.StartedAt != 0 {
		return start + " and " + end
	}
	return start + ", " + end
}

var endings = map[journal.Outcome]string{
	journal.ByAdmin:   "by the owner's word",
	journal.Completed: "as its time was up",
	journal.NoShow:    "as nobody who was needed had come",
}

// place says whose hours they are.
func (c *chart) place() string {
	at := cmp.Or(c.extent.From, c.At).Std().In(c.Zone)
	_, offset := at.Zone()
	if offset == 0 {
		return at.Format("Monday, 2 January 2006") + ", times in " + c.Zone.String()
	}
	return at.Format("Monday, 2 January 2006") + ", times in " + c.Zone.String() + " (UTC" + at.Format("-07:00") + ")"
}

// notes are what stands below the picture.
func (c *chart) notes() []string {
	var notes []string
	add := func(n int, one, many, rest string) {
		if n > 0 {
			notes = append(notes, count(n, one, many)+rest)
		}
	}
	add(c.omitted.rows, "person more is", "people more are", " not drawn; the record as a table has everybody.")
	add(c.omitted.shapes, "bar or mark more is", "bars or marks more are", " not drawn, of people who came and went very often.")
	add(c.omitted.marks, "mark is", "marks are", " not drawn, from before the lesson or after it: see the log.")
	add(c.omitted.lines, "line more is", "lines more are", " not drawn, of warnings and extensions: see the log.")
	if c.Cut {
		notes = append(notes, fmt.Sprintf("Streams, marks and warnings are of the first %d lines of the log.", len(c.Log)))
	}
	drawn := c.At.Std().In(c.Zone).Format("2 January 2006 15:04:05")
	return append(notes, fmt.Sprintf("Session %s. By Vonage's times, as known on %s.", cmp.Or(journal.Plain(c.Session), "none"), drawn))
}

// sentence tells a mark in words.
func (m mark) sentence(zone *time.Location) string {
	text := clock(m.at, zone) + " " + m.what
	if m.door {
		text += " at the door"
	}
	if m.why == "" {
		return text
	}
	return fmt.Sprintf("%s, %s: %s", text, journal.Plain(m.why), journal.Plain(m.why.Meaning()))
}

// shown is other people's text, harmless to its neighbours; one that nobody sees is quoted.
func shown(text string) string {
	if !strings.ContainsFunc(text, seen) {
		return strconv.Quote(text)
	}
	return journal.Plain(text)
}

func seen(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// isolated keeps the direction of a text from the text beside it (UAX #9: FSI, PDI).
func isolated(text string) string { return "\u2068" + text + "\u2069" }

// clip cuts a text to so many columns, of which wide characters take two; marks that are
// piled on one character are cut to two.
func clip(text string, columns int) string {
	var b strings.Builder
	used, piled := 0, 0
	for i, r := range text {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			if piled++; piled <= 2 {
				b.WriteRune(r)
			}
			continue
		}
		piled = 0
		if used += columnsOf(r); used > columns-1 && !fits(text[i:], columns-used+columnsOf(r)) {
			return isolated(b.String()) + "…"
		}
		b.WriteRune(r)
	}
	return isolated(b.String())
}

// wrap breaks a text between words into lines of so many letters.
func wrap(text string, letters int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+utf8.RuneCountInString(word) >= letters {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

func fits(text string, columns int) bool {
	for _, r := range text {
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			columns -= columnsOf(r)
		}
		if columns < 0 {
			return false
		}
	}
	return true
}

func columnsOf(r rune) int {
	if r >= 0x1100 && (r < 0x2000 || r >= 0x2e80) {
		return 2
	}
	return 1
}
