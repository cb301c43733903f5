// Package timer wakes the service at a moment: in one process by a heap and a
// clock (Local), and on AWS by EventBridge Scheduler and SQS (Cloud).
//
// Neither is trusted. A wake may be lost with a process or a queue, come twice
// or at the wrong time: whoever is woken looks at the lesson and does what is
// due, and the sweep finds what nobody was woken for.
package timer
