package doorkeeper_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"usher/pkg/journal"
)

// A story can be told from the log as it is read, page by page.
func TestNarrate(t *testing.T) {
	d := adopted(t, `{"maxSeats":2,"lessonSeconds":60}`)
	for _, id := range []string{"A", "B", "C"} {
		d.come(id, "user-"+id)
		d.Pass(time.Second)
	}
	d.Pass(time.Minute)
	var lines []journal.Line
	for after := int64(0); ; {
		page, err := d.Service.Events(context.Background(), "lesson", "", after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Lines) == 0 {
			break
		}
		lines, after = append(lines, page.Lines...), page.Next
	}
	var story strings.Builder
	if err := journal.Narrate(&story, lines); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"refused (room-full) C = user-C", "end (lesson-over)", "In the end: ended, completed. Seated: nobody. Waiting: nobody."} {
		if !strings.Contains(story.String(), want) {
			t.Errorf("the story does not say %q:\n%s", want, story.String())
		}
	}
	if n := strings.Count(story.String(), "\n"); n != len(d.lines())+2 {
		t.Errorf("%d lines tell of %d events", n, len(d.lines()))
	}
}
