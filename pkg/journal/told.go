package journal

// told are the types under which lines are told to the owner's backend, by action.
// Lines of other actions are not told.
var told = map[Action]string{
	DidStart:      "lesson.started",
	DidReset:      "lesson.reset",
	DidPause:      "lesson.paused",
	DidResume:     "lesson.resumed",
	DidExtend:     "lesson.extended",
	DidEnd:        "lesson.ended",
	DidSeat:       "connection.seated",
	DidRefuse:     "connection.refused",
	DidDisconnect: "connection.disconnected",
	DidLeave:      "connection.left",
	DidRepair:     "connection.left", // the list no longer shows it
	DidPromise:    "promise.given",
}

// Types of lines that their action alone does not say.
const (
	PromiseRefused = "promise.refused"
	LessonEnded    = "lesson.ended"
)

// Told is the type under which the line is told to the owner's backend; "" for a line
// that is not.
func (l *Line) Told() string {
	switch {
	case l.Action == DidRefuse && l.Event == FromJoin:
		return PromiseRefused
	case l.Action == DidRepair && (l.Connection == "" || l.Note != ""):
		return "" // of a promise, a stream, or of somebody who came back
	}
	return told[l.Action]
}
