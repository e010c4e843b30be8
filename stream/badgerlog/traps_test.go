package badgerlog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// appendUntil has writers append until stop is set, each to streams of its own.
func appendUntil(t *testing.T, log *Log, stop *atomic.Bool, writers int) *sync.WaitGroup {
	t.Helper()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := stream.ID{Topic: "t", Key: fmt.Sprint("k", w, "-", i%5)}
				command := stream.NewID()
				if _, err := log.Append(t.Context(), id, stream.AnyVersion, one(command), one(command)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return &all
}

// TestNoReaderSeesHalfOfATransaction: while the database is written to, what a
// section finds there ends where it should: the last block, what is said to be
// applied, and the events of all streams together.
// Breaks when: beginWith reads at the highest timestamp, where the database shows
// what of a transaction it has come to.
func TestNoReaderSeesHalfOfATransaction(t *testing.T) {
	log, err := Open(t.TempDir(), Options{Durability: Unsynced}.SmallGenerations(40))
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	all := appendUntil(t, log, &stop, 8)
	seen := map[uint64]bool{}
	for len(seen) < 60 && !t.Failed() {
		s, err := log.reads.begin(log)
		if err != nil {
			t.Fatal(err)
		}
		seen[s.ts] = true
		sectionIsWhole(t, log, s)
		s.end()
	}
	stop.Store(true)
	all.Wait()
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

func sectionIsWhole(t *testing.T, log *Log, s *section) {
	t.Helper()
	var total applied
	sealed, err := s.get(appliedKey)
	if err == nil && sealed != nil {
		total, err = decodeApplied(sealed)
	}
	if err != nil || total.last != s.stored {
		t.Errorf("at %d the database says that it has events up to %d, want %d: %v", s.ts, total.last, s.stored, err)
	}
	v := &verification{log: log, ctx: t.Context(), section: s}
	for _, prefix := range []byte{blockPrefix, streamPrefix} {
		events, last := uint64(0), uint64(0)
		err := v.each(prefix, func(_, value []byte) {
			if err := eachFrame(value, &v.plain, func(f *frame) { events, last = events+1, max(last, f.position) }); err != nil {
				t.Error(err)
			}
		})
		if err != nil || events != uint64(s.stored) || last != events {
			t.Errorf("at %d there are %d events up to %d under %q, want %d: %v", s.ts, events, last, prefix, s.stored, err)
		}
	}
}

// TestVeryManyStreamsWithACommandEachFitTheirTransactions: the database takes only
// so many entries in one, whatever their size.
// Breaks when: generation.takes does not weigh what a commit adds.
func TestVeryManyStreamsWithACommandEachFitTheirTransactions(t *testing.T) {
	log, err := Open(t.TempDir(), Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 64, 300
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				id := stream.ID{Topic: "t", Key: fmt.Sprint(strings.Repeat("k", i%50), w, "-", i)}
				if _, err := log.Append(t.Context(), id, 0, one(stream.NewID())); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(log.Verify(t.Context(), nil), log.Close()); err != nil {
		t.Error(err)
	}
}

// TestOnlyTheLastTransactionMayReadAsTorn: in the newest file of the value log the
// database zeroes whatever stands behind the first entry that it can not read.
// Breaks when: checkLog does not ask what was synced: an entry of the transaction
// before the last that is damaged then takes the last one with it.
func TestOnlyTheLastTransactionMayReadAsTorn(t *testing.T) {
	file := func(entries ...[]byte) (data []byte) {
		data = make([]byte, logHeaderSize)
		for _, e := range entries {
			data = append(data, e...)
		}
		return append(data, make([]byte, 5000)...)
	}
	entry := func(ts uint64) []byte { return logEntryOf([]byte("b12345678"), []byte("value"), ts) }
	damaged := func(ts uint64) []byte {
		b := entry(ts)
		b[len(b)-6] ^= 1
		return b
	}
	for name, c := range map[string]struct {
		data   []byte
		synced uint64
		whole  bool
	}{
		"nothing is damaged":                                {file(entry(1), entry(2)), 2, true},
		"the last one, which was being written":             {file(entry(1), damaged(2), entry(2)), 1, true},
		"the last one, of which the end is gone":            {file(entry(1), entry(2)[:20]), 1, true},
		"the last one, which was synced":                    {file(entry(1), damaged(2), entry(2)), 2, false},
		"the one before, and the last one was synced":       {file(entry(1), damaged(2), entry(3)), 3, false},
		"an early one, and others follow":                   {file(damaged(1), entry(2), entry(3)), 0, false},
		"all of the one before the last, which is torn too": {file(entry(1), damaged(2), entry(3), damaged(3)), 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := (&databaseLog{data: c.data}).check(c.synced); (err == nil) != c.whole {
				t.Errorf("got %v, want it taken for whole: %v", err, c.whole)
			}
		})
	}
}

// TestALogWhoseLastBlockIsDamagedOpensAndNamesIt: everything else can be read, and
// is gone on with.
// Breaks when: findEnd returns an error for a block that it only asks for a time.
func TestALogWhoseLastBlockIsDamagedOpensAndNamesIt(t *testing.T) {
	dir := whole(t)
	tamper(t, dir, func(txn *badger.Txn) error {
		return change(txn, blockKey(120), func(b []byte) { b[0] ^= 1 })
	})
	log, err := Open(dir, Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	got, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "k1"}, 30, one(stream.EventID{}))
	if err != nil || got[0].Position != 121 || got[0].Time.Before(before.Add(-time.Second)) {
		t.Errorf("append: got %v, %v, want position 121, now", got, err)
	}
	read, left := skipping(t, log, stream.Query{}, 121)
	if len(read) != 111 || len(left) != 1 || left[0] != [2]stream.Position{111, 120} {
		t.Errorf("%d events were read, and %v left out, want 111 to 120", len(read), left)
	}
	var corrupt *stream.CorruptError
	if err := log.Verify(t.Context(), nil); !errors.As(err, &corrupt) || corrupt.Position != 111 {
		t.Errorf("verify: got %v, want a CorruptError at 111", err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

// TestDamageToTheNewestValueLogCostsWhatIsDamagedOnly: the database would zero
// everything behind it.
// Breaks when: checkLogs does not shield the file, or checkLog does not ask what
// was synced.
func TestDamageToTheNewestValueLogCostsWhatIsDamagedOnly(t *testing.T) {
	for which, s := range map[string]*specimen{"closed": closedLog(t), "killed": killedLog(t)} {
		t.Run(which, func(t *testing.T) {
			x := &examiner{t: t}
			var name string
			for _, n := range s.files.names(".vlog") {
				if used(s.files[n]) > logHeaderSize {
					name = n
				}
			}
			im := image{}
			for n, data := range s.files { // so that it is the newest
				if filepath.Ext(n) != ".vlog" || n <= name {
					im[n] = data
				}
			}
			middle := used(im[name]) / 2
			damaged := im.with(name, flipped(im[name], 8*middle))
			readUnchanged(t, damaged)
			r, _ := x.ask(damaged, Synced, s.truth)
			if r.Refused != "" || len(r.Wrong) > 0 || len(r.Found) > 8 {
				t.Errorf("got refused %q, wrong %q, found %q; want one block and one entry of a stream at most to be lost", r.Refused, r.Wrong, r.Found)
			}
		})
	}
}

// readUnchanged opens a log for reading only, which must leave it as it is.
// Breaks when: shield makes its file all the same.
func readUnchanged(t *testing.T, im image) {
	t.Helper()
	dir := im.write(t)
	log, err := Open(dir, Options{ReadOnly: true, Keys: specimenKeys}.SmallFiles())
	if err == nil {
		err = log.Close()
	}
	if err != nil {
		t.Error(err)
	}
	if after, _ := readImage(t, dir); !maps.EqualFunc(im, after, bytes.Equal) {
		t.Errorf("got files %q, want %q, and none changed", after.names(""), im.names(""))
	}
}
