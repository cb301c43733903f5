package policy

import (
	"encoding/json"
	"fmt"
	"slices"
)

func readWarns(d *document, value json.RawMessage) string {
	say := fmt.Sprintf("must be a list of at most %d different whole numbers from 1 to %d", mostWarns, mostLesson)
	items, ok := asList(value)
	if !ok {
		return say
	}
	var warns []int
	for _, item := range items {
		n, ok := asWhole(item, 1, mostLesson)
		if !ok {
			return say
		}
		if !slices.Contains(warns, n) {
			warns = append(warns, n)
		}
		if len(warns) > mostWarns {
			return say
		}
	}
	d.warnSeconds = warns
	return ""
}

// asTexts reads a list of at most most texts that are all valid.
func asTexts(value json.RawMessage, most int, valid func(string) bool) ([]string, bool) {
	items, ok := asList(value)
	if !ok || len(items) > most {
		return nil, false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], ok = asText(item); !ok || !valid(texts[i]) {
			return nil, false
		}
	}
	return texts, true
}

func readObservers(d *document, value json.RawMessage) string {
	roles, ok := asTexts(value, mostRoles, ValidRole)
	if !ok {
		return fmt.Sprintf("must be a list of at most %d roles, each of at most 32 letters, digits, _ and -", mostRoles)
	}
	d.observers = roles
	return ""
}

func readAllowed(d *document, value json.RawMessage) string {
	users, ok := asTexts(value, mostAllowed, ValidUser)
	if !ok {
		return fmt.Sprintf("must be a list of at most %d users, each of 1 to 128 bytes without control characters", mostAllowed)
	}
	d.allowedUsers = users
	return ""
}

func readPublish(d *document, value json.RawMessage) string {
	const say = "must be an object with some of camera, screen, custom and audio, each with a list of roles"
	members, err := membersOf(value)
	if err != nil {
		return say
	}
	publish := map[Kind][]string{}
	for _, m := range members {
		kind := Kind(m.name)
		roles, ok := asTexts(m.value, mostRoles, ValidRole)
		_, twice := publish[kind]
		if !ok || twice || !slices.Contains([]Kind{Camera, Screen, Custom, Audio}, kind) {
			return say
		}
		publish[kind] = roles
	}
	d.publish = publish
	return ""
}

// readSession reads the id of a session to adopt, which is opaque.
func readSession(session *string, value json.RawMessage) string {
	s, ok := asText(value)
	if !ok || s == "" || len(s) > 255 {
		return "must be a text of 1 to 255 bytes, not " + short(value)
	}
	*session = s
	return ""
}
