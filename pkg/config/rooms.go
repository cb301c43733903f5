package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"usher/pkg/object"
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
func (c *checker) rooms(file string, p Platform) []Entry {
	if c.text("USHER_ROOMS", file) == "" {
		if p.Simulated() {
			return tutorial()
		}
		return nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		c.hide("USHER_ROOMS", "is "+shownFile(file)+": it must be a file that can be read: "+cause(err))
		return nil
	}
	all, faults := parseRooms(raw, p.Local())
	for _, fault := range faults {
		c.hide("USHER_ROOMS", "("+file+"): "+fault)
	}
	return all
}

// shownFile is what may be printed of a name under which there is no file.
func shownFile(name string) string {
	if strings.HasSuffix(name, ".json") {
		return strconv.Quote(name)
	}
	return shown(name)
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
	top, err := object.Members(raw)
	if err != nil {
		return nil, []string{shape + ": " + err.Error()}
	}
	if len(top) != 1 || top[0].Name != "rooms" {
		return nil, []string{shape + `, with the one member "rooms"`}
	}
	rooms, err := object.Members(top[0].Value)
	if err != nil {
		return nil, []string{shape + ": " + err.Error()}
	}
	for _, r := range rooms {
		p, say := parseRoom(r, demos)
		if say != "" {
			faults = append(faults, fmt.Sprintf("room %q: %s", r.Name, say))
		}
		all = append(all, Entry{r.Name, p})
	}
	return all, faults
}

func parseRoom(r object.Member, demos bool) (p policy.Policy, say string) {
	switch {
	case r.Again:
		return p, "stands there twice"
	case !policy.ValidRoom(r.Name):
		return p, "a name has 1 to 64 letters, digits, dots, underscores and dashes, the first a letter or digit"
	}
	p, err := policy.Parse(r.Value)
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
