package api

import (
	"net/http"
	"reflect"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

func TestConditions(t *testing.T) {
	first, second := room.Version{Created: noon, Revision: 7}, room.Version{Created: noon, Revision: 8}
	for name, tt := range map[string]struct {
		match, none []string
		want        []room.Condition
	}{
		"none":                {},
		"empty":               {match: []string{""}, none: []string{""}},
		"only new":            {none: []string{"*"}, want: []room.Condition{room.Absent{}}},
		"only known":          {match: []string{"*"}, want: []room.Condition{room.Present{}}},
		"both":                {match: []string{"*"}, none: []string{"*"}, want: []room.Condition{room.Absent{}, room.Present{}}},
		"one tag":             {match: []string{tag}, want: []room.Condition{room.OneOf{first}}},
		"several tags":        {match: []string{`"x", ` + tag + ` ,"1a23179de00-8"`}, want: []room.Condition{room.OneOf{first, second}}},
		"several lines":       {match: []string{tag, `"1a23179de00-8"`}, want: []room.Condition{room.OneOf{first, second}}},
		"somebody else's tag": {match: []string{`"other"`}, want: []room.Condition{room.OneOf(nil)}},
		"* among tags":        {match: []string{`*, ` + tag}, want: []room.Condition{room.OneOf{first}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := conditions(http.Header{"If-Match": tt.match, "If-None-Match": tt.none})
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("read as %#v, %v, want %#v", got, err, tt.want)
			}
		})
	}
}

// A version has one tag: what only looks like it is somebody else's.
func TestTags(t *testing.T) {
	for _, v := range []room.Version{{}, {Created: 1, Revision: 1}, {Created: noon, Revision: 7}, {Created: 1<<63 - 1, Revision: 1<<63 - 1}} {
		if got, ok := versionOf(etag(v)); !ok || got != v {
			t.Errorf("%s is read as %+v, %v", etag(v), got, ok)
		}
	}
	for _, text := range []string{
		``, `"`, `""`, `"7"`, `1a23179de00-7`, `W/` + tag, `"1A23179DE00-7"`, `"01a23179de00-7"`, `"1a23179de00-07"`, `"1a23179de00-+7"`,
		`"0x1a23179de00-7"`, `"1a23179de00-7`, tag + "x", `"1a23179de00-7 "`, `"1a23179de00-99999999999999999999"`,
	} {
		if v, ok := versionOf(text); ok {
			t.Errorf("%s is read as %+v", text, v)
		}
	}
	if got := etag(room.Room{Created: epoch.Instant(255), Revision: 10}.Version()); got != `"ff-10"` {
		t.Errorf("the tag is %s", got)
	}
}
