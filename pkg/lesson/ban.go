package lesson

import (
	"maps"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

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

// OfRoom reports whether the ban is one of the room that was made then, and not of a former
// one that had the name.
func (b Ban) OfRoom(created epoch.Instant) bool { return b.At >= created }

// Outlasts reports whether the ban holds as long as the other or longer.
func (b Ban) Outlasts(other Ban) bool {
	return b.Until == 0 || other.Until != 0 && b.Until >= other.Until
}

// banMark begins the ids of bans among records.
const banMark = "b:"

// BanKey is the id of the record that bans a user.
func BanKey(user string) string { return banMark + user }

// BannedUser is the user whose ban the id of a record names; false for another record.
func BannedUser(id string) (user string, ok bool) {
	if len(id) <= len(banMark) || id[:len(banMark)] != banMark {
		return "", false
	}
	return id[len(banMark):], true
}

// BanUser bans a user, by the room's word. It is also how a ban that the lesson itself
// decided is heard of again, once the room's list has it.
type BanUser struct{ Ban Ban }

func (b BanUser) decide(t *turn) error {
	if t.l.Decided(b.Ban) {
		t.banIsKept(b.Ban)
		return nil
	}
	if t.l.Status == journal.Ended {
		return nil
	}
	t.ban(b.Ban, journal.FromAPI)
	t.banIsKept(b.Ban)
	t.reconsiderWaiting(journal.FromAPI)
	t.updateClock(journal.FromAPI)
	return nil
}

// BanKept says that a ban which the lesson decided is in the list of a room: of its
// own, or of none, for the room is gone.
type BanKept struct{ Ban Ban }

func (b BanKept) decide(t *turn) error {
	if t.l.Decided(b.Ban) {
		t.banIsKept(b.Ban)
	}
	return nil
}

// banIsKept lets the item forget the ban, unless people outside are still to be held
// against it.
func (t *turn) banIsKept(b Ban) {
	if t.l.OutsideReviewAt == 0 {
		t.forgetBan(b.User)
	}
}

func (t *turn) forgetBan(user string) {
	t.l.BansToKeep, t.rest = maps.Clone(t.l.BansToKeep), true
	delete(t.l.BansToKeep, user)
}

// ban keeps the user out from now on: who is in goes, and what was promised is void.
func (t *turn) ban(b Ban, event string) {
	bans := maps.Clone(t.l.BansToKeep)
	if bans == nil {
		bans = map[string]Ban{}
	}
	bans[b.User] = b
	t.l.BansToKeep, t.rest = bans, true
	t.l.Bans++
	t.log(journal.Line{Event: event, EventAt: b.Until, User: b.User, Action: journal.DidBan, Actor: b.Actor, Note: journal.Note(b.Note)})
	t.closeDoor(journal.Line{Event: event, Actor: b.Actor})
}

// LiftBan lets a user in again, by the room's word.
type LiftBan struct{ User, Actor string }

func (b LiftBan) decide(t *turn) error {
	if _, ours := t.l.BansToKeep[b.User]; ours {
		t.forgetBan(b.User)
	}
	if t.l.Status != journal.Ended {
		t.log(journal.Line{Event: journal.FromAPI, User: b.User, Action: journal.DidBan, Actor: b.Actor, Note: journal.BanLifted})
	}
	return nil
}

// banAfterRemoval keeps the user of a connection that was removed out for as long as
// the policy says.
func (t *turn) banAfterRemoval(c Conn, line journal.Line) {
	from := t.now
	if c.DisconnectRequested() {
		from = c.DisconnectRequestedAt
	}
	b := Ban{User: c.User, Until: from.Add(t.l.Policy.RejoinAfter()), Actor: line.Actor}
	b.At = max(t.now, t.l.RoomCreated) // clocks of processes differ
	ours, banned := t.l.BansToKeep[c.User]
	if b.User != "" && b.Holds(t.now) && !(banned && ours.Outlasts(b)) {
		t.ban(b, line.Event)
	}
}

// evermore is later than any ban.
const evermore = epoch.Instant(1 << 62)

// isBanned reports whether the user is kept out by a ban that was there at that moment,
// as far as it was looked up.
func (t *turn) isBanned(user string, at epoch.Instant) bool {
	for _, b := range []Ban{t.l.BansToKeep[user], t.banned[user]} {
		if b.User != "" && b.At <= at && b.Holds(t.now) {
			return true
		}
	}
	return false
}

// banOf is the ban of a user who is kept out; of two, the one that holds longer.
func (t *turn) banOf(user string) Ban {
	ours, listed := t.l.BansToKeep[user], t.banned[user]
	if ours.User == "" || listed.User != "" && ours.Until != 0 && (listed.Until == 0 || listed.Until > ours.Until) {
		return listed
	}
	return ours
}

// Decided reports whether the lesson decided the ban, and the room's list may not have it
// yet.
func (l *Lesson) Decided(b Ban) bool {
	ours, ok := l.BansToKeep[b.User]
	return ok && ours.At == b.At
}

// KeepsOut reports whether the lesson keeps a user out whom the room's list may not name.
func (l *Lesson) KeepsOut(user string) bool {
	_, ours := l.BansToKeep[user]
	return ours
}

// bansToKeepNow gives the bans that the room's list is to get, those decided first before
// the others; none while people outside are still to be held against them.
func (l *Lesson) bansToKeepNow() []Ban {
	if l.OutsideReviewAt != 0 || len(l.BansToKeep) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Values(l.BansToKeep), func(a, b Ban) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return slices.Compare([]byte(a.User), []byte(b.User))
	})
}
