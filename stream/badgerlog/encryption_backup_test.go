package badgerlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// someLife is a log that has lived, under some keys.
func someLife(t *testing.T, keys [][]byte) *badgerlog.Log {
	l := &life{t: t, rng: rand.New(rand.NewPCG(11, 11)), keys: keys}
	l.log = open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced, Keys: keys}.SmallGenerations(50))
	l.live(100)
	return l.log
}

// TestABackupIsRestoredUnderAnyKey: the log that it becomes has the first of the
// keys that are given, or none, and the backup needs its own among them.
// Breaks when: restore does not unlock the directory; Backup is encrypted under
// another key than the first, or the log's own.
func TestABackupIsRestoredUnderAnyKey(t *testing.T) {
	for claim, c := range map[string]struct{ from, restore, opens [][]byte }{
		"encrypted, under the same key":            {keys(1), keys(1), keys(1)},
		"encrypted, under another":                 {keys(1), keys(2, 1), keys(2)},
		"plain, encrypted from now on":             {nil, keys(1), keys(1)},
		"plain, and still":                         {nil, nil, nil},
		"encrypted by a log that has had two keys": {keys(2, 1), keys(2), keys(2)},
	} {
		t.Run(claim, func(t *testing.T) {
			log := someLife(t, c.from)
			whole, first := backUp(t, log, stream.Cursor{})
			for range 5 {
				appendOne(t, log, noteID(1))
			}
			next, second := backUp(t, log, first.To)
			o := badgerlog.Options{Durability: badgerlog.Unsynced, Keys: c.restore}
			dir := filepath.Join(t.TempDir(), "restored")
			got, err := badgerlog.Restore(t.Context(), dir, o, readers(whole, next)...)
			if want := int64(len(whole) + len(next)); err != nil || first.Bytes+second.Bytes != want || !got.From.IsZero() || got.Bytes != want && first.Cut.IsZero() {
				t.Fatalf("restored %d bytes and %v, want %d", got.Bytes, err, want)
			}
			if again, err := badgerlog.VerifyBackup(t.Context(), o, readers(whole, next)...); err != nil || again.Events < got.Events {
				t.Errorf("verified %+v and %v, want %+v", again, err, got)
			}
			again := open(t, dir, badgerlog.Options{Keys: c.opens})
			sameAccount(t, accountOf(t, log), again)
			if err := again.Close(); err != nil {
				t.Error(err)
			}
			var refused *badgerlog.KeyError
			if _, err := badgerlog.Open(dir, badgerlog.Options{Keys: keys(9)}); !errors.As(err, &refused) && c.opens != nil {
				t.Errorf("with another key: got %v, want a KeyError", err)
			}
		})
	}
}

// TestAnEncryptedBackupIsReadWithItsKeyOnly: and nothing is made of it otherwise.
// Breaks when: openBackup makes a BackupError of what newSealedReader says.
func TestAnEncryptedBackupIsReadWithItsKeyOnly(t *testing.T) {
	log, plain := someLife(t, keys(1)), someLife(t, nil)
	sealed, _ := backUp(t, log, stream.Cursor{})
	open, b := backUp(t, plain, stream.Cursor{})
	for claim, c := range map[string]struct {
		keys    [][]byte
		backups [][]byte
		want    badgerlog.KeyError
		says    string
	}{
		"no key":         {nil, [][]byte{sealed}, badgerlog.KeyError{Backup: 1, Encrypted: true}, "backup 1: it is encrypted, and no key was given"},
		"another key":    {keys(2), [][]byte{sealed}, badgerlog.KeyError{Backup: 1, Encrypted: true, Given: 1}, "none of the 1 keys"},
		"the second one": {keys(2, 3), [][]byte{open, sealed}, badgerlog.KeyError{Backup: 2, Encrypted: true, Given: 2}, "backup 2"},
	} {
		t.Run(claim, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "restored")
			o := badgerlog.Options{Keys: c.keys}
			_, err := badgerlog.Restore(t.Context(), dir, o, readers(c.backups...)...)
			var got *badgerlog.KeyError
			if !errors.As(err, &got) || *got != c.want || !strings.Contains(err.Error(), c.says) {
				t.Errorf("restore: got %v, want a KeyError that says %q", err, c.says)
			}
			if _, err := badgerlog.VerifyBackup(t.Context(), o, readers(c.backups...)...); !errors.As(err, &got) || *got != c.want {
				t.Errorf("verify: got %v, want the same", err)
			}
			if found, err := filepath.Glob(dir); err != nil || len(found) > 0 {
				t.Errorf("the directory was made: %v", err)
			}
		})
	}
	if got, err := badgerlog.VerifyBackup(t.Context(), badgerlog.Options{Keys: keys(1)}, readers(open)...); err != nil || got.Events != b.Events {
		t.Errorf("a plain backup, with keys: got %+v and %v, want %+v", got, err, b)
	}
}

// Breaks when: directoryToRead settles: the log would be moved to the first key.
func TestALogIsReadUnderAnOlderKeyAndNotMoved(t *testing.T) {
	for _, killed := range []bool{false, true} {
		dir, want := lived(t, killed, keys(1)...)
		before := files(t, dir)
		var refused *badgerlog.KeyError
		for _, wrong := range [][][]byte{nil, keys(2)} {
			if _, err := badgerlog.Open(dir, badgerlog.Options{ReadOnly: true, Keys: wrong}); !errors.As(err, &refused) {
				t.Errorf("with %d other keys: got %v, want a KeyError", len(wrong), err)
			}
		}
		log := open(t, dir, badgerlog.Options{ReadOnly: true, Keys: keys(2, 1)}.SmallFiles())
		checkReadOnly(t, log, want)
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Errorf("the directory has changed (-before +after)\n%s", diff)
		}
	}
}

// Breaks when: Keys has no Format, or no MarshalText; openLog keeps the keys in
// the log's options.
func TestKeysAreNotPrinted(t *testing.T) {
	secret := []byte("a very secret key of 32 letters.")
	o := badgerlog.Options{Keys: [][]byte{secret}}
	log := open(t, t.TempDir(), o)
	if err := log.Close(); err != nil { // nobody changes what is printed
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o"} {
		for _, what := range []any{o, &o, o.Keys} {
			fmt.Fprintf(&printed, verb+"\n", what)
		}
	}
	fmt.Fprintf(&printed, "%v %+v %#v", log, log, log)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("opened", "options", o, "keys", o.Keys)
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("opened", "options", o, "keys", o.Keys)
	text, err := json.Marshal(o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(text)
	for _, shown := range []string{
		string(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint(secret), "[]"),
		strings.Trim(fmt.Sprintf("%o", secret), "[]"), "0x61, 0x20", "YSB2ZXJ5",
	} {
		if strings.Contains(printed.String(), shown) {
			t.Errorf("a key is printed as %q", shown)
		}
	}
	if !strings.Contains(printed.String(), "[1 keys]") {
		t.Error("the number of keys is not printed")
	}
}
