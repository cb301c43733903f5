package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"usher/pkg/epoch"
	"usher/pkg/object"
)

// form is a kind of value: what it must be, in words for people, and how it is
// read.
type form[T any] struct {
	must string
	read func(value json.RawMessage) (T, bool)
}

// whole is a number that is written as an integer: no fraction, no exponent.
func whole(least, most int) form[int] {
	return form[int]{
		fmt.Sprintf("must be a whole number from %d to %d", least, most),
		func(value json.RawMessage) (int, bool) {
			n, err := strconv.Atoi(string(value))
			return n, err == nil && n >= least && n <= most
		},
	}
}

// optional tells a value that is set from none where zero is a value too.
func optional[T any](of form[T]) form[*T] {
	return form[*T]{of.must, func(value json.RawMessage) (*T, bool) {
		v, ok := of.read(value)
		return &v, ok
	}}
}

var yesNo = form[bool]{"must be true or false", func(value json.RawMessage) (bool, bool) {
	s := string(value)
	return s == "true", s == "true" || s == "false"
}}

var moment = form[epoch.Instant]{
	"must be a time like 2026-12-01T17:00:00Z",
	func(value json.RawMessage) (epoch.Instant, bool) {
		s, _ := text(value)
		return epoch.Parse(s)
	},
}

func oneOf[T ~string](words ...T) form[T] {
	return form[T]{
		fmt.Sprintf("must be one of %q", words),
		func(value json.RawMessage) (T, bool) {
			s, ok := text(value)
			return T(s), ok && slices.Contains(words, T(s))
		},
	}
}

var warnings = form[[]int]{
	fmt.Sprintf("must be a list of at most %d different whole numbers from 1 to %d", mostWarns, mostLesson),
	func(value json.RawMessage) ([]int, bool) {
		all, ok := list(value, whole(1, mostLesson).read)
		slices.Sort(all)
		all = slices.Compact(all)
		return all, ok && len(all) <= mostWarns
	},
}

var roles = form[[]string]{
	fmt.Sprintf("must be a list of at most %d roles, each of at most 32 letters, digits, _ and -", mostRoles),
	texts(mostRoles, ValidRole),
}

var users = form[[]string]{
	fmt.Sprintf("must be a list of at most %d users, each of 1 to 128 bytes without control characters, line separators and direction overrides", mostAllowed),
	texts(mostAllowed, ValidUser),
}

// countByRole is a number for each role.
func countByRole(most int) form[map[string]int] {
	return form[map[string]int]{
		fmt.Sprintf("must be an object of at most %d roles, each with a whole number from 1 to %d", mostRoles, most),
		func(value json.RawMessage) (map[string]int, bool) {
			counts, ok := byName(value, ValidRole, whole(1, most).read)
			return counts, ok && len(counts) <= mostRoles
		},
	}
}

var rolesByKind = form[map[Kind][]string]{
	"must be an object with some of camera, screen, custom and audio, each with a list of roles",
	func(value json.RawMessage) (map[Kind][]string, bool) {
		return byName(value, Kind.known, roles.read)
	},
}

// session is the id of a session to adopt, which is opaque.
var session = form[string]{"must be a text of 1 to 255 characters without blanks and control characters", func(value json.RawMessage) (string, bool) {
	s, ok := text(value)
	return s, ok && ValidSession(s)
}}

func text(value json.RawMessage) (string, bool) {
	var s string
	ok := value[0] == '"' && json.Unmarshal(value, &s) == nil
	return s, ok
}

// texts reads a list of at most so many texts that are all valid.
func texts(most int, valid func(string) bool) func(json.RawMessage) ([]string, bool) {
	return func(value json.RawMessage) ([]string, bool) {
		all, ok := list(value, text)
		return all, ok && len(all) <= most && !slices.ContainsFunc(all, func(s string) bool { return !valid(s) })
	}
}

// list reads a list; it is never nil.
func list[T any](value json.RawMessage, read func(json.RawMessage) (T, bool)) ([]T, bool) {
	var items []json.RawMessage
	if value[0] != '[' || json.Unmarshal(value, &items) != nil {
		return nil, false
	}
	all := make([]T, len(items))
	for i, item := range items {
		v, ok := read(item)
		if !ok {
			return nil, false
		}
		all[i] = v
	}
	return all, true
}

// byName reads an object whose names are valid and stand there once.
func byName[K ~string, T any](value json.RawMessage, valid func(K) bool, read func(json.RawMessage) (T, bool)) (map[K]T, bool) {
	members, err := object.Members(value)
	if err != nil {
		return nil, false
	}
	all := map[K]T{}
	for _, m := range members {
		v, ok := read(m.Value)
		if !ok || m.Again || !valid(K(m.Name)) {
			return nil, false
		}
		all[K(m.Name)] = v
	}
	return all, true
}
