package main

import (
	"context"
	"time"

	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

type intStream = stream.Observable[stream.Cold, int]

// each is one more operator: what it costs on top of a source that counts and of
// a sink that counts what comes.
type each struct {
	name   string
	target float64         // nanoseconds an item at most; 0: none
	out    func(n int) int // how many items come out of n
	run    func(intStream) counting
}

// What comes out of n items.
func same(n int) int             { return n }
func more(k int) func(n int) int { return func(n int) int { return n + k } }
func just(k int) func(int) int   { return func(int) int { return k } }

// counted is the sink.
func counted[T any](o stream.Observable[stream.Cold, T]) counting {
	return func(ctx context.Context) (int, error) { return operators.Count(ctx, o) }
}

// synchronous is the target of an operator that waits for nothing but its source
// and keeps no items.
const synchronous = 3

var (
	increment = func(n int) int { return n + 1 }
	yes       = func(int) bool { return true }
	no        = func(int) bool { return false }
	nothing   = func(int) {}
	itself    = func(n int) int { return n }
)

// keyed is the target of what folds by key: five million items a second.
const keyed = 200

const keys = 100_000

func key(n int) int { return n % keys }

// windows is how many results windows of a second have, of items that are a
// microsecond apart: one for each key in each.
func windows(n int) int {
	const second = 1_000_000
	return n/second*keys + min(n%second, keys)
}

// eachOperator are the operators one by one. A line is all that another takes.
var eachOperator = []each{
	{"Map", synchronous, same, func(o intStream) counting { return counted(operators.Map(o, increment)) }},
	{"TryMap", synchronous, same, func(o intStream) counting {
		return counted(operators.TryMap(o, func(n int) (int, error) { return increment(n), nil }))
	}},
	{"Filter", synchronous, same, func(o intStream) counting { return counted(operators.Filter(o, yes)) }},
	{"Tap", synchronous, same, func(o intStream) counting { return counted(operators.Tap(o, nothing)) }},
	{"Scan", synchronous, same, func(o intStream) counting { return counted(operators.Scan(o, 0, add)) }},
	{"Pairwise", synchronous, more(-1), func(o intStream) counting { return counted(operators.Pairwise(o)) }},
	{"StartWith", synchronous, more(1), func(o intStream) counting { return counted(operators.StartWith(o, 1)) }},
	{"EndWith", synchronous, more(1), func(o intStream) counting { return counted(operators.EndWith(o, 1)) }},
	{"Materialize", synchronous, more(1), func(o intStream) counting { return counted(operators.Materialize(o)) }},
	{"Take", synchronous, same, func(o intStream) counting { return counted(operators.Take(o, 1<<40)) }},
	{"TakeWhile", synchronous, same, func(o intStream) counting { return counted(operators.TakeWhile(o, yes)) }},
	{"TakeThrough", synchronous, same, func(o intStream) counting { return counted(operators.TakeThrough(o, yes)) }},
	{"TakeUntil", synchronous, same, func(o intStream) counting {
		return counted(operators.TakeUntil(o, operators.Never[stream.Hot, int]()))
	}},
	{"Skip", synchronous, more(-1), func(o intStream) counting { return counted(operators.Skip(o, 1)) }},
	{"SkipWhile", synchronous, same, func(o intStream) counting { return counted(operators.SkipWhile(o, no)) }},
	{"DistinctUntilChanged", synchronous, same, func(o intStream) counting {
		return counted(operators.DistinctUntilChanged(o, operators.Equal))
	}},
	{"DefaultIfEmpty", synchronous, same, func(o intStream) counting { return counted(operators.DefaultIfEmpty(o, 1)) }},
	{"IgnoreElements", synchronous, just(0), func(o intStream) counting { return counted(operators.IgnoreElements(o)) }},
	{"TakeLast, of 1000", 0, just(1000), func(o intStream) counting { return counted(operators.TakeLast(o, 1000)) }},
	{"SkipLast, of 1000", 0, more(-1000), func(o intStream) counting { return counted(operators.SkipLast(o, 1000)) }},
	{"Distinct, 1000 keys remembered", 0, same, func(o intStream) counting {
		return counted(operators.Distinct(o, itself, operators.Memory{Keys: 1000}))
	}},
	{"ToSlice", 0, just(1), func(o intStream) counting { return counted(operators.ToSlice(o)) }},
	{"ConcatMap, to one item", 0, same, func(o intStream) counting {
		one := stream.From(1)
		return counted(operators.ConcatMap(o, func(int) intStream { return one }))
	}},
	{"Merge, of one source", 0, same, func(o intStream) counting { return counted(operators.Merge(o)) }},
	{"Catch", synchronous, same, func(o intStream) counting {
		return counted(operators.Catch(o, func(err error) intStream { return operators.Throw[int](err) }))
	}},
	{"Retry", synchronous, same, func(o intStream) counting { return counted(operators.Retry(o, operators.Retries{Attempts: 3})) }},
	{"ScanBy, 100,000 keys", keyed, same, func(o intStream) counting {
		return counted(operators.ScanBy(o, operators.Keys[int, int, int]{Of: key}, 0, add))
	}},
	{"ReduceBy, 100,000 keys", keyed, func(n int) int { return min(n, keys) }, func(o intStream) counting {
		return counted(operators.ReduceBy(o, operators.Keys[int, int, int]{Of: key}, 0, add))
	}},
	{"Window, tumbling, 100,000 keys", keyed, windows, func(o intStream) counting {
		by := operators.ByTime[int, int]{Key: key, Time: func(n int) time.Time { return time.UnixMicro(int64(n)) }}
		return counted(operators.Window(o, operators.Tumbling(time.Second), by, 0, add))
	}},
	{"rxgo in the middle, chunks of 256", 4, same, func(o intStream) counting { return counted(throughRx(o, 256)) }},
	{"rxgo in the middle, chunks of 1024", 1.5, same, func(o intStream) counting { return counted(throughRx(o, 1024)) }},
}

// throughRx has one operator of rxgo's in the middle, which does nothing.
func throughRx(o intStream, n int) intStream {
	return stream.ThroughRxChunks[int](o, n, func(chunks rxgo.Observable) rxgo.Observable {
		return chunks.Map(func(_ context.Context, chunk any) (any, error) { return chunk, nil },
			rxgo.WithBufferedChannel(16))
	})
}

const (
	oneMore = "one more operator/"
	inARow  = oneMore + "all that keep no items, in a row"
)

func eachCases() (all []benchmark) {
	for _, e := range eachOperator {
		all = append(all, benchmark{name: oneMore + e.name, run: func(w work) (metrics, error) {
			n := w.sizes.items
			base := trial{run: counted(ints(n)), items: n, want: n}
			return onTop(w, base, trial{run: e.run(ints(n)), items: n, want: e.out(n)})
		}})
	}
	return append(all, benchmark{name: inARow, run: func(w work) (metrics, error) {
		n := w.sizes.items
		return perItem(w, trial{run: counted(everySynchronous(ints(n))), items: n, want: n})
	}})
}

// everySynchronous is the source behind every operator that keeps no items.
func everySynchronous(o intStream) intStream {
	mapped := operators.Map(o, increment)
	tried := operators.TryMap(mapped, func(n int) (int, error) { return n, nil })
	kept := operators.Filter(tried, yes)
	seen := operators.Tap(kept, nothing)
	sums := operators.Scan(seen, 0, add)
	started := operators.StartWith(sums, 0)
	pairs := operators.Pairwise(started)
	seconds := operators.Map(pairs, func(p [2]int) int { return p[1] })
	told := operators.Materialize(seconds)
	untold := operators.Dematerialize(told)
	taken := operators.Take(untold, 1<<40)
	while := operators.TakeWhile(taken, yes)
	through := operators.TakeThrough(while, yes)
	until := operators.TakeUntil(through, operators.Never[stream.Hot, int]())
	skipped := operators.Skip(until, 0)
	skippedWhile := operators.SkipWhile(skipped, no)
	changed := operators.DistinctUntilChanged(skippedWhile, operators.Equal)
	return operators.DefaultIfEmpty(changed, 0)
}
