package badgerlog

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// damagedLog is the log of whole, 120 events in blocks of ten, with two damaged
// blocks, 11 to 20 and 61 to 70, one missing, 31 to 40, and two damaged entries
// of the stream t/k1: the second and the last.
func damagedLog(t *testing.T) *Log {
	t.Helper()
	dir, id := whole(t), stream.ID{Topic: "t", Key: "k1"}
	tamper(t, dir, func(txn *badger.Txn) error {
		flip := func(b []byte) { b[0] ^= 1 }
		keys := entryKeys(txn, id)
		return errors.Join(
			change(txn, blockKey(20), flip), change(txn, blockKey(70), flip), txn.Delete(blockKey(40)),
			change(txn, keys[1], flip), change(txn, keys[len(keys)-1], flip))
	})
	log, err := Open(dir, Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

// entryKeys are the keys of a stream's entries, in order.
func entryKeys(txn *badger.Txn, id stream.ID) (keys [][]byte) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: streamKeys(id)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		keys = append(keys, it.Item().KeyCopy(nil))
	}
	return keys
}

// skipping reads and goes on behind each damage it is told of; it returns what was
// read and what was left out. A following read ends at the position until.
func skipping(t *testing.T, log *Log, q stream.Query, until stream.Position) (read []stream.Position, left [][2]stream.Position) {
	t.Helper()
	for range 100 {
		ctx, stop := context.WithCancel(t.Context())
		err := log.Read(ctx, q, func(records []stream.Record, m stream.Mark) error {
			for i := range records {
				read = append(read, records[i].Position)
			}
			if m.At.Position(0) >= until {
				stop()
			}
			return nil
		})
		stop()
		var corrupt *stream.CorruptError
		if !errors.As(err, &corrupt) {
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return read, left
		}
		if corrupt.Last < corrupt.Position {
			t.Fatalf("got %v up to %d, want the last position that can not be read", err, corrupt.Last)
		}
		left = append(left, [2]stream.Position{corrupt.Position, corrupt.Last})
		q.From = stream.At(corrupt.Last)
	}
	t.Fatal("reading on behind the damage leads to the same damage")
	return nil, nil
}

// except are the positions from 1 to last that are selected and in none of the
// ranges.
func except(last stream.Position, left [][2]stream.Position, selected func(stream.Position) bool) (list []stream.Position) {
	for p := stream.Position(1); p <= last; p++ {
		inside := func(r [2]stream.Position) bool { return r[0] <= p && p <= r[1] }
		if selected(p) && !slices.ContainsFunc(left, inside) {
			list = append(list, p)
		}
	}
	return list
}

// TestADamagedBlockIsSkippedKnowinglyAndNothingElseIs: each kind of read names
// what it can not read, and goes on behind it with everything else.
// Breaks when: handBlock names the end of the next whole block for a missing one,
// or handVersions reads entries in which nothing is asked for.
func TestADamagedBlockIsSkippedKnowinglyAndNothingElseIs(t *testing.T) {
	log := damagedLog(t)
	blocks := [][2]stream.Position{{11, 20}, {31, 40}, {61, 70}}
	all := func(stream.Position) bool { return true }
	ofK1 := func(p stream.Position) bool { return (p-1)/2%4 == 1 } // two events each for four streams in turn
	k1 := []stream.Match{{Topic: "t", Key: "k1"}}
	for name, c := range map[string]struct {
		query    stream.Query
		selected func(stream.Position) bool
		left     [][2]stream.Position
	}{
		"cold":                    {stream.Query{}, all, blocks},
		"following":               {stream.Query{Follow: true}, all, blocks},
		"a topic":                 {stream.Query{Match: []stream.Match{{Topic: "t"}}}, all, blocks},
		"one instance":            {stream.Query{Match: k1}, ofK1, [][2]stream.Position{{11, 26}, {115, 120}}},
		"one instance, following": {stream.Query{Match: k1, Follow: true}, ofK1, [][2]stream.Position{{11, 26}, {115, 120}}},
	} {
		t.Run(name, func(t *testing.T) {
			read, left := skipping(t, log, c.query, 120)
			if !slices.Equal(left, c.left) {
				t.Errorf("left out %v, want %v", left, c.left)
			}
			if want := except(120, left, c.selected); !slices.Equal(read, want) {
				t.Errorf("read %v, want %v", read, want)
			}
		})
	}
}

// raw leaves payloads as they are.
type raw []byte

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.(raw), nil }
func (rawCodec) Unmarshal(data []byte, into any) error {
	*into.(*raw) = append(raw(nil), data...)
	return nil
}

// TestAConsumerStopsAtDamageUntilItsPlaceIsMovedBehindIt: it stops before the same
// event each time, its place stays there, and once somebody moves it, it goes on.
// Breaks when: as above, or a reader's mark runs ahead of what it handed over.
func TestAConsumerStopsAtDamageUntilItsPlaceIsMovedBehindIt(t *testing.T) {
	log := damagedLog(t)
	topic := stream.NewTopicWith("t", stream.Catalogue[raw]{"T": nil}, stream.TopicOptions[raw]{Codec: rawCodec{}})
	const name, begin = "late", 3
	if err := log.SaveCursor(t.Context(), name, stream.At(begin)); err != nil {
		t.Fatal(err)
	}
	var got []stream.Position
	run := func() error {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		sub := stream.Subscription{Consumer: name, Mark: func(m stream.Mark) error {
			if m.At.Position(0) >= 120 {
				defer stop()
			}
			return log.SaveCursor(t.Context(), name, m.At)
		}}
		return replay.Hot(log, topic).Subscribe(ctx, sub, func(e *stream.Event[raw]) error {
			got = append(got, e.Position)
			return nil
		})
	}
	damage := [][2]stream.Position{{11, 20}, {31, 40}, {61, 70}}
	for _, d := range damage {
		for range 2 { // the same again, as long as nobody does anything
			var corrupt *stream.CorruptError
			if err := run(); !errors.As(err, &corrupt) || corrupt.Position != d[0] || corrupt.Last != d[1] {
				t.Fatalf("got %v, want a CorruptError from %d to %d", err, d[0], d[1])
			}
			if at, _, err := log.Cursor(t.Context(), name); err != nil || at.Position(0) != d[0]-1 {
				t.Fatalf("the consumer is at %s, want it before position %d: %v", at, d[0], err)
			}
		}
		if err := log.SaveCursor(t.Context(), name, stream.At(d[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it reached the head", err)
	}
	if want := except(120, damage, func(p stream.Position) bool { return p > begin }); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestVerifyNamesEveryDamagedPlaceAndTellsItsProgress: not only the first.
// Breaks when: walkLog returns at its first finding.
func TestVerifyNamesEveryDamagedPlaceAndTellsItsProgress(t *testing.T) {
	log := damagedLog(t)
	var done, all uint64
	err := log.Verify(t.Context(), func(d, total uint64) { done, all = d, total })
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want several errors joined", err)
	}
	places := map[[2]stream.Position]bool{}
	for _, e := range joined.Unwrap() {
		var corrupt *stream.CorruptError
		if !errors.As(e, &corrupt) {
			t.Errorf("got %v, want a CorruptError", e)
			continue
		}
		places[[2]stream.Position{corrupt.Position, corrupt.Last}] = true
	}
	for _, want := range [][2]stream.Position{{11, 20}, {31, 40}, {61, 70}, {11, 0}, {115, 0}} {
		if !places[want] {
			t.Errorf("positions %d to %d are damaged, and not among %v", want[0], want[1], places)
		}
	}
	if done != all || all != 240 {
		t.Errorf("it ended at %d of %d, want 240 of 240", done, all)
	}
}

// TestAnEntryOfAnotherStreamIsNotTakenForAnEmptyOne: two streams' entries have
// changed places, each of them whole, as when files of the value log have.
// Breaks when: handVersions does not compare the stream, whose events the query
// then leaves out without a word; or walkStreams does not.
func TestAnEntryOfAnotherStreamIsNotTakenForAnEmptyOne(t *testing.T) {
	dir := whole(t)
	ids := []stream.ID{{Topic: "t", Key: "k1"}, {Topic: "t", Key: "k2"}}
	tamper(t, dir, func(txn *badger.Txn) error {
		var values [2][]byte
		var keys [2][]byte
		for i, id := range ids {
			keys[i] = entryKeys(txn, id)[0]
			value, err := getValue(txn, keys[i])
			if err != nil {
				return err
			}
			values[i] = value
		}
		return errors.Join(txn.Set(keys[0], values[1]), txn.Set(keys[1], values[0]))
	})
	log, err := Open(dir, Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	var corrupt *stream.CorruptError
	for _, id := range ids {
		_, left := skipping(t, log, stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}, 120)
		if len(left) != 1 {
			t.Errorf("%s: %d parts are reported, want one", id, len(left))
		}
	}
	if err := log.Verify(t.Context(), nil); !errors.As(err, &corrupt) {
		t.Errorf("verify: got %v, want a CorruptError", err)
	}
}
