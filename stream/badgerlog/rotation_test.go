package badgerlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// keyOf is a list of keys by their numbers.
func keysOf(numbers ...byte) (all [][]byte) {
	for _, n := range numbers {
		all = append(all, someKey(32, n))
	}
	return all
}

// keyFileCalls are those that write a key file, in order.
var keyFileCalls = []string{"keys.write", "keys.sync", "keys.rename", "keys.syncdir"}

// A rotation that fails, or is killed, at any call leaves a log that opens with
// one of the two keys, and with both, and has everything in it. The files are
// looked at before each call, as if the process was killed there; the file that is
// being written may be torn.
// Breaks when: settle writes the key file in its place instead of beside it;
// replaceFile renames before it syncs (seen by the torn file).
func TestARotationKilledOrFailedAtAnyCallLosesNothing(t *testing.T) {
	for _, fails := range keyFileCalls {
		t.Run(fails, func(t *testing.T) {
			dir := t.TempDir()
			writeEvents(t, dir, Options{Keys: keysOf(1)}, 20)
			var killed image
			synced := false
			o := Options{Keys: keysOf(2, 1)}
			o.seams.fault = func(call string) error {
				synced = synced || call == "keys.rename"
				if call != fails {
					return nil
				}
				killed, _ = readImage(t, dir)
				return errors.New("the disk is gone")
			}
			if log, err := Open(dir, o); err == nil {
				t.Error("the rotation failed, and the log was opened")
				_ = log.Close()
			}
			opensWithOneOf(t, dir, fails == "keys.syncdir")
			opensWithOneOf(t, killed.write(t), fails == "keys.syncdir")
			if !synced {
				opensWithOneOf(t, tornAttempt(killed).write(t), false)
			}
		})
	}
}

// tornAttempt cuts the file that was to become the key file.
func tornAttempt(im image) image {
	for name, data := range im {
		if len(name) > len(keyFileName) && name[:len(keyFileName)+1] == keyFileName+"." {
			torn := make([]byte, rand.IntN(2*keyFilePage))
			copy(torn, data[:min(len(data), rand.IntN(2*keyFilePage))])
			im = im.with(name, torn)
		}
	}
	return im
}

// opensWithOneOf fails unless a log opens with key 1, or if it is rotated with
// key 2, and not with the other; with both it opens, and then with key 2 only.
func opensWithOneOf(t *testing.T, dir string, rotated bool) {
	t.Helper()
	fits, other := byte(1), byte(2)
	if rotated {
		fits, other = 2, 1
	}
	for _, c := range []struct {
		keys  [][]byte
		opens bool
	}{{keysOf(other), false}, {keysOf(fits), true}, {keysOf(2, 1), true}, {keysOf(1), false}, {keysOf(2), true}} {
		log, err := Open(dir, Options{Keys: c.keys})
		var refused *KeyError
		if err != nil && !errors.As(err, &refused) || (err == nil) != c.opens {
			t.Fatalf("opened with key %d of %d: got %v, want that it opens: %v", c.keys[0][0], len(c.keys), err, c.opens)
		}
		if err != nil {
			continue
		}
		if all := everything(t, log); len(all) != 20 {
			t.Errorf("found %d events, want 20", len(all))
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
	if im, _ := readImage(t, dir); len(im.attempts()) > 0 {
		t.Errorf("%v are left", im.attempts())
	}
}

// attempts are the files that were to become a key file.
func (im image) attempts() (names []string) {
	for name := range im {
		if len(name) > len(keyFileName) && name[:len(keyFileName)+1] == keyFileName+"." {
			names = append(names, name)
		}
	}
	return names
}

func writeEvents(t *testing.T, dir string, o Options, n int) {
	t.Helper()
	log, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := stream.Record{Header: stream.Header{Type: "T", Schema: 1}, Data: fmt.Append(nil, i)}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "k"}, stream.AnyVersion, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// A log whose making fails, or is killed, while its key file is written is made
// with the next key that is given: nothing was in it.
// Breaks when: settle comes after openBadger; begun counts what is left of an
// attempt.
func TestALogKilledWhileItsKeyFileIsMadeIsEmptyOrHasItsKey(t *testing.T) {
	for _, fails := range keyFileCalls {
		dir := t.TempDir()
		var killed image
		o := Options{Keys: keysOf(1)}
		o.seams.fault = func(call string) error {
			if call == fails {
				killed, _ = readImage(t, dir)
				return errors.New("the disk is gone")
			}
			return nil
		}
		if log, err := Open(dir, o); err == nil {
			t.Errorf("%s failed, and the log was opened", fails)
			_ = log.Close()
		}
		for _, dir := range []string{dir, killed.write(t)} {
			next := keysOf(2)
			if fails == "keys.syncdir" {
				next = keysOf(1) // the file is in its place
			}
			writeEvents(t, dir, Options{Keys: next}, 3)
			if im, _ := readImage(t, dir); len(im.attempts()) > 0 {
				t.Errorf("%s: %v are left", fails, im.attempts())
			}
		}
	}
}
