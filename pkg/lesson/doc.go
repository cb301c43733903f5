// Package lesson is the rules: which connections have a seat, wait, or have to go,
// when a lesson starts and ends. It is pure. Decide takes a Lesson, an Input and
// the time, and gives one Decision that says everything: the next state with its
// log lines, its write, the wake before it and the effects after it, and the
// verdict. Lesson.Outstanding derives the same kind of effects from the state
// alone, for the process that finds the lesson after a crash.
//
// It is trusted with every promise about seats, order and the clock, and with
// nothing else: it reads no clock, waits for nobody, and knows no store and no
// network.
//
// Begin with decide.go: Input, Decision, Decide. Then lesson.go, the state;
// webhook.go and reconcile.go, the two inputs that matter most; judge.go and
// seats.go, which give seats; clock.go; effects.go; and last arrival.go, records.go,
// size.go, backlog.go and hall.go, which keep a lesson small.
package lesson
