package badgerlog

import "hash/maphash"

// interner turns bytes into strings and gives the same string for bytes it saw
// not long ago, so that a scan allocates a name once and not once per event.
// It forgets by overwriting, so it is bounded, and nothing it returns keeps a
// block in memory.
type interner struct {
	seed  maphash.Seed
	names [512]string
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (n *interner) get(b []byte) string {
	slot := &n.names[maphash.Bytes(n.seed, b)%uint64(len(n.names))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
