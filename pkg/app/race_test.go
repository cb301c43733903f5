//go:build race

package app

// scale divides the number of lessons in a bubble. The race detector of Go 1.26
// gives up in bubbles that do as much as ten thousand lessons (go.dev/issue/78156);
// make verify runs them once more without it.
const scale = 10
