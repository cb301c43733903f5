//go:build !race

package app

// scale divides the number of lessons in a bubble where there is a race detector.
const scale = 1
