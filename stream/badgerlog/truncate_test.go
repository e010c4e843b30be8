package badgerlog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// after is what is left of records after a cut.
func after(records []stream.Record, cut stream.Cursor) []stream.Record {
	return records[cut.Position(0):]
}

func read(t testing.TB, log *badgerlog.Log, q stream.Query) ([]stream.Record, error) {
	t.Helper()
	var found []stream.Record
	err := log.Read(t.Context(), q, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			r.Data = append([]byte(nil), r.Data...)
			found = append(found, r)
		}
		return nil
	})
	return found, err
}

// truncated is a log of which the first part was removed, and what it had.
func truncated(t testing.TB, dir string, o badgerlog.Options) (*badgerlog.Log, []stream.Record, stream.Cursor) {
	t.Helper()
	log := open(t, dir, o)
	records := foreign(6000)
	if _, err := log.Import(t.Context(), each(records), badgerlog.ImportOptions{KeepPositions: true, KeepTimes: true}); err != nil {
		t.Fatal(err)
	}
	cut, err := log.Truncate(t.Context(), stream.At(4321))
	if err != nil {
		t.Fatal(err)
	}
	if p := cut.Position(0); p > 4321 || p < 3000 {
		t.Fatalf("got a cut at %d, want it at 4321 or one block before", p)
	}
	return log, records, cut
}

// TestWhatWasTruncatedIsMissedByName: no reader takes a part for the whole, now
// and after the log is opened again.
// Breaks when: step does not ask for the cut, or handVersions takes any first
// version.
func TestWhatWasTruncatedIsMissedByName(t *testing.T) {
	dir := t.TempDir()
	o := badgerlog.Options{}.SmallGenerations(500)
	log, records, cut := truncated(t, dir, o)
	for _, when := range []string{"at once", "opened again"} {
		t.Run(when, func(t *testing.T) {
			for _, q := range []stream.Query{{}, {From: stream.At(cut.Position(0) - 1)}, {Follow: true}, {Match: []stream.Match{{Topic: "notes"}}}} {
				got, err := read(t, log, q)
				var gone *stream.TruncatedError
				if !errors.As(err, &gone) || !gone.Cut.Reached(cut) || len(got) > 0 {
					t.Errorf("%+v: got %d events and %v, want a TruncatedError that names %s", q, len(got), err, cut)
				}
			}
			got, err := read(t, log, stream.Query{From: cut})
			if diff := cmp.Diff(after(records, cut), got); err != nil || diff != "" {
				t.Errorf("after the cut: %v (-want +got)\n%s", err, diff)
			}
			if err := log.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
			if s, err := log.Stats(t.Context()); err != nil || s.Cut != cut.Position(0) {
				t.Errorf("stats: got a cut at %d and %v, want %s", s.Cut, err, cut)
			}
		})
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		log = open(t, dir, o)
	}
}

// Breaks when: scanStream asks for the cut and not for the first event, or
// addStream removes the newest entry of a stream.
func TestAnInstanceWhoseHistoryWasCutFailsAndItsVersionsGoOn(t *testing.T) {
	log, records, cut := truncated(t, t.TempDir(), badgerlog.Options{}.SmallGenerations(500))
	byID := map[stream.ID][]stream.Record{}
	for _, r := range records {
		byID[r.Stream] = append(byID[r.Stream], r)
	}
	fresh := stream.ID{Topic: "notes", Key: "fresh"}
	for range 3 {
		byID[fresh] = append(byID[fresh], appendOne(t, log, fresh))
	}
	whole, cutOff, gone := 0, 0, 0
	for id, want := range byID {
		match := []stream.Match{{Topic: id.Topic, Key: id.Key}}
		for _, follow := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			err := log.Read(ctx, stream.Query{Match: match, Follow: follow}, func(records []stream.Record, m stream.Mark) error {
				n += len(records)
				if m.Live && follow {
					cancel()
				}
				return nil
			})
			cancel()
			var missing *stream.TruncatedError
			switch {
			case want[0].Position > cut.Position(0):
				whole++
				if (err != nil && !errors.Is(err, context.Canceled)) || n != len(want) {
					t.Errorf("%s: got %d events and %v, want all %d", id, n, err, len(want))
				}
			case !errors.As(err, &missing) || missing.Stream != id || n > 0:
				t.Errorf("%s: got %d events and %v, want a TruncatedError of it", id, n, err)
			case want[len(want)-1].Position <= cut.Position(0):
				gone++
			default:
				cutOff++
			}
		}
		later := want
		for len(later) > 0 && later[0].Position <= cut.Position(0) {
			later = later[1:]
		}
		if got, err := read(t, log, stream.Query{Match: match, From: cut}); err != nil || len(got) != len(later) {
			t.Errorf("%s after the cut: got %d events and %v, want %d", id, len(got), err, len(later))
		}
		r := record()
		r.Stream = id
		got, err := log.Append(t.Context(), id, want[len(want)-1].Version, r)
		if err != nil || got[0].Version != want[len(want)-1].Version+1 {
			t.Errorf("%s: append behind version %d: %v", id, want[len(want)-1].Version, err)
		}
	}
	if whole == 0 || cutOff == 0 || gone == 0 {
		t.Errorf("%d instances were whole, %d cut off, %d gone, want some of each", whole, cutOff, gone)
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// Breaks when: addFrame does not remove commands.
func TestACommandIsForgottenWithItsEvents(t *testing.T) {
	log, records, cut := truncated(t, t.TempDir(), badgerlog.Options{}.SmallGenerations(500))
	again := func(r stream.Record) stream.Position {
		t.Helper()
		got, err := log.Append(t.Context(), r.Stream, stream.AnyVersion, r)
		if err != nil {
			t.Fatal(err)
		}
		return got[0].Position
	}
	if p := again(records[0]); p <= 6000 {
		t.Errorf("a command whose events were removed: got position %d, want a new one", p)
	}
	for i, r := range records {
		if i%3 == 0 && r.Position > cut.Position(0) {
			if p := again(r); p != r.Position {
				t.Errorf("the command of position %d: got position %d, want the same", r.Position, p)
			}
			break
		}
	}
}

// TestTruncatingGivesRoomBack also shows that truncating again goes on, and that
// the newest block stays.
func TestTruncatingGivesRoomBack(t *testing.T) {
	dir := t.TempDir()
	o := badgerlog.Options{}.SmallGenerations(500).SmallFiles()
	log, records, cut := truncated(t, dir, o)
	for range 5 { // the database makes tables when it is closed, and merges when it has five
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		log = open(t, dir, o)
		appendOne(t, log, noteID(1))
	}
	if again, err := log.Truncate(t.Context(), stream.At(10)); err != nil || again.String() != cut.String() {
		t.Errorf("truncating before the cut: got %s and %v, want %s", again, err, cut)
	}
	last, err := log.Truncate(t.Context(), stream.At(6000))
	if err != nil || !last.Reached(cut) {
		t.Fatalf("truncating at position 6000: got %s and %v, want more than before", last, err)
	}
	if got, err := read(t, log, stream.Query{From: last, To: stream.At(6000)}); err != nil || len(got) != len(after(records, last)) {
		t.Errorf("got %d events and %v, want what is left", len(got), err)
	}
	before := disk(t, log)
	files, err := log.Collect()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files rewritten, %d KiB before, %d after", files, before>>10, disk(t, log)>>10)
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
