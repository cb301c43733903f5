// Package lesson is the rules: who has a seat, who waits, who has to go, when a
// lesson starts and ends. It is pure. Decide takes a Lesson, an Input and the time,
// and gives one Decision that says everything: the next state with its log lines,
// how it is to be written, what has to be done before and after, and the verdict.
// Lesson.Outstanding derives the same kind of effects from the state alone, for
// whoever finds the lesson after a crash.
//
// It is trusted with every promise about seats, order and the clock, and with
// nothing else: it reads no clock, waits for nobody, and knows no store and no
// network.
//
// Begin with decide.go: Input, Decision, Decide. Then lesson.go, the state;
// webhook.go and reconcile.go, the two inputs that matter most; judge.go and
// seats.go, which say who gets a seat; clock.go; effects.go; and last arrival.go,
// hall.go and records.go, which keep a lesson small.
package lesson
