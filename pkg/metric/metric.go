// Package metric names what Usher measures, and the port by which that is said. Two
// adapters listen: package emf writes lines that CloudWatch reads, and the local
// program shows the sums to Prometheus.
//
// It is trusted to name nobody: a label is one of a few words, never a user, a room
// or a session.
package metric

// Unit is a unit as CloudWatch spells it (the API's MetricDatum).
type Unit string

// The units.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// Metric is one thing that is measured.
type Metric struct {
	Name  string // letters alone, in capitals where a word begins
	Unit  Unit
	Label string // what tells its values apart, of the same form; "": nothing does
	Help  string
	// Values are all values of the label; nil: they are not known beforehand.
	Values []string
}

// What is measured.
var (
	Webhooks     = &Metric{"Webhooks", Count, "Result", "Callbacks that were answered, by result.", []string{Heard, Unauthorized, Malformed, Unanswered}}
	Answered     = &Metric{"Answered", Milliseconds, "", "From Vonage's timestamp to the answer of a callback that was heard.", nil}
	Refusals     = &Metric{"Refusals", Count, "Reason", "People who were refused, at join or once they were connected, by reason.", nil}
	Disconnected = &Metric{"Disconnected", Milliseconds, "", "From the coming of a refused connection, by Vonage's time, to the answer of the platform that disconnects it.", nil}
	EndLate      = &Metric{"EndLate", Milliseconds, "", "From the end that a lesson had to the decision that ends it.", nil}
	Readings     = &Metric{"Readings", Count, "Result", "Readings of Vonage's list of connections, by result.", []string{Read, Failed, Refused}}
	Repairs      = &Metric{"Repairs", Count, "", "Corrections of what was known by what a reading shows.", nil}
	Unheard      = &Metric{"Unheard", Count, "", "People whom readings show for a minute and of whom no callback has told.", nil}
	Strangers    = &Metric{"Strangers", Count, "", "Callbacks of sessions or projects that are not Usher's.", nil}
	Parked       = &Metric{"Parked", Count, "", "Events that no store took, kept to be heard later.", nil}
	GivenUp      = &Metric{"GivenUp", Count, "", "Connections that could not be ended within a day.", nil}
	Undelivered  = &Metric{"Undelivered", Count, "To", "Lines and callbacks that could not be delivered within a day, or not be kept, by whom they were for.", []string{ToBackend, ToListener}}
	Sweeps       = &Metric{"Sweeps", Count, "", "Sweeps that looked at all that was due.", nil}
)

// All are all of them.
func All() []*Metric {
	return []*Metric{
		Webhooks, Answered, Refusals, Disconnected, EndLate, Readings, Repairs, Unheard, Strangers,
		Parked, GivenUp, Undelivered, Sweeps,
	}
}

// Labels of Webhooks.
const (
	Heard        = "heard"        // 200, a stranger's too
	Unauthorized = "unauthorized" // 401
	Malformed    = "malformed"    // the other answers below 500
	Unanswered   = "unanswered"   // 500 and above: Vonage sends it again
)

// Labels of Readings.
const (
	Read    = "read"
	Failed  = "failed"  // no answer, or one that is worth asking again soon
	Refused = "refused" // the platform said no
)

// Labels of Undelivered.
const (
	ToBackend  = "backend"
	ToListener = "listener"
)

// Recorder hears what is measured. It is asked after the fact, by many at once, and
// neither fails nor takes time.
type Recorder interface {
	// Record adds a value; label is "" for a metric without one.
	Record(m *Metric, label string, value int64)
}

// Nobody records nothing.
type Nobody struct{}

// Record does nothing.
func (Nobody) Record(*Metric, string, int64) {}
