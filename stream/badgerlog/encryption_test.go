package badgerlog_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// keys are master keys of 32 bytes, told apart by numbers.
func keys(numbers ...byte) (all [][]byte) {
	for _, n := range numbers {
		all = append(all, bytes.Repeat([]byte{n}, 32))
	}
	return all
}

// filesOf are the files of a directory.
func filesOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// secretWords stand in every part of what a user stores.
var secretWords = []string{
	"topicWord", "instanceWord", "typeWord", "metaNameWord", "metaValueWord", "payloadWord",
	"consumerWord", "stateNameWord", "stateValueWord",
}

// tellSecrets stores each of the words, some in the database and some in the
// journal only.
func tellSecrets(t *testing.T, log *badgerlog.Log) {
	t.Helper()
	id := stream.ID{Topic: "topicWord", Key: "instanceWord"}
	for range 25 {
		_, err := log.Append(t.Context(), id, stream.AnyVersion, stream.Record{
			Header: stream.Header{Type: "typeWord", Schema: 1, Command: stream.NewID(), Meta: map[string]string{"metaNameWord": "metaValueWord"}},
			Data:   []byte("payloadWord " + strings.Repeat("payloadWord", 40)),
		})
		if err != nil {
			t.Fatal(err)
		}
		head, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Checkpoint(t.Context(), "consumerWord", head, stream.Change{Key: "stateNameWord", Value: []byte("stateValueWord")}); err != nil {
			t.Fatal(err)
		}
	}
}

// The same words are looked for in a plain log, where each is found.
// Breaks when: openBadger is not given the key, or openJournal is not; seal writes
// to the file itself.
func TestNothingStoredIsInPlainTextInAnyFile(t *testing.T) {
	secret := keys(1)
	found := func(dir, when string) map[string]bool {
		shown := map[string]bool{}
		for name, data := range filesOf(t, dir) {
			for _, word := range append(secretWords, string(secret[0])) {
				if strings.Contains(data, word) {
					shown[word] = true
					t.Logf("%s, %s shows %q", when, name, word)
				}
			}
		}
		return shown
	}
	// Of what is not in the directory: a backup, and the view that a killed log is read by.
	elsewhere := func(t *testing.T, log *badgerlog.Log, o badgerlog.Options) map[string]bool {
		dir, killed, view := t.TempDir(), filepath.Join(t.TempDir(), "killed"), t.TempDir()
		backup, _ := backUp(t, log, stream.Cursor{})
		if err := os.WriteFile(filepath.Join(dir, "backup"), backup, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(killed, os.DirFS(log.Dir())); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", view) // where views are made
		t.Setenv("TMP", view)
		reader := open(t, killed, badgerlog.Options{ReadOnly: true, Keys: o.Keys})
		if n := readAll(t, reader); n != 25 {
			t.Errorf("the killed log has %d events, want 25", n)
		}
		views, err := os.ReadDir(view)
		if err != nil || len(views) != 1 {
			t.Fatalf("there are %d views, want one: %v", len(views), err)
		}
		shown := found(dir, "the backup")
		maps.Copy(shown, found(filepath.Join(view, views[0].Name()), "the view"))
		return shown
	}
	for name, o := range map[string]badgerlog.Options{"plain": {}, "encrypted": {Keys: secret}, "encrypted, compressed": {Keys: secret, Compress: true}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log := open(t, dir, o.SmallGenerations(10))
			tellSecrets(t, log)
			shown := found(dir, "while it is written to") // as it would be if it was killed now
			other := elsewhere(t, log, o)
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			closed, all := found(dir, "closed"), len(secretWords)
			switch {
			case len(o.Keys) > 0 && len(shown)+len(closed)+len(other) > 0:
				t.Errorf("an encrypted log shows %v, once it is closed %v, and elsewhere %v", shown, closed, other)
			case len(o.Keys) == 0 && (len(shown) != all || len(closed) != all || len(other) != all):
				t.Errorf("a plain log shows %v, once it is closed %v, and elsewhere %v: the search proves too little", shown, closed, other)
			}
		})
	}
}

// readAll counts the events that a log hands out.
func readAll(t *testing.T, log *badgerlog.Log) (events int) {
	t.Helper()
	err := log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		events += len(records)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Breaks when: openEnvelope takes what does not open for a key; findNoSecrets
// makes a key file in a log that is not encrypted.
func TestALogOpensWithItsKeyOnlyAndIsNotTouchedOtherwise(t *testing.T) {
	plain, encrypted := t.TempDir(), t.TempDir()
	for dir, keys := range map[string][][]byte{plain: nil, encrypted: keys(1)} {
		log := open(t, dir, badgerlog.Options{Keys: keys})
		appendOne(t, log, noteID(1))
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for claim, c := range map[string]struct {
		dir  string
		keys [][]byte
		want badgerlog.KeyError
		says string
	}{
		"no key":           {encrypted, nil, badgerlog.KeyError{Dir: encrypted, Encrypted: true}, "no key was given"},
		"another key":      {encrypted, keys(2), badgerlog.KeyError{Dir: encrypted, Encrypted: true, Given: 1}, "none of the 1 keys"},
		"other keys":       {encrypted, keys(2, 3), badgerlog.KeyError{Dir: encrypted, Encrypted: true, Given: 2}, "none of the 2 keys"},
		"a shorter key":    {encrypted, [][]byte{keys(1)[0][:16]}, badgerlog.KeyError{Dir: encrypted, Encrypted: true, Given: 1}, "none of the 1 keys"},
		"a key it has not": {plain, keys(1), badgerlog.KeyError{Dir: plain, Given: 1}, "not encrypted"},
	} {
		before := filesOf(t, c.dir)
		_, err := badgerlog.Open(c.dir, badgerlog.Options{Keys: c.keys})
		var got *badgerlog.KeyError
		if !errors.As(err, &got) || *got != c.want || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.dir) {
			t.Errorf("%s: got %v, want a KeyError that says %q and names the directory", claim, err, c.says)
		}
		after := filesOf(t, c.dir)
		for name := range before {
			if after[name] != before[name] {
				t.Errorf("%s: %s was changed", claim, name)
			}
		}
		if len(after) != len(before) {
			t.Errorf("%s: there are %d files, and there were %d", claim, len(after), len(before))
		}
	}
	for dir, keys := range map[string][][]byte{plain: nil, encrypted: keys(1)} {
		if n := readAll(t, open(t, dir, badgerlog.Options{Keys: keys})); n != 1 {
			t.Errorf("found %d events, want 1", n)
		}
	}
}

func TestAKeyHas16Or24Or32Bytes(t *testing.T) {
	for n := range 40 {
		dir := t.TempDir()
		log, err := badgerlog.Open(dir, badgerlog.Options{Keys: [][]byte{make([]byte, n)}})
		if fits := n == 16 || n == 24 || n == 32; fits != (err == nil) {
			t.Errorf("a key of %d bytes: got %v", n, err)
		}
		if err != nil {
			continue
		}
		appendOne(t, log, noteID(1))
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Breaks when: findSecrets does not ask for a rewrite if an older key fits; settle
// writes under the last of the keys.
func TestARotatedLogOpensWithTheNewKeyOnly(t *testing.T) {
	dir := t.TempDir()
	written := 0
	for _, c := range []struct{ opens, refused [][]byte }{
		{keys(1), keys(2)},
		{keys(2, 1), keys(1)},             // the first rotation
		{keys(2), keys(1)},                // and no need of the old key
		{keys(2, 1), keys(1)},             // which does no harm
		{keys(4, 3, 2, 1), keys(3, 2, 1)}, // past a key that it never had
		{[][]byte{keys(5)[0][:16], keys(4)[0]}, keys(4)},
		{append([][]byte{keys(6)[0][:24]}, keys(5)[0][:16]), append(keys(4, 5), keys(5)[0][:16])},
	} {
		log := open(t, dir, badgerlog.Options{Keys: c.opens}.SmallGenerations(5))
		if n := readAll(t, log); n != written {
			t.Fatalf("found %d events, want %d", n, written)
		}
		for range 12 {
			appendOne(t, log, noteID(1))
			written++
		}
		if err := errors.Join(log.Verify(context.Background(), nil), log.Close()); err != nil {
			t.Fatal(err)
		}
		var refused *badgerlog.KeyError
		if _, err := badgerlog.Open(dir, badgerlog.Options{Keys: c.refused}); !errors.As(err, &refused) {
			t.Errorf("after a rotation the old keys open it: %v", err)
		}
	}
}

// What the key file says is nothing that the next rotation leaves: the log's own
// key is closed anew each time, under another nonce.
func TestAKeyFileIsNeverWrittenTheSameTwice(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for _, k := range [][][]byte{keys(1), keys(2, 1), keys(1, 2)} {
		log := open(t, dir, badgerlog.Options{Keys: k})
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		data := filesOf(t, dir)["KEYS"]
		if seen[data] || data == "" {
			t.Errorf("the key file is %s, as it was before", hex.EncodeToString([]byte(data[:min(len(data), 76)])))
		}
		seen[data] = true
	}
}
