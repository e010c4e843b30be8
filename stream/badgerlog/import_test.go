package badgerlog_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// each hands out copies of records, in one record's room.
func each(records []stream.Record) iter.Seq2[stream.Record, error] {
	return func(yield func(stream.Record, error) bool) {
		var data []byte
		for _, r := range records {
			data = append(data[:0], r.Data...)
			r.Data = data
			if !yield(r, nil) {
				return
			}
		}
	}
}

// foreign are records as another log would hand them over.
func foreign(n int) []stream.Record {
	records := make([]stream.Record, n)
	versions := map[stream.ID]stream.Version{}
	began := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range records {
		r := record()
		r.Stream = noteID(int64(i/3%100 + i/3000))
		if i%3 > 0 {
			r.Command, r.Correlation = records[i-1].Command, records[i-1].Command
		}
		versions[r.Stream]++
		r.Position, r.Version = stream.Position(i+1), versions[r.Stream]
		r.Time = began.Add(time.Duration(i) * time.Second)
		r.Data = fmt.Appendf(nil, `{"n":%d}`, i)
		records[i] = r
	}
	return records
}

// all is the whole log.
func all(t testing.TB, log *badgerlog.Log) []stream.Record {
	t.Helper()
	var found []stream.Record
	err := log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			r.Data = slices.Clone(r.Data)
			found = append(found, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Breaks when: accept takes the plan's time, or a batch's payloads are not copied.
func TestAnImportThatKeepsEverythingIsTheSameLog(t *testing.T) {
	want := foreign(20_000)
	log := open(t, t.TempDir(), badgerlog.Options{})
	var told []badgerlog.Imported
	got, err := log.Import(t.Context(), each(want), badgerlog.ImportOptions{
		KeepPositions: true, KeepTimes: true,
		Progress: func(i badgerlog.Imported) { told = append(told, i) },
	})
	if err != nil || got != (badgerlog.Imported{Events: 20_000}) {
		t.Fatalf("got %+v and %v, want 20000 events", got, err)
	}
	if diff := cmp.Diff(want, all(t, log)); diff != "" {
		t.Errorf("(-imported +read)\n%s", diff)
	}
	if len(told) < 2 || told[len(told)-1] != got {
		t.Errorf("progress was told %v, want more than one step up to %v", told, got)
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// Breaks when: checkBatch does not find what a command did before, in the
// database, in memory or in the same batch; or half of the last append is stored.
func TestAnImportThatWasCutShortCanBeRepeated(t *testing.T) {
	records := foreign(15_000)
	log := open(t, t.TempDir(), badgerlog.Options{})
	appendOne(t, log, noteID(7))
	cut := errors.New("cut short")
	_, err := log.Import(t.Context(), func(yield func(stream.Record, error) bool) {
		for _, r := range records[:9_998] {
			if !yield(r, nil) {
				return
			}
		}
		yield(stream.Record{}, cut)
	}, badgerlog.ImportOptions{})
	var at *badgerlog.ImportError
	if !errors.As(err, &at) || at.Record != 9_999 || !errors.Is(err, cut) {
		t.Fatalf("got %v, want an ImportError at record 9999 with the reason", err)
	}
	twice := append(slices.Clone(records), records[14_994:14_997]...)
	got, err := log.Import(t.Context(), each(twice), badgerlog.ImportOptions{})
	if want := (badgerlog.Imported{Events: 5_004, Skipped: 9_999}); err != nil || got != want {
		t.Errorf("got %+v and %v, want %+v", got, err, want)
	}
	found := all(t, log)
	if len(found) != 15_001 {
		t.Fatalf("got %d events, want 15001", len(found))
	}
	for i, r := range found[1:] {
		if want := records[i]; r.ID != want.ID || string(r.Data) != string(want.Data) || r.Time.Year() == 2020 {
			t.Fatalf("record %d: got %+v, want %+v with a time of now", i, r, want)
		}
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// Breaks when: checkNext compares only one of the two, or checkBatch compares
// with what stood there before the batch.
func TestAnImportRefusesWhatItCanNotKeep(t *testing.T) {
	for claim, c := range map[string]struct {
		spoil func([]stream.Record)
		want  string
	}{
		"a gap in the log":               {func(r []stream.Record) { r[9000].Position++ }, "it carries position 9002 and version"},
		"a gap in a stream":              {func(r []stream.Record) { r[9000].Version += 2 }, "expected 9001 and"},
		"a time before the one in front": {func(r []stream.Record) { r[9000].Time = r[100].Time }, "expected none before 2020-01-01 02:29:59"},
		"a command that comes again":     {func(r []stream.Record) { r[9000].Command = r[6].Command }, "command"},
		"an event without a payload":     {func(r []stream.Record) { r[9000].Data = nil }, "payload"},
	} {
		t.Run(claim, func(t *testing.T) {
			records := foreign(10_000)
			c.spoil(records)
			log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
			got, err := log.Import(t.Context(), each(records), badgerlog.ImportOptions{KeepPositions: true, KeepTimes: true})
			var at *badgerlog.ImportError
			if !errors.As(err, &at) || at.Record != 9001 || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an ImportError at record 9001 that says %q", err, c.want)
			}
			if n := len(all(t, log)); uint64(n) != got.Events || n < 1000 || n > 9000 {
				t.Errorf("%d events are there, told were %d, want the batches before", n, got.Events)
			}
			if err := log.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAnImportOfTheLongestNamesFitsOneTransaction: its keys are what one
// transaction of the database can run out of.
// Breaks when: batch.full does not look at the keys.
func TestAnImportOfTheLongestNamesFitsOneTransaction(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
	got, err := log.Import(t.Context(), func(yield func(stream.Record, error) bool) {
		for i := range 9000 {
			r := record()
			r.Stream = stream.ID{Topic: strings.Repeat("t", stream.MaxTopicBytes), Key: fmt.Sprintf("%0*d", stream.MaxKeyBytes, i)}
			if !yield(r, nil) {
				return
			}
		}
	}, badgerlog.ImportOptions{})
	if err != nil || got.Events != 9000 {
		t.Errorf("got %+v and %v, want 9000 events", got, err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkImport(b *testing.B) {
	for _, c := range []struct {
		name    string
		streams int64
		run     int64 // events of a stream in a row
	}{{"batches of 1000", 1000, 1000}, {"one at a time", 1000, 1}, {"new streams", 1 << 40, 1}} {
		b.Run(c.name, func(b *testing.B) {
			log := openBench(b, badgerlog.Synced)
			b.SetBytes(int64(len(payload)))
			b.ResetTimer()
			command := stream.NewID()
			_, err := log.Import(b.Context(), func(yield func(stream.Record, error) bool) {
				for i := range int64(b.N) {
					r := record()
					if i%c.run != 0 {
						r.Command = command
					}
					command = r.Command
					r.Stream = noteID(i / c.run % c.streams)
					if !yield(r, nil) {
						return
					}
				}
			}, badgerlog.ImportOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
