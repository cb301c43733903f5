package lesson

import "usher/pkg/epoch"

// Ban keeps a user out of a room, in this lesson and those to come.
type Ban struct {
	User  string        `json:"user"`
	Until epoch.Instant `json:"until,omitempty"` // 0: until it is lifted
	Note  string        `json:"note,omitempty"`
	At    epoch.Instant `json:"at"`    // when it was decided
	Actor string        `json:"actor"` // who decided it
}

// Holds reports whether the ban is in force.
func (b Ban) Holds(now epoch.Instant) bool { return b.Until == 0 || now < b.Until }

// BanKey is the id of the record that bans a user.
func BanKey(user string) string { return "b:" + user }
