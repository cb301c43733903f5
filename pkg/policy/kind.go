package policy

import "slices"

// Kind is what a stream carries, as the client declares it.
type Kind string

// The stream kinds. Vonage leaves videoType out where a stream has audio only.
const (
	Camera Kind = "camera"
	Screen Kind = "screen"
	Custom Kind = "custom"
	Audio  Kind = "audio"
)

var kinds = []Kind{Camera, Screen, Custom, Audio}

func (k Kind) known() bool { return slices.Contains(kinds, k) }
