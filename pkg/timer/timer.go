// Package timer wakes the doorkeeper at a moment: in one process by a heap and a
// clock (Local), and on AWS by EventBridge Scheduler and SQS (Cloud). Cloud is also
// the queue of parked events.
//
// No wake is trusted. It may be lost with a process or a queue, come twice or at
// the wrong time: the doorkeeper looks at the lesson and does the due work, and the
// sweep finds lessons without a wake. Only a parked event is trusted to the queue:
// losing it loses the event.
//
// Begin with cloud.go or local.go; message.go has the messages in the queues.
package timer
