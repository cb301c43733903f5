package journal

import "testing"

// The types of CONTRACT, and the lines that are told to nobody.
func TestTold(t *testing.T) {
	for want, lines := range map[string][]Line{
		"lesson.started":          {{Action: DidStart}},
		"lesson.reset":            {{Action: DidReset}},
		"lesson.paused":           {{Action: DidPause}},
		"lesson.resumed":          {{Action: DidResume}},
		"lesson.extended":         {{Action: DidExtend}},
		"lesson.ended":            {{Action: DidEnd}},
		"connection.seated":       {{Action: DidSeat}, {Action: DidSeat, Note: AsObserver}},
		"connection.refused":      {{Action: DidRefuse, Event: ConnectionCreated}, {Action: DidRefuse, Event: FromReconcile}},
		"connection.disconnected": {{Action: DidDisconnect}},
		"connection.left":         {{Action: DidLeave}, {Action: DidRepair, Event: FromReconcile, Connection: "c", Reason: Reconciled}},
		"promise.given":           {{Action: DidPromise}},
		"promise.refused":         {{Action: DidRefuse, Event: FromJoin}},
		"": {
			{Action: DidNothing},
			{Action: DidWait},
			{Action: DidReopen},
			{Action: DidPolicy},
			{Action: DidAskAway},
			{Action: DidBan},
			{Action: DidRepair, Note: PromiseLapsed},
			{Action: DidRepair, Connection: "c", Note: ShownAgain},
			{Action: DidRepair, Connection: "c", Note: ShownAgainUnheard},
			{Action: DidRepair, Connection: "c", Stream: "s", Note: StreamStopped},
		},
	} {
		for _, line := range lines {
			if got := line.Told(); got != want {
				t.Errorf("%+v is told as %q, want %q", line, got, want)
			}
		}
	}
}
