package badgerlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// someKey is a master key of a length; others, if n is another.
func someKey(length int, n byte) []byte { return bytes.Repeat([]byte{n}, length) }

// sealedOf writes data in parts of random lengths.
func sealedOf(t testing.TB, data, master []byte) []byte {
	t.Helper()
	var to bytes.Buffer
	w, err := newSealedWriter(&to, master)
	if err != nil {
		t.Fatal(err)
	}
	for len(data) > 0 {
		n := 1 + rand.IntN(len(data))
		if got, err := w.Write(data[:n]); err != nil || got != n {
			t.Fatalf("wrote %d of %d bytes: %v", got, n, err)
		}
		data = data[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte{1}); err == nil {
		t.Error("a write behind the end was taken")
	}
	return to.Bytes()
}

func unsealed(sealed []byte, masters ...[]byte) ([]byte, error) {
	r, err := newSealedReader(bytes.NewReader(sealed), masters...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Breaks when: Write seals a full chunk before it knows that there is more; Read
// ends with io.EOF before the last chunk is handed out.
func TestASealedStreamReadsBackAsItWasWritten(t *testing.T) {
	for i, length := range []int{0, 1, 100, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 200_001} {
		data, master := noise(length), someKey(16+i%3*8, 1)
		sealed := sealedOf(t, data, master)
		if want := envelopeSize + length + tagSize*max(1, (length+chunkSize-1)/chunkSize); len(sealed) != want {
			t.Errorf("%d bytes became %d, want %d", length, len(sealed), want)
		}
		got, err := unsealed(sealed, someKey(32, 9), master)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d: %v", length, len(got), err)
		}
	}
}

func noise(length int) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}

// Breaks when: newSealedReader takes the first master key.
func TestASealedStreamOpensWithItsKeyOnly(t *testing.T) {
	sealed := sealedOf(t, noise(10), someKey(32, 1))
	for _, masters := range [][][]byte{nil, {someKey(32, 2)}, {someKey(16, 1), someKey(24, 1)}} {
		_, err := unsealed(sealed, masters...)
		var refused *KeyError
		if !errors.As(err, &refused) || !refused.Encrypted || refused.Given != len(masters) {
			t.Errorf("%d other keys: got %v, want a KeyError that counts them", len(masters), err)
		}
	}
}

// What is handed out before the error is a beginning of what was written.
// Breaks when: chunkNonce leaves out the number, or whether it is the last; next
// hands out a chunk that does not open.
func TestASealedStreamThatIsNotWholeIsRefusedByItsByte(t *testing.T) {
	const full = chunkSize + tagSize
	master := someKey(32, 1)
	data := noise(2*chunkSize + 1000) // three chunks
	sealed, other := sealedOf(t, data, master), sealedOf(t, noise(len(data)), master)
	second, third := envelopeSize+full, envelopeSize+2*full
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	head, a, b, c := sealed[:envelopeSize], sealed[envelopeSize:second], sealed[second:third], sealed[third:]
	cases := map[string]struct {
		sealed []byte
		at     int // the byte that the error names
		cut    int // how much was handed out
	}{
		"cut between chunks":     {join(head, a, b), third, chunkSize},
		"cut in the last chunk":  {sealed[:len(sealed)-1], third, 2 * chunkSize},
		"cut in its tag":         {sealed[:third+5], third, 2 * chunkSize},
		"cut behind the head":    {head, envelopeSize, 0},
		"cut in the head":        {head[:40], 40, 0},
		"empty":                  {nil, 0, 0},
		"two chunks swapped":     {join(head, b, a, c), envelopeSize, 0},
		"a chunk left out":       {join(head, a, c), second, chunkSize},
		"a chunk twice":          {join(head, a, a, b, c), second, chunkSize},
		"another stream's chunk": {join(head, a, other[second:third], c), second, chunkSize},
		"another stream's head":  {join(other[:envelopeSize], a, b, c), envelopeSize, 0},
		"more behind the end":    {join(sealed, []byte("x")), third, 2 * chunkSize},
		"twice":                  {join(sealed, sealed), third, 2 * chunkSize},
	}
	for name, c := range cases {
		got, err := unsealed(c.sealed, master)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint("byte ", c.at)) || len(got) != c.cut || !bytes.HasPrefix(data, got) {
			t.Errorf("%s: got %d bytes and %v, want %d and an error that names byte %d", name, len(got), err, c.cut, c.at)
		}
	}
	for range 300 {
		at := rand.IntN(len(sealed))
		got, err := unsealed(flipped(sealed, 8*at+rand.IntN(8)), master)
		begin := 0
		if at >= envelopeSize {
			begin = envelopeSize + (at-envelopeSize)/full*full
		}
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint("byte ", begin)) || !bytes.HasPrefix(data, got) {
			t.Errorf("a bit of byte %d flipped: got %d bytes and %v, want an error that names byte %d", at, len(got), err, begin)
		}
	}
}

// Breaks when: seal goes on after a failed write.
func TestASealedWriterStopsAtAFailedWrite(t *testing.T) {
	failure := errors.New("the disk is gone")
	w, err := newSealedWriter(&limited{room: envelopeSize + 10, err: failure}, someKey(32, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(noise(3 * chunkSize)); !errors.Is(err, failure) {
		t.Errorf("write: got %v, want %v", err, failure)
	}
	if err := w.Close(); !errors.Is(err, failure) {
		t.Errorf("close: got %v, want %v", err, failure)
	}
}

// limited takes so many bytes and then fails.
type limited struct {
	room int
	err  error
}

func (l *limited) Write(p []byte) (int, error) {
	if l.room -= len(p); l.room < 0 {
		return 0, l.err
	}
	return len(p), nil
}

// FuzzSealedReader hands any bytes to a reader as a sealed stream, behind any
// head and behind a right one.
func FuzzSealedReader(f *testing.F) {
	master := someKey(16, 1)
	data := noise(chunkSize + 50)
	sealed := sealedOf(f, data, master)
	f.Add(sealed, true)
	f.Add(sealed[envelopeSize:], false)
	f.Add(sealed[:len(sealed)-1], true)
	f.Add(sealedOf(f, nil, master), true)
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		if !whole {
			b = append(bytes.Clone(sealed[:envelopeSize]), b...)
		}
		got, err := unsealed(b, master)
		if err == nil && !bytes.Equal(b, sealed) && len(got) > 0 && bytes.Equal(b[:envelopeSize], sealed[:envelopeSize]) {
			t.Errorf("%d bytes that were never sealed were handed out", len(got))
		}
		if len(got) > len(b) {
			t.Errorf("%d bytes out of %d", len(got), len(b))
		}
	})
}
