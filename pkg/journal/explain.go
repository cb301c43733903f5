package journal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"usher/pkg/policy"
)

// Explain tells in sentences what became of a connection, and why, from the log of its
// lesson: who held the seats, since when, and by which reading of Vonage's list that is
// known. It gives none where the log does not speak of the connection. The sentences are
// Plain text.
func Explain(lines []Line, connection string) []string {
	e := explainer{lines: lines, id: connection}
	for i, line := range lines {
		if e.before = lines[:i]; line.Connection == connection {
			e.tell(line)
		}
	}
	for i, s := range e.said {
		e.said[i] = Plain(s)
	}
	return e.said
}

type explainer struct {
	lines  []Line
	before []Line // those before the one that is told
	id     string
	said   []string
}

func (e *explainer) say(format string, args ...any) {
	e.said = append(e.said, fmt.Sprintf(format, args...))
}

func (e *explainer) tell(line Line) {
	if len(e.said) == 0 {
		e.arrival()
	}
	switch line.Action {
	case DidSeat:
		e.say("At %v it was let in%s.%s", line.At, asWhat(line), read(line))
	case DidWait:
		e.say("At %v it was in, neither seated nor refused: Vonage's list had to say first who was there.%s", line.At, read(line))
	case DidLeave:
		e.say("It left at %v%s.", line.EventAt, by(line.Note))
	case DidRepair:
		e.repair(line)
	case DidAskAway:
		e.say("At %v it was asked to stop the stream %s (%s), by %v.", line.At, line.Stream, line.Reason, line.EventAt)
	case DidRefuse:
		e.say("At %v it was refused a place and told to go: %s.", line.At, line.Reason.Meaning())
		e.why(line)
	case DidDisconnect:
		e.say("At %v it was told to go: %s.", line.At, line.Reason.Meaning())
		e.why(line)
	case DidNothing:
		e.nothing(line)
	}
}

// arrival says who it is, and how it came to be known.
func (e *explainer) arrival() {
	var about, own Line
	for _, line := range e.lines {
		if line.Connection != e.id {
			continue
		}
		if about.Connection == "" || about.User == "" && line.User != "" {
			about = line
		}
		if own.Connection == "" && line.Event == ConnectionCreated {
			own = line
		}
	}
	who := "a user that is not known"
	if about.User != "" {
		who = "the user " + about.User
	}
	if about.Role != "" {
		who += ", role " + about.Role
	}
	if own.EventAt == 0 {
		e.say("The connection %s was %s. No callback told of its coming.", e.id, who)
		return
	}
	e.say("The connection %s was %s. It came at %v, by Vonage's clock; the log speaks of that from %v on.", e.id, who, own.EventAt, own.At)
}

func asWhat(line Line) string {
	if line.Note == AsObserver {
		return " as an observer, without a seat"
	}
	return " and took a seat"
}

// by is Vonage's reason for a departure.
func by(note Note) string {
	if note == "" {
		return ""
	}
	return fmt.Sprintf(", by Vonage's word (%s)", note)
}

// read says which reading a line rests on; "" where it rests on none.
func read(line Line) string {
	if at := line.Because.Proof().ReadAt; at != 0 {
		return fmt.Sprintf(" That rests on the reading of Vonage's list that began at %v.", at)
	}
	return ""
}

func (e *explainer) repair(line Line) {
	switch line.Note {
	case ShownAgain, ShownAgainUnheard:
		e.say("At %v it was taken for a newcomer, because Vonage showed it after it had been taken for gone.%s", line.At, read(line))
	case StreamStopped:
		e.say("At %v its stream %s was known to have stopped.%s", line.At, line.Stream, read(line))
	default:
		e.say("At %v it was known to have left, though no callback said so: Vonage's list did not show it.%s", line.At, read(line))
	}
}

func (e *explainer) nothing(line Line) {
	if line.Event != ConnectionCreated {
		return
	}
	if line.Reason != "" {
		e.say("Its coming was heard of at %v, when it had left; it had had no right to be in: %s.", line.At, line.Reason.Meaning())
		return
	}
	e.say("Its coming was heard of at %v, when there was nothing left to decide.", line.At)
}

// meanings are the reasons in words.
var meanings = map[Reason]string{
	RoomFull:      "the room was full",
	NoTicket:      "its token was not one of Usher's, and such are refused",
	DuplicateUser: "its user was in by another connection",
	LessonOver:    "the lesson was over",
	TooEarly:      "the room was not open yet",
	Removed:       "its user was banned",
	NotAllowed:    "its user was not on the list of those who may come in",
	Admin:         "somebody asked for it",
}

// Meaning is the reason in words, of one connection or user: "the room was full".
func (r Reason) Meaning() string {
	if words, known := meanings[r]; known {
		return words
	}
	if kind, found := strings.CutSuffix(string(r), "-not-allowed"); found {
		return fmt.Sprintf("it published a %s, which its role may not", kind)
	}
	return string(r)
}

// why tells what the decision rests on.
func (e *explainer) why(line Line) {
	switch line.Reason {
	case RoomFull:
		e.seats(line)
		e.holders(line)
	case DuplicateUser:
		e.holders(line)
	case NoTicket, NotAllowed, TooEarly:
		e.policy(line)
	case Removed:
		e.ban(line)
	case LessonOver, Admin:
		e.end(line)
	default:
		if line.Stream != "" {
			e.stream(line)
		}
	}
	if line.Reason != RoomFull && line.Reason != DuplicateUser {
		if text := read(line); text != "" {
			e.say("%s", strings.TrimSpace(text))
		}
	}
}

// inForce is the policy of that moment, and its line.
func (e *explainer) inForce() (policy.Policy, Line) {
	line, _ := e.last(func(l Line) bool { return l.Action == DidPolicy })
	return policy.Stored(string(line.Note)), line
}

// last is the last line before that is one of those.
func (e *explainer) last(which func(Line) bool) (Line, bool) {
	for i := len(e.before) - 1; i >= 0; i-- {
		if which(e.before[i]) {
			return e.before[i], true
		}
	}
	return Line{}, false
}

func (e *explainer) seats(line Line) {
	p, since := e.inForce()
	text := "any number of seats"
	if n := p.MaxSeats(); n > 0 {
		text = count(n, "seat")
	}
	if n := p.SeatsOf(line.Role); n > 0 {
		text += fmt.Sprintf(", %d of them for the role %q", n, line.Role)
	}
	e.say("By the policy in force since %v there were %s.", since.At, text)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// holders names who had the better right, since when, and what proves it.
func (e *explainer) holders(line Line) {
	proof := line.Because.Proof()
	for _, h := range proof.Holders {
		if user, promised := strings.CutPrefix(h, Promised("")); promised {
			e.promise(user)
		} else {
			e.holder(h)
		}
	}
	if len(proof.Holders) == MostHolders {
		e.say("There may have been more; a line names no more than %d.", MostHolders)
	}
	if len(proof.Holders) == 0 {
		e.say("The log does not say who had the better right.")
	}
	if proof.ReadAt == 0 {
		e.say("That was known without a reading of Vonage's list.")
		return
	}
	e.say("The reading of Vonage's list that began at %v proves it.", proof.ReadAt)
}

func (e *explainer) promise(user string) {
	given, found := e.last(func(l Line) bool { return l.Action == DidPromise && l.User == user })
	if !found {
		e.say("A seat was promised to %s.", user)
		return
	}
	e.say("A seat was promised to %s, at %v.", user, given.At)
}

func (e *explainer) holder(id string) {
	// Of a newer connection of the same user the line may be the very next.
	i := slices.IndexFunc(e.lines, func(l Line) bool { return l.Connection == id && l.Event == ConnectionCreated && l.EventAt != 0 })
	heard, came := i >= 0, Line{}
	if heard {
		came = e.lines[i]
	}
	sat, seated := e.last(func(l Line) bool { return l.Connection == id && l.Action == DidSeat })
	text := id
	if user := cmp.Or(came.User, sat.User); user != "" {
		text += " of " + user
	}
	text += " was in"
	if heard {
		text += fmt.Sprintf(", came at %v", came.EventAt)
	}
	if seated {
		text += fmt.Sprintf(", held a seat since %v", sat.At)
	}
	e.say("%s.", text)
}

func (e *explainer) policy(line Line) {
	p, since := e.inForce()
	if line.Reason == TooEarly && p.OpensAt() != 0 {
		e.say("By the policy in force since %v the room opens at %v.", since.At, p.OpensAt())
		return
	}
	e.say("So says the policy in force since %v: %s", since.At, p)
}

func (e *explainer) ban(line Line) {
	ban, found := e.last(func(l Line) bool { return l.Action == DidBan && l.User == line.User && l.Note != BanLifted })
	if !found {
		e.say("The ban is older than this lesson: GET .../bans names it.")
		return
	}
	until := "until it is lifted"
	if ban.EventAt != 0 {
		until = "until " + ban.EventAt.String()
	}
	e.say("%s was banned at %v, %s%s.", line.User, ban.At, until, actor(ban))
}

// actor says who asked for it; "" where nobody did.
func actor(line Line) string {
	if line.Actor == "" {
		return ""
	}
	return ", by " + line.Actor
}

func (e *explainer) end(line Line) {
	end, ended := e.last(func(l Line) bool { return l.Action == DidEnd })
	switch {
	case ended && end.Event == FromDeadline:
		e.say("The lesson had ended at %v: its time was over at %v.", end.At, end.EventAt)
	case ended:
		e.say("The lesson had been ended at %v%s.", end.At, actor(end))
	case line.Actor != "":
		e.say("It was %s who asked, through the API.", line.Actor)
	}
}

func (e *explainer) stream(line Line) {
	asked, found := e.last(func(l Line) bool { return l.Action == DidAskAway && l.Stream == line.Stream })
	if !found {
		e.say("The stream was %s. It was not asked to stop first: there was no grace, or it was one too many.", line.Stream)
		return
	}
	e.say("The stream was %s. It was asked to stop at %v, and had time until %v.", line.Stream, asked.At, asked.EventAt)
}
