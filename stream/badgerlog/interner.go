package badgerlog

import "hash/maphash"

// interner turns bytes into strings and gives the same string for bytes it saw
// not long ago, so that a scan allocates a name once and not once per event.
// It forgets by overwriting, so it is bounded, and nothing it returns keeps a
// block in memory.
type interner struct {
	seed  maphash.Seed
	names [4096][2]string // two names to a place, the newer one first
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (n *interner) get(b []byte) string {
	place := &n.names[maphash.Bytes(n.seed, b)%uint64(len(n.names))]
	if place[0] == string(b) {
		return place[0]
	}
	if place[1] != string(b) {
		place[0], place[1] = string(b), place[0]
		return place[0]
	}
	return place[1]
}
