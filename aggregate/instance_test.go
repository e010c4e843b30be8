package aggregate

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzDecodeInstance: no stored bytes panic; what is read comes back as it was; and
// what has no head is the state itself, of version 0.
// Breaks when: decodeInstance takes the first line without looking for its end.
func FuzzDecodeInstance(f *testing.F) {
	for _, value := range []string{"", "{}", "#", "#{}", "#{}\n", "#{\"Version\":3,\"Steps\":[\"a\",\"b\"]}\n{\"X\":1}", "#[]\n{}", "null"} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		i, version, err := decodeInstance(value)
		if err != nil {
			return
		}
		if !i.exists {
			t.Fatal("what is stored does not exist")
		}
		if (len(value) == 0 || value[0] != '#') && (version != 0 || !bytes.Equal(i.state, value)) {
			t.Errorf("without a head: version %d and state %q", version, i.state)
		}
		stored, err := i.encode(version)
		if err != nil {
			t.Fatal(err)
		}
		again, v, err := decodeInstance(stored)
		if err != nil || v != version || !slices.Equal(again.steps, i.steps) || !bytes.Equal(again.state, i.state) {
			t.Errorf("%q comes back as %+v of version %d: %v", value, again, v, err)
		}
	})
}
