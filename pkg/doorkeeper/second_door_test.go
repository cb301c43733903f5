package doorkeeper_test

import (
	"log/slog"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/room"
)

// doorOf is another process over the same store and platform.
func doorOf(d *door, store room.Store) *doorkeeper.Service {
	return doorkeeper.NewService(store, d.Platform, d.World, doorkeeper.Settings{
		TokenLife: time.Minute, AllowDemo: true, Project: "123456", Now: d.Now, NewID: func() string { return "other" }, Log: slog.New(slog.DiscardHandler),
	})
}
