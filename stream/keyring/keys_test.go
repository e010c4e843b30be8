package keyring_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
)

func masters(numbers ...byte) (m keyring.Masters) {
	for _, n := range numbers {
		m = append(m, bytes.Repeat([]byte{n}, 32))
	}
	return m
}

func open(t testing.TB, dir string, o keyring.Options) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ring.Close(); err != nil {
			t.Error(err)
		}
	})
	return ring
}

func mustKey(t testing.TB, keys stream.Keys, subject string) []byte {
	t.Helper()
	key, err := keys.Key(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestKeys holds for all that keep keys.
//
// Breaks when: Find makes a key; Key makes another one for who was forgotten; Forget
// leaves a subject without a key alone, or the key in the cache; a key is handed out
// without a copy; the context is not asked.
func TestKeys(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) stream.Keys{
		"in memory":   func(*testing.T) stream.Keys { return keyring.InMemory() },
		"on disk":     func(t *testing.T) stream.Keys { return open(t, t.TempDir(), keyring.Options{}) },
		"with master": func(t *testing.T) stream.Keys { return open(t, t.TempDir(), keyring.Options{Master: masters(1)}) },
		"two at once": func(t *testing.T) stream.Keys {
			dir := t.TempDir()
			return &turns{rings: []stream.Keys{open(t, dir, keyring.Options{}), open(t, dir, keyring.Options{})}}
		},
	} {
		t.Run(name, func(t *testing.T) { testKeys(t, make(t)) })
	}
}

// turns asks several rings of one directory in turn.
type turns struct {
	rings []stream.Keys
	at    int
}

func (t *turns) next() stream.Keys { t.at++; return t.rings[t.at%len(t.rings)] }

func (t *turns) Key(ctx context.Context, s string) ([]byte, error)  { return t.next().Key(ctx, s) }
func (t *turns) Find(ctx context.Context, s string) ([]byte, error) { return t.next().Find(ctx, s) }
func (t *turns) Forget(ctx context.Context, s string) error         { return t.next().Forget(ctx, s) }

func testKeys(t *testing.T, keys stream.Keys) {
	forgotten := func(subject, claim string) {
		t.Helper()
		for range 3 {
			if key, err := keys.Find(t.Context(), subject); !errors.Is(err, stream.ErrForgotten) || key != nil {
				t.Errorf("%s: found %x and %v, want ErrForgotten", claim, key, err)
			}
		}
	}
	forgotten("ann", "before it has a key")
	ann := mustKey(t, keys, "ann")
	if len(ann) != 32 || bytes.Equal(ann, make([]byte, 32)) {
		t.Errorf("got the key %x", ann)
	}
	if ben := mustKey(t, keys, "ben"); bytes.Equal(ann, ben) {
		t.Error("two have one key")
	}
	kept := bytes.Clone(ann)
	clear(ann) // it is ours
	for range 3 {
		found, err := keys.Find(t.Context(), "ann")
		if err != nil || !bytes.Equal(found, kept) || !bytes.Equal(mustKey(t, keys, "ann"), kept) {
			t.Errorf("found %x and %v, want %x", found, err, kept)
		}
	}
	for range 2 { // again, and one that never had a key
		for _, subject := range []string{"ann", "cid"} {
			if err := keys.Forget(t.Context(), subject); err != nil {
				t.Fatal(err)
			}
			forgotten(subject, "after it was forgotten")
			if key, err := keys.Key(t.Context(), subject); !errors.Is(err, stream.ErrForgotten) || key != nil {
				t.Errorf("%s got the key %x and %v after it was forgotten", subject, key, err)
			}
		}
	}
	if _, err := keys.Find(t.Context(), "ben"); err != nil {
		t.Errorf("another one was forgotten: %v", err)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	_, err1 := keys.Key(over, "dan")
	_, err2 := keys.Find(over, "ben")
	for _, err := range []error{err1, err2, keys.Forget(over, "ben")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the context is over", err)
		}
	}
	testKeysTogether(t, keys)
}

// testKeysTogether asks for one key, and forgets it, from many goroutines.
func testKeysTogether(t *testing.T, keys stream.Keys) {
	if _, one := keys.(*turns); one {
		return // takes turns, and may not be called concurrently
	}
	for round := range 10 {
		subject := fmt.Sprint("many/", round)
		var all sync.WaitGroup
		got := make([][]byte, 16)
		for i := range got {
			all.Go(func() { got[i] = mustKey(t, keys, subject) })
		}
		all.Wait()
		for _, key := range got {
			if !bytes.Equal(key, got[0]) {
				t.Fatalf("%s has the keys %x and %x", subject, key, got[0])
			}
		}
		for i := range got {
			all.Go(func() {
				if i%4 == 0 {
					if err := keys.Forget(t.Context(), subject); err != nil {
						t.Error(err)
					}
					if _, err := keys.Find(t.Context(), subject); !errors.Is(err, stream.ErrForgotten) {
						t.Errorf("found after it was forgotten: %v", err)
					}
				}
				if key, err := keys.Key(t.Context(), subject); !errors.Is(err, stream.ErrForgotten) && (err != nil || !bytes.Equal(key, got[0])) {
					t.Errorf("got %x and %v", key, err)
				}
			})
		}
		all.Wait()
	}
}

// TestAKeyOutlivesTheProcessAndAForgottenOneDoesNot, whichever ring of the directory
// forgets it: what others have in memory does not count.
// Breaks when: cached does not look at the file; Forget makes no tombstone.
func TestAKeyOutlivesTheProcessAndAForgottenOneDoesNot(t *testing.T) {
	dir := t.TempDir()
	first, other := open(t, dir, keyring.Options{}), open(t, dir, keyring.Options{})
	ann, ben := mustKey(t, first, "ann"), mustKey(t, first, "ben")
	if !bytes.Equal(ann, mustKey(t, other, "ann")) {
		t.Error("a second process has another key")
	}
	if err := first.Forget(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for claim, ring := range map[string]*keyring.Ring{"who had it in memory": other, "who opens later": open(t, dir, keyring.Options{})} {
		if _, err := ring.Key(t.Context(), "ann"); !errors.Is(err, stream.ErrForgotten) {
			t.Errorf("%s: got %v, want ErrForgotten", claim, err)
		}
		if !bytes.Equal(ben, mustKey(t, ring, "ben")) {
			t.Errorf("%s: another key than before", claim)
		}
	}
	if _, err := first.Find(t.Context(), "ben"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Error(err)
	}
}

// TestTheDirectoryHoldsNoForgottenKey, and under a master key none at all; nor any
// subject's name.
// Breaks when: destroy does not run; form.key stores the key as it is.
func TestTheDirectoryHoldsNoForgottenKey(t *testing.T) {
	for _, m := range []keyring.Masters{nil, masters(1)} {
		dir := t.TempDir()
		ring := open(t, dir, keyring.Options{Master: m})
		ann, ben := mustKey(t, ring, "person/ann"), mustKey(t, ring, "person/ben")
		if err := ring.Forget(t.Context(), "person/ann"); err != nil {
			t.Fatal(err)
		}
		all := everything(t, dir)
		for _, ban := range [][]byte{ann, []byte("person/ann"), []byte("person/ben")} {
			if bytes.Contains(all, ban) || bytes.Contains(all, []byte(hex.EncodeToString(ban))) {
				t.Errorf("%d masters: %q is in the directory", len(m), ban)
			}
		}
		if has := bytes.Contains(all, ben); has != (m == nil) {
			t.Errorf("%d masters: the key is in the directory: %v", len(m), has)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "work")); err != nil || len(left) > 0 {
			t.Errorf("left over: %v, %v", left, err)
		}
	}
}

// everything is the names and the bytes of all files of a directory.
func everything(t testing.TB, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		all = append(all, path...)
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestOnlyItsMasterKeysOpenAKeyring, one among others.
// Breaks when: checkStamp does not open the proof.
func TestOnlyItsMasterKeysOpenAKeyring(t *testing.T) {
	closed, plain := t.TempDir(), t.TempDir()
	ring := open(t, closed, keyring.Options{Master: masters(1)})
	ann := mustKey(t, ring, "ann")
	open(t, plain, keyring.Options{})
	for claim, c := range map[string]struct {
		dir  string
		m    keyring.Masters
		want error
	}{
		"the same":              {closed, masters(1), nil},
		"a newer one beside it": {closed, masters(2, 1), nil},
		"another":               {closed, masters(2, 3), keyring.ErrMaster},
		"none":                  {closed, nil, keyring.ErrMaster},
		"one too many":          {plain, masters(1), keyring.ErrMaster},
	} {
		again, err := keyring.Open(c.dir, keyring.Options{Master: c.m})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", claim, err, c.want)
		}
		if err != nil {
			continue
		}
		if got := mustKey(t, again, "ann"); !bytes.Equal(got, ann) {
			t.Errorf("%s: got the key %x, want %x", claim, got, ann)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := keyring.Open(t.TempDir(), keyring.Options{Master: keyring.Masters{[]byte("short")}}); err == nil {
		t.Error("a short master key was taken")
	}
	if got := fmt.Sprintf("%v %x %+v", masters(65), masters(65), keyring.Options{Master: masters(65)}); strings.Contains(got, "AAAA") || strings.Contains(got, "4141") || strings.Contains(got, "65 65") {
		t.Errorf("a master key is printed: %s", got)
	}
}

// TestAForeignDirectoryIsRefusedAndNotTouched.
// Breaks when: found does not look at what is there; checkStamp not at the format.
func TestAForeignDirectoryIsRefusedAndNotTouched(t *testing.T) {
	for name, text := range map[string]string{
		"THAW":       "thaw log, format 2\n",
		"notes.txt":  "mine",
		"KEYRING":    "thaw keyring, format 2\n",
		"ab/letters": "mine",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		before := everything(t, dir)
		if _, err := keyring.Open(dir, keyring.Options{}); !errors.Is(err, keyring.ErrForeign) {
			t.Errorf("%s: got %v, want ErrForeign", name, err)
		}
		if !bytes.Equal(everything(t, dir), before) {
			t.Errorf("%s: the directory was changed", name)
		}
	}
	if _, err := keyring.Open("", keyring.Options{}); err == nil {
		t.Error("a directory without a name was opened")
	}
}

// TestADamagedKeyIsAnErrorAndNotReplaced: whichever bit is wrong, whatever is missing,
// and if the file of another subject is in its place.
// Breaks when: form.open does not look at the checksum, or sum leaves out the name.
func TestADamagedKeyIsAnErrorAndNotReplaced(t *testing.T) {
	for _, m := range []keyring.Masters{nil, masters(1)} {
		dir := t.TempDir()
		ring := open(t, dir, keyring.Options{Master: m})
		ann := mustKey(t, ring, "ann")
		path := onlyFile(t, dir)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check := func(claim string, data []byte) {
			t.Helper()
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if key, err := ring.Key(t.Context(), "ann"); !errors.Is(err, keyring.ErrDamaged) || key != nil {
				t.Errorf("%s: got %x and %v, want ErrDamaged", claim, key, err)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
				t.Errorf("%s: the file was replaced", claim)
			}
		}
		for i := range whole {
			changed := bytes.Clone(whole)
			changed[i] ^= 1 << (i % 8)
			check(fmt.Sprintf("byte %d", i), changed)
			check(fmt.Sprintf("cut to %d", i), whole[:i])
		}
		check("longer", append(bytes.Clone(whole), 0))
		mustKey(t, ring, "ben")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		ben, err := os.ReadFile(onlyFile(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		check("another's", ben)
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := mustKey(t, ring, "ann"); !bytes.Equal(got, ann) {
			t.Errorf("got the key %x, want %x", got, ann)
		}
	}
}

// onlyFile is the one subject's file of a keyring.
func onlyFile(t testing.TB, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "??", strings.Repeat("?", 62)))
	if err != nil || len(found) != 1 {
		t.Fatalf("found the files %v, %v, want one", found, err)
	}
	return found[0]
}
