package doorkeeper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
)

// A story can be told from the log as the API gives it, page by page.
func TestReplay(t *testing.T) {
	d := adopted(t, `{"maxSeats":2,"lessonSeconds":60}`)
	for _, id := range []string{"A", "B", "C"} {
		d.come(id, "user-"+id)
		d.Pass(time.Second)
	}
	d.Pass(time.Minute)
	var pages bytes.Buffer
	for after := int64(0); ; {
		page, err := d.Service.Events(context.Background(), "lesson", "", after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(&pages).Encode(page); err != nil {
			t.Fatal(err)
		}
		if len(page.Events) == 0 {
			break
		}
		after = page.Next
	}
	lines, err := doorkeeper.ReadLines(&pages)
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	if err := journal.Narrate(&told, lines); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"refused (room-full) C = user-C", "end (lesson-over)", "In the end: ended, completed. Seated: nobody. Waiting: nobody."} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("the story does not say %q:\n%s", want, told.String())
		}
	}
	if n := strings.Count(told.String(), "\n"); n != len(d.lines())+2 {
		t.Errorf("%d lines tell of %d events", n, len(d.lines()))
	}
}

func TestReplayOfSomethingElse(t *testing.T) {
	if _, err := doorkeeper.ReadLines(strings.NewReader("<html>")); err == nil {
		t.Error("a web page was taken for a log")
	}
}
