package badgerlog

import (
	"hash/maphash"
	"time"
)

// interner turns bytes into strings and gives the same string for bytes it saw
// not long ago, so that a scan allocates a name once and not once per event.
// It forgets by overwriting, so it is bounded, and nothing it returns keeps a
// block in memory. The names and the time of the event before are at hand
// without a search: most often they are the next one's.
type interner struct {
	topic, key, typ string
	nanos           int64
	time            time.Time // at nanos; zero at first

	seed  maphash.Seed
	names [4096]string
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (n *interner) get(b []byte) string {
	slot := &n.names[maphash.Bytes(n.seed, b)%uint64(len(n.names))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// at is a time as records have it.
func (n *interner) at(nanos int64) time.Time {
	if nanos != n.nanos || n.time.IsZero() {
		n.nanos, n.time = nanos, time.Unix(0, nanos).UTC()
	}
	return n.time
}
