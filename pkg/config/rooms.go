package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"usher/pkg/policy"
	"usher/pkg/problem"
)

// Entry is a room to create at the start.
type Entry struct {
	Name   string
	Policy policy.Policy
}

// rooms reads the file of rooms, or gives the tutorial's with the simulated
// platform.
func (e *Error) rooms(file string, p Platform) []Entry {
	if file == "" {
		if p.Simulated() {
			return tutorial()
		}
		return nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		e.add("USHER_ROOMS", file, "must be a file that can be read: "+cause(err))
		return nil
	}
	all, faults := parseRooms(raw, p.Local())
	for _, fault := range faults {
		e.hide("USHER_ROOMS", "("+file+"): "+fault)
	}
	return all
}

// cause is the last of a chain of errors: "no such file or directory".
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// parseRooms reads {"rooms": {NAME: POLICY, ...}} and says everything that is
// wrong with it.
func parseRooms(raw []byte, demos bool) (all []Entry, faults []string) {
	const shape = `the file must be one JSON object like {"rooms": {"NAME": {"maxSeats": 2}}}`
	top, err := object(raw)
	if err != nil {
		return nil, []string{shape + ": " + err.Error()}
	}
	if len(top) != 1 || top[0].name != "rooms" {
		return nil, []string{shape + `, with the one member "rooms"`}
	}
	rooms, err := object(top[0].value)
	if err != nil {
		return nil, []string{shape + ": " + err.Error()}
	}
	seen := map[string]bool{}
	for _, r := range rooms {
		entry := Entry{Name: r.name}
		var say string
		if entry.Policy, say = parseRoom(r, demos); seen[r.name] {
			say = "stands there twice"
		}
		if say != "" {
			faults = append(faults, fmt.Sprintf("room %q: %s", r.name, say))
		}
		seen[r.name] = true
		all = append(all, entry)
	}
	return all, faults
}

func parseRoom(r member, demos bool) (p policy.Policy, say string) {
	if !policy.ValidRoom(r.name) {
		return p, "a name has 1 to 64 letters, digits, dots, underscores and dashes, the first a letter or digit"
	}
	p, err := policy.Parse(r.value)
	var problem *problem.Details
	switch {
	case errors.As(err, &problem):
		return p, problem.Detail
	case err != nil:
		return p, err.Error()
	case p.Demo() && !demos:
		return p, "demo is allowed only with the simulated platform or a loopback VONAGE_VIDEO_URL"
	}
	return p, ""
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

var errShape = errors.New("this is not one JSON object")

// object takes one JSON object apart, in the order of the text.
func object(raw []byte) (all []member, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errShape
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errShape
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, errShape
		}
		all = append(all, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, errShape
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errShape
	}
	return all, nil
}
