package lesson

import (
	"encoding/json"
	"strings"

	"usher/pkg/policy"
)

// identity is who a connection says it is, or is known to be.
type identity struct {
	user, role string
	promise    string // the promise whose data it carries
	foreign    bool
}

// promiseData is what travels with a promised connection: visible to everyone
// in the session, so nothing but an id that nobody can guess.
type promiseData struct {
	Usher string `json:"usher"`
}

func DataOf(promise string) string {
	data, _ := json.Marshal(promiseData{promise}) // a struct of one string always marshals
	return string(data)
}

// promiseIn finds the promise id in a connection's data.
func promiseIn(data string) string {
	if !strings.HasPrefix(data, `{"usher":`) {
		return ""
	}
	var d promiseData
	if json.Unmarshal([]byte(data), &d) != nil {
		return ""
	}
	return d.Usher
}

// identify says who carries the data: the user of the promise it names, else a
// foreigner by its own words.
func (l *Lesson) identify(data string) identity {
	if id := promiseIn(data); id != "" {
		if p, ok := l.Promises[id]; ok {
			return identity{user: p.User, role: p.Role, promise: id}
		}
	}
	user, role := foreigner(data)
	return identity{user: user, role: role, foreign: true}
}

// foreigner reads the data of a token that Usher did not issue. A JSON object
// names the user by the first of user, userId and name that is a non-empty
// string, and the role; other JSON, broken JSON that begins with a brace and
// empty data name nobody; any other text is the user itself. What is out of
// bounds is unknown.
func foreigner(data string) (user, role string) {
	trimmed := strings.TrimSpace(data)
	var fields map[string]any
	switch {
	case trimmed == "":
		return "", ""
	case json.Unmarshal([]byte(trimmed), &fields) == nil && fields != nil:
		return fromFields(fields)
	case strings.HasPrefix(trimmed, "{") || json.Valid([]byte(trimmed)):
		return "", ""
	}
	if !policy.ValidUser(data) {
		return "", ""
	}
	return data, ""
}

func fromFields(fields map[string]any) (user, role string) {
	for _, name := range []string{"user", "userId", "name"} {
		if s, _ := fields[name].(string); s != "" {
			user = s
			break
		}
	}
	if !policy.ValidUser(user) {
		user = ""
	}
	if s, _ := fields["role"].(string); policy.ValidRole(s) {
		role = s
	}
	return user, role
}
