package operators_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
	"github.com/thaw-go/thaw/stream/memlog"
)

// account is a state of about a hundred bytes of JSON.
type account struct {
	Owner    string
	Balance  int64
	Deposits int
	Highest  int64
	Last     string
	Tags     []string
}

var accounts = operators.KeyedView[moved, account]{
	Name: "accounts", Version: 1,
	Keys: func(e *stream.Event[moved]) []string { return []string{e.Data.To} },
	Reduce: func(key string, a account, e *stream.Event[moved]) account {
		if a.Owner == "" {
			a.Owner, a.Tags = key, []string{"new", "private"}
		}
		amount := int64(e.Data.Amount)
		a.Balance, a.Deposits, a.Highest, a.Last = a.Balance+amount, a.Deposits+1, max(a.Highest, amount), e.Stream.Key
		return a
	},
}

// BenchmarkKeyedView stores JSON states of 100,000 keys on disk: from events that are
// decoded already, and from a log of JSON events. Half of the events concern a
// hundredth of the keys in "skewed", and all keys are as likely in "even".
func BenchmarkKeyedView(b *testing.B) {
	const keys, events = 100_000, 400_000
	key := map[string]func(i int) int{
		"even":   func(i int) int { return i * 7919 % keys },
		"skewed": func(i int) int { return i * 7919 % []int{keys, keys / 100}[i%2] },
	}
	for _, shape := range []string{"even", "skewed"} {
		log := memlog.New()
		var decoded []*stream.Event[moved]
		for from := 0; from < events; from += 1000 {
			var records []stream.Record
			for i := from; i < from+1000; i++ {
				rec, err := transfers.Encode(moved{fmt.Sprintf("account-%06d", key[shape](i)), i % 1000})
				if err != nil {
					b.Fatal(err)
				}
				records = append(records, rec)
			}
			if _, err := log.Append(b.Context(), stream.ID{Topic: "transfers", Key: fmt.Sprint(from % 64_000)}, stream.AnyVersion, records...); err != nil {
				b.Fatal(err)
			}
		}
		if err := replay.Cold(log, transfers).Run(b.Context(), func(e *stream.Event[moved]) error { decoded = append(decoded, e); return nil }); err != nil {
			b.Fatal(err)
		}
		for from, src := range map[string]stream.Source[stream.Cold, moved]{"decoded": marked(decoded), "log": replay.Cold(log, transfers)} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/workers=%d", shape, from, workers), func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						tables, err := badgertables.Open(b.TempDir(), badgertables.Options{})
						if err != nil {
							b.Fatal(err)
						}
						table := on(b, accounts, tables, operators.KeyedOptions{Workers: workers, States: keys})
						b.StartTimer()
						if err := table.Fold(b.Context(), src); err != nil {
							b.Fatal(err)
						}
						b.StopTimer()
						if err := tables.Close(); err != nil {
							b.Fatal(err)
						}
						b.StartTimer()
					}
					b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
				})
			}
		}
	}
}

// marked is a cold source of events with a mark after each thousand.
func marked(events []*stream.Event[moved]) stream.Source[stream.Cold, moved] {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[*stream.Event[moved]] {
		return func(_ context.Context, emit func(*stream.Event[moved]) error) error {
			head := events[len(events)-1].Cursor()
			for i, e := range events {
				if err := emit(e); err != nil {
					return err
				}
				if i%1000 == 999 {
					if err := sub.Mark(stream.Mark{At: e.Cursor(), Head: head, Live: i == len(events)-1}); err != nil {
						return err
					}
				}
			}
			return nil
		}
	})
}
