package badgerlog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// BenchmarkAppendAll compares a batch over two streams with two appends, and a batch of
// one event under a condition with an append, durable and from 64 callers. One
// operation is one command.
func BenchmarkAppendAll(b *testing.B) {
	two := func(i int64) (stream.Write, stream.Write) {
		r := record()
		return stream.Write{Stream: noteID(i % 1000), Expected: stream.AnyVersion, Records: []stream.Record{r}},
			stream.Write{Stream: noteID(1000 + i%1000), Expected: stream.AnyVersion, Records: []stream.Record{r}}
	}
	tag := func(i int64) string { return fmt.Sprint("mail:", i) }
	tagged := func(i int64) stream.Record {
		r := record()
		r.Tags = []string{tag(i)}
		return r
	}
	for _, c := range []struct {
		name   string
		append func(*badgerlog.Log, int64) error
	}{
		{"two appends", func(log *badgerlog.Log, i int64) error {
			v, w := two(i)
			v.Records[0].Command, w.Records[0].Command = stream.NewID(), stream.NewID()
			_, err := log.Append(context.Background(), v.Stream, v.Expected, v.Records...)
			if err == nil {
				_, err = log.Append(context.Background(), w.Stream, w.Expected, w.Records...)
			}
			return err
		}},
		{"two streams at once", func(log *badgerlog.Log, i int64) error {
			v, w := two(i)
			_, err := log.AppendAll(context.Background(), stream.Batch{Writes: []stream.Write{v, w}})
			return err
		}},
		{"one append", func(log *badgerlog.Log, i int64) error {
			_, err := log.Append(context.Background(), noteID(i%1000), stream.AnyVersion, record())
			return err
		}},
		{"one append with a tag", func(log *badgerlog.Log, i int64) error {
			_, err := log.Append(context.Background(), noteID(i%1000), stream.AnyVersion, tagged(i))
			return err
		}},
		{"one under a condition", func(log *badgerlog.Log, i int64) error {
			_, err := log.AppendAll(context.Background(), stream.Batch{
				Writes:     []stream.Write{{Stream: noteID(i % 1000), Expected: stream.AnyVersion, Records: []stream.Record{tagged(i)}}},
				Conditions: []stream.Condition{{Match: []stream.Match{{Topic: "notes", Tags: []string{tag(i)}}}}},
			})
			return err
		}},
	} {
		b.Run(c.name+"/callers=64", func(b *testing.B) {
			log := openBench(b, badgerlog.Synced)
			appendFrom(b, 64, func(i int64) error { return c.append(log, i) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
		})
	}
}

// BenchmarkReadByTag reads some of a million events: by their tag, and by a look at
// each event.
func BenchmarkReadByTag(b *testing.B) {
	const n, batch = 1_000_000, 100
	log := openBench(b, badgerlog.Unsynced)
	for i := 0; i < n; i += batch {
		records := make([]stream.Record, batch)
		for j := range records {
			records[j] = record()
			records[j].Command = stream.EventID{}
			if at := i + j; at%1000 == 500 {
				records[j].Tags = []string{"thousand"}
			} else if at%100_000 == 7 {
				records[j].Tags = []string{"ten"}
			}
		}
		if _, err := log.Append(b.Context(), noteID(int64(i/batch%1000)), stream.AnyVersion, records...); err != nil {
			b.Fatal(err)
		}
	}
	log = reopen(b, log)
	for _, c := range []struct {
		name  string
		match stream.Match
		want  int
	}{
		{"10 of them", stream.Match{Tags: []string{"ten"}}, 10},
		{"1000 of them", stream.Match{Tags: []string{"thousand"}}, 1000},
		{"none of them", stream.Match{Tags: []string{"never"}}, 0},
		{"by a look at each", stream.Match{Types: []string{"NEVER"}}, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				found := 0
				err := log.Read(b.Context(), stream.Query{Match: []stream.Match{c.match}}, func(records []stream.Record, _ stream.Mark) error {
					found += len(records)
					return nil
				})
				if err != nil || found != c.want {
					b.Fatalf("found %d events, want %d: %v", found, c.want, err)
				}
			}
		})
	}
}
