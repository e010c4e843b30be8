package badgerlog

import "hash/maphash"

// interner turns bytes into strings and gives the same string for bytes it saw
// not long ago, so that a scan allocates a name once and not once per event.
// It forgets by overwriting, so it is bounded, and nothing it returns keeps a
// block in memory.
type interner struct {
	seed  maphash.Seed
	names [4096][2]interned // two to a place, the newer one first
}

// interned is a name with its hash: others are told apart without looking at
// them, as they are in nobody's cache.
type interned struct {
	hash uint64
	name string
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (n *interner) get(b []byte) string {
	hash := maphash.Bytes(n.seed, b)
	place := &n.names[hash%uint64(len(n.names))]
	for i := range place {
		if place[i].hash == hash && place[i].name == string(b) {
			return place[i].name
		}
	}
	place[0], place[1] = interned{hash, string(b)}, place[0]
	return place[0].name
}
