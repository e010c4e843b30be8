package keyring

import "os"

// maxKept bounds the keys in memory.
const maxKept = 10_000

// cache is keys in memory. What is in it holds only as long as the file is the same:
// another process may have forgotten the subject.
type cache struct {
	keys map[name]*known
	turn int // how often one was forgotten here
}

// known is a key as it was read.
type known struct {
	secret  []byte
	info    os.FileInfo // of its file
	durable bool        // its file's name is on the disk
}

// of reports whether the key is that of a file.
func (k *known) of(now os.FileInfo) bool {
	return os.SameFile(k.info, now) && k.info.Size() == now.Size() && k.info.ModTime().Equal(now.ModTime())
}

func (c *cache) keep(n name, k *known) {
	c.drop(n)
	for other := range c.keys { // any: all are as easily read again
		if len(c.keys) < maxKept {
			break
		}
		c.drop(other)
	}
	if c.keys == nil {
		c.keys = map[name]*known{}
	}
	c.keys[n] = k
}

// drop overwrites a key in memory.
func (c *cache) drop(n name) {
	if k := c.keys[n]; k != nil {
		clear(k.secret)
		delete(c.keys, n)
	}
}

func (c *cache) clear() {
	for n := range c.keys {
		c.drop(n)
	}
}
