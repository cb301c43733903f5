package api

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"usher/pkg/problem"
	"usher/pkg/room"
)

func TestConditions(t *testing.T) {
	for name, tt := range map[string]struct {
		match, none []string
		want        []room.Condition
	}{
		"none":             {},
		"only new":         {none: []string{"*"}, want: []room.Condition{room.Absent{}}},
		"only known":       {match: []string{"*"}, want: []room.Condition{room.Present{}}},
		"both":             {match: []string{"*"}, none: []string{"*"}, want: []room.Condition{room.Absent{}, room.Present{}}},
		"one tag":          {match: []string{`"a1"`}, want: []room.Condition{room.OneOf{"a1"}}},
		"several tags":     {match: []string{`"x", "a1" ,"a2"`}, want: []room.Condition{room.OneOf{"x", "a1", "a2"}}},
		"several lines":    {match: []string{`"a1"`, `"a2"`}, want: []room.Condition{room.OneOf{"a1", "a2"}}},
		"* among tags":     {match: []string{`*, "a1"`}, want: []room.Condition{room.OneOf{"a1"}}},
		"no strong tags":   {match: []string{`W/"a1", a1, "a1, a1", "", "`}, want: []room.Condition{room.OneOf(nil)}},
		"a room's own tag": {match: []string{tag}, want: []room.Condition{room.OneOf{snapshotOf("maths").Room.Version()}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := conditions(http.Header{"If-Match": tt.match, "If-None-Match": tt.none})
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("read as %#v, %v, want %#v", got, err, tt.want)
			}
		})
	}
}

func TestConditionsAreRefused(t *testing.T) {
	for name, h := range map[string]http.Header{
		"If-None-Match": {"If-None-Match": {""}},
		"If-Match":      {"If-Match": {""}},
	} {
		t.Run("empty "+name, func(t *testing.T) {
			var p *problem.Details
			if _, err := conditions(h); !errors.As(err, &p) || p.Code != problem.InvalidField || !slices.Equal(p.Fields, []string{name}) {
				t.Errorf("read without a word: %v", err)
			}
		})
	}
}
