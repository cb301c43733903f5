package policy

// Kind is what a stream carries, as the client declares it.
type Kind string

// The stream kinds. Vonage leaves videoType out where a stream has audio only.
const (
	Camera Kind = "camera"
	Screen Kind = "screen"
	Custom Kind = "custom"
	Audio  Kind = "audio"
)

func (k Kind) known() bool { return k == Camera || k == Screen || k == Custom || k == Audio }
