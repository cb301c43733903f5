package room

// Stands reports whether r, as it is stored, is what the change made of the
// room.
func (c Change) Stands(r Room) bool {
	if c.Delete {
		return r.Created != c.Room.Created
	}
	return r.Equal(c.Room.Next())
}
