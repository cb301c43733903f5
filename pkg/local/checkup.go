package local

import (
	"usher/pkg/checkup"
	"usher/pkg/room"
)

// watch prepares to say whether the program's work goes on. The marks stand in the data
// file, whatever the store is.
func (l *Local) watch(platform room.Platform) {
	l.heard = checkup.NewRecorder(l.file, checkup.CallbackMark, now, l.log)
	l.swept = checkup.NewRecorder(l.file, checkup.SweepMark, now, l.log)
	l.checkup = checkup.Checkup{
		checkup.Vonage(platform),
		checkup.Marks(l.file, now),
		checkup.Empty("parked", "parked events", l.file.ParkedCount, "They are heard when DynamoDB takes them: look whether it can be reached."),
		checkup.Empty("dead-letters", "parked events that failed five times", l.file.FailedCount, "It is a defect: keep the data file."),
	}
}
