package lesson

import (
	"encoding/json"
	"math/big"
	"strings"

	"usher/pkg/policy"
)

// identity is the user and role that a connection claims, or is known to have.
type identity struct {
	user, role string
	promise    string // the promise whose data it carries
	foreign    bool
}

// promiseData travels with a promised connection: visible to everyone in the
// session, so nothing of Usher's but an id that nobody can guess.
type promiseData struct {
	Usher string `json:"usher"`
}

// DataOf gives the connection data of a promise's tokens: its id, and where there is
// any the data, a JSON value, byte for byte, for the other clients to read.
func DataOf(promise string, data json.RawMessage) string {
	own, _ := json.Marshal(promiseData{promise}) // a struct of one string always marshals
	if len(data) == 0 {
		return string(own)
	}
	return strings.TrimSuffix(string(own), "}") + `,"data":` + string(data) + "}"
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

// identify gives the identity behind the data: the user of the promise that it
// names, else a foreigner by its own words.
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
// names the user by the first of userFields that holds an id, and the role
// where that is a text; other JSON, broken JSON that begins with a brace and
// empty data name nobody; any other text is the user itself. A user out of
// bounds is unknown.
func foreigner(data string) (user, role string) {
	trimmed := strings.TrimSpace(data)
	var fields map[string]json.RawMessage
	switch {
	case trimmed == "":
		return "", ""
	case json.Unmarshal([]byte(trimmed), &fields) == nil && fields != nil:
		return userOf(fields), roleOf(fields)
	case strings.HasPrefix(trimmed, "{") || json.Valid([]byte(trimmed)):
		return "", ""
	case !policy.ValidUser(data):
		return "", ""
	}
	return data, ""
}

// userFields are the names under which applications put a user into a
// connection's data, the most telling first.
var userFields = []string{"user", "userId", "user_id", "uid", "id", "username", "name"}

// userOf is the first id under one of userFields: a text, a whole number, or
// an object with such an id.
func userOf(fields map[string]json.RawMessage) string {
	for _, name := range userFields {
		id, found := idOf(fields[name])
		if !found {
			var inner map[string]json.RawMessage
			_ = json.Unmarshal(fields[name], &inner) // a value that is no object has no id
			id, found = idOf(inner["id"])
		}
		if found && policy.ValidUser(id) {
			return id
		}
		if found {
			return ""
		}
	}
	return ""
}

func roleOf(fields map[string]json.RawMessage) string {
	if role := textOf(fields["role"]); policy.ValidRole(role) {
		return role
	}
	return ""
}

// idOf reads a text that is not empty, or a whole number as its decimal text.
func idOf(value json.RawMessage) (id string, found bool) {
	if len(value) > 0 && strings.IndexByte("-0123456789", value[0]) >= 0 {
		return wholeNumber(string(value))
	}
	id = textOf(value)
	return id, id != ""
}

func textOf(value json.RawMessage) (text string) {
	_ = json.Unmarshal(value, &text) // a value that is no text stays empty
	return text
}

// wholeNumber writes a JSON number in decimal digits, exactly, where it is
// whole. One that is too long for a user's name is whole and names nobody.
func wholeNumber(number string) (decimal string, whole bool) {
	const most = 128 // digits, of which any number fits into the precision below
	if len(number) > most {
		return "", true
	}
	f, _, err := big.ParseFloat(number, 10, 4*most, big.ToNearestEven)
	switch {
	case err != nil || f.IsInf() || f.MantExp(nil) > 4*most:
		return "", true
	case !f.IsInt():
		return "", false
	}
	i, _ := f.Int(nil)
	return i.String(), true
}
