// Package exploration walks every history of a small world through the rules: a
// room of two seats and three people, each of whom comes and may leave in truth, each
// webhook heard once, twice or never, in any order, readings of the list at any
// point, a promise, another policy, waits. Random histories (see
// pkg/doorkeeper/simulation) find what is likely; this finds what is possible,
// within its bounds.
//
// It goes depth first and visits equal states once. Each step is held against what
// the rules promise (judge.go), and from each state a calm is tried: nothing that is
// under way arrives any more, the list is read as the lesson itself asks for
// it, and after half an hour at most room and truth have to agree (calm.go). So each
// webhook is lost somewhere, and each state is a last one.
//
// The shell is not in it. What a decision asks for happens at once: who is told to
// go leaves in the same moment, with the webhook of that under way; and any reading may be the one
// that was asked for. A list lags by one coming or going at most, and by
// less than five seconds. That a webhook which comes again changes nothing is tried in
// each state, for each that was heard, so a second hearing is no move of its own.
//
// Begin with world.go, then move.go.
package exploration
