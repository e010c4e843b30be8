package stream

// Lag is how many events of the log lie between what was handed over and its head.
func (m Mark) Lag() uint64 {
	lag := uint64(0)
	for shard := range uint32(len(m.Head.rest) + 1) {
		if head, at := m.Head.Position(shard), m.At.Position(shard); head > at {
			lag += uint64(head - at)
		}
	}
	return lag
}
