package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/reactivex/rxgo/v2"
)

// rxBuild puts one of rxgo's operators behind a source. Its functions call bomb,
// which panics in the probe for panics. ctx is the run's.
type rxBuild func(ctx context.Context, o rxgo.Observable, bomb func()) rxgo.Iterable

// rxCase is one of rxgo's operators or factories in the table of docs/rxgo.md.
type rxCase struct {
	name    string
	build   rxBuild
	want    []any  // what ReactiveX means by it, over 1 2 3 4 which come 10 ms apart
	when    answer // when that can be known on a source that does not end
	instead string // what of Thaw does the same
	beside  bool   // it consumes, and is no stage: f uses it beside the pipeline
	handles bool   // it is there to handle errors
	fails   error  // how it is meant to end
	note    string // what no probe can find each time
}

type answer int

const (
	atOnce answer = iota // with the items
	atEnd                // only when the source has ended
	ends                 // at once, and the operator completes then
)

func rxWith(f func(o rxgo.Observable, bomb func()) rxgo.Iterable) rxBuild {
	return func(_ context.Context, o rxgo.Observable, bomb func()) rxgo.Iterable { return f(o, bomb) }
}

func rxPlain(f func(o rxgo.Observable) rxgo.Iterable) rxBuild {
	return func(_ context.Context, o rxgo.Observable, _ func()) rxgo.Iterable { return f(o) }
}

func rxMethod(name string, f func(o rxgo.Observable) rxgo.Iterable, when answer, instead string, want ...any) rxCase {
	return rxCase{name: name, build: rxPlain(f), want: want, when: when, instead: instead}
}

func rxFunction(name string, f func(o rxgo.Observable, bomb func()) rxgo.Iterable, when answer, instead string, want ...any) rxCase {
	return rxCase{name: name, build: rxWith(f), want: want, when: when, instead: instead}
}

// rxBeside is a method that returns no stage. f calls it and returns o itself.
func rxBeside(name string, f func(o rxgo.Observable, bomb func()), instead string) rxCase {
	return rxCase{name: name, instead: instead, want: []any{1, 2, 3, 4}, beside: true,
		build: rxWith(func(o rxgo.Observable, bomb func()) rxgo.Iterable { f(o, bomb); return o })}
}

func rxFunc(bomb func()) rxgo.Func {
	return func(_ context.Context, v any) (any, error) { bomb(); return v, nil }
}

func rxSum(bomb func()) rxgo.Func2 {
	return func(_ context.Context, a, b any) (any, error) {
		bomb()
		sum, _ := a.(int)
		return sum + b.(int), nil
	}
}

func rxIs(bomb func(), f func(int) bool) rxgo.Predicate {
	return func(v any) bool { bomb(); return f(v.(int)) }
}

func rxOrder(bomb func()) rxgo.Comparator {
	return func(a, b any) int { bomb(); return a.(int) - b.(int) }
}

func rxAs(convert func(int) any, o rxgo.Observable) rxgo.Observable {
	return o.Map(func(_ context.Context, v any) (any, error) { return convert(v.(int)), nil })
}

// rxFlat puts windows and groups together again, one after the other, as rxgo's
// users do.
func rxFlat(o rxgo.Observable) rxgo.Iterable {
	return o.FlatMap(func(i rxgo.Item) rxgo.Observable { return i.V.(rxgo.Observable) })
}

var (
	rx5ms  = rxgo.WithDuration(5 * time.Millisecond)
	rx25ms = rxgo.WithDuration(25 * time.Millisecond)
)

func three() rxgo.Observable { return rxgo.Just(7, 8, 9)() }

// rxMethods are all methods of rxgo.Observable but Observe.
var rxMethods = []rxCase{
	rxFunction("All", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.All(rxIs(bomb, func(n int) bool { return n < 9 }))
	}, atEnd, "`operators.Every`", true),
	rxMethod("AverageFloat32", func(o rxgo.Observable) rxgo.Iterable { return o.AverageFloat32() }, atEnd, "`operators.Reduce`", float32(2.5)),
	rxMethod("AverageFloat64", func(o rxgo.Observable) rxgo.Iterable { return o.AverageFloat64() }, atEnd, "`operators.Reduce`", 2.5),
	rxMethod("AverageInt", func(o rxgo.Observable) rxgo.Iterable { return o.AverageInt() }, atEnd, "`operators.Reduce`", 2),
	rxMethod("AverageInt8", func(o rxgo.Observable) rxgo.Iterable {
		return rxAs(func(n int) any { return int8(n) }, o).AverageInt8()
	}, atEnd, "`operators.Reduce`", int8(2)),
	rxMethod("AverageInt16", func(o rxgo.Observable) rxgo.Iterable {
		return rxAs(func(n int) any { return int16(n) }, o).AverageInt16()
	}, atEnd, "`operators.Reduce`", int16(2)),
	rxMethod("AverageInt32", func(o rxgo.Observable) rxgo.Iterable {
		return rxAs(func(n int) any { return int32(n) }, o).AverageInt32()
	}, atEnd, "`operators.Reduce`", int32(2)),
	rxMethod("AverageInt64", func(o rxgo.Observable) rxgo.Iterable {
		return rxAs(func(n int) any { return int64(n) }, o).AverageInt64()
	}, atEnd, "`operators.Reduce`", int64(2)),
	rxMethod("BackOffRetry", func(o rxgo.Observable) rxgo.Iterable {
		return o.BackOffRetry(backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Millisecond), 2))
	}, atOnce, "`operators.Retry`", 1, 2, 3, 4),
	rxMethod("BufferWithCount", func(o rxgo.Observable) rxgo.Iterable { return o.BufferWithCount(2) }, atOnce, "`stream.Chunks`, `operators.Buffer`", []any{1, 2}, []any{3, 4}),
	rxMethod("BufferWithTime", func(o rxgo.Observable) rxgo.Iterable { return o.BufferWithTime(rx25ms) }, atOnce, "`operators.Buffer`", []any{1, 2}, []any{3, 4}),
	rxMethod("BufferWithTimeOrCount", func(o rxgo.Observable) rxgo.Iterable { return o.BufferWithTimeOrCount(rx25ms, 3) }, atOnce, "`operators.Buffer`", []any{1, 2}, []any{3, 4}),
	rxBeside("Connect", func(o rxgo.Observable, _ func()) { o.Connect(context.Background()) }, "`operators.Share`"),
	rxFunction("Contains", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.Contains(rxIs(bomb, func(n int) bool { return n == 2 }))
	}, ends, "`operators.Find`", true),
	rxMethod("Count", func(o rxgo.Observable) rxgo.Iterable { return o.Count() }, atEnd, "`operators.Count`", int64(4)),
	rxMethod("Debounce", func(o rxgo.Observable) rxgo.Iterable { return o.Debounce(rx5ms) }, atOnce, "`operators.Debounce`", 1, 2, 3, 4),
	rxMethod("DefaultIfEmpty", func(o rxgo.Observable) rxgo.Iterable { return o.DefaultIfEmpty(0) }, atOnce, "`operators.DefaultIfEmpty`", 1, 2, 3, 4),
	rxFunction("Distinct", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.Distinct(rxFunc(bomb)) }, atOnce, "`operators.Distinct`, which is bounded", 1, 2, 3, 4),
	rxFunction("DistinctUntilChanged", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.DistinctUntilChanged(rxFunc(bomb)) }, atOnce, "`operators.DistinctUntilChanged`", 1, 2, 3, 4),
	rxBeside("DoOnCompleted", func(o rxgo.Observable, bomb func()) { o.DoOnCompleted(bomb) }, "the error of `Run`"),
	rxBeside("DoOnError", func(o rxgo.Observable, bomb func()) { o.DoOnError(func(error) { bomb() }) }, "the error of `Run`"),
	rxBeside("DoOnNext", func(o rxgo.Observable, bomb func()) { o.DoOnNext(func(any) { bomb() }) }, "`operators.Tap`"),
	rxMethod("ElementAt", func(o rxgo.Observable) rxgo.Iterable { return o.ElementAt(1) }, ends, "`operators.ElementAt`", 2),
	rxBeside("Error", func(o rxgo.Observable, _ func()) { _ = o.Error() }, "the error of `Run`"),
	rxBeside("Errors", func(o rxgo.Observable, _ func()) { _ = o.Errors() }, "the error of `Run`"),
	rxFunction("Filter", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.Filter(rxIs(bomb, func(n int) bool { return n%2 == 0 }))
	}, atOnce, "`operators.Filter`", 2, 4),
	rxFunction("Find", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.Find(rxIs(bomb, func(n int) bool { return n == 2 }))
	}, ends, "`operators.Find`", 2),
	rxMethod("First", func(o rxgo.Observable) rxgo.Iterable { return o.First() }, ends, "`operators.First`", 1),
	rxMethod("FirstOrDefault", func(o rxgo.Observable) rxgo.Iterable { return o.FirstOrDefault(0) }, ends, "`operators.First`", 1),
	rxFunction("FlatMap", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.FlatMap(func(i rxgo.Item) rxgo.Observable { bomb(); return rxgo.Just(i.V, i.V)() })
	}, atOnce, "`operators.ConcatMap`", 1, 1, 2, 2, 3, 3, 4, 4),
	rxBeside("ForEach", func(o rxgo.Observable, bomb func()) {
		o.ForEach(func(any) { bomb() }, func(error) { bomb() }, func() {})
	}, "`Run`, `All`"),
	rxFunction("GroupBy", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return rxFlat(o.GroupBy(2, func(i rxgo.Item) int { bomb(); return i.V.(int) % 2 }))
	}, atOnce, "`operators.GroupBy`", 2, 4, 1, 3),
	rxFunction("GroupByDynamic", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return rxFlat(rxGroups(o.GroupByDynamic(func(i rxgo.Item) string { bomb(); return fmt.Sprint(i.V.(int) % 2) })))
	}, atOnce, "`operators.GroupBy`", 1, 3, 2, 4),
	rxMethod("IgnoreElements", func(o rxgo.Observable) rxgo.Iterable { return o.IgnoreElements() }, atOnce, "`operators.IgnoreElements`"),
	rxFunction("Join", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		at := func(v any) time.Time { return time.Unix(int64(v.(int)), 0) }
		return o.Join(rxSum(bomb), rxgo.Just(1, 2, 3, 4)(), at, rxgo.WithDuration(0))
	}, atOnce, "`operators.Join`", 2, 4, 6, 8),
	rxMethod("Last", func(o rxgo.Observable) rxgo.Iterable { return o.Last() }, atEnd, "`operators.Last`", 4),
	rxMethod("LastOrDefault", func(o rxgo.Observable) rxgo.Iterable { return o.LastOrDefault(0) }, atEnd, "`operators.Last`", 4),
	rxFunction("Map", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.Map(rxFunc(bomb)) }, atOnce, "`operators.Map`", 1, 2, 3, 4),
	rxFunction("Marshal", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.Marshal(func(v any) ([]byte, error) { bomb(); return json.Marshal(v) })
	}, atOnce, "`operators.TryMap`", []byte("1"), []byte("2"), []byte("3"), []byte("4")),
	rxFunction("Max", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.Max(rxOrder(bomb)) }, atEnd, "`operators.Max`", 4),
	rxFunction("Min", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.Min(rxOrder(bomb)) }, atEnd, "`operators.Min`", 1),
	rxFunction("OnErrorResumeNext", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.OnErrorResumeNext(func(error) rxgo.Observable { bomb(); return three() })
	}, atOnce, "`operators.Catch`", 1, 2, 3, 4),
	rxFunction("OnErrorReturn", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.OnErrorReturn(func(error) any { bomb(); return 9 })
	}, atOnce, "`operators.Catch`", 1, 2, 3, 4),
	rxMethod("OnErrorReturnItem", func(o rxgo.Observable) rxgo.Iterable { return o.OnErrorReturnItem(9) }, atOnce, "`operators.Catch`", 1, 2, 3, 4),
	rxFunction("Reduce", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.Reduce(rxSum(bomb)) }, atEnd, "`operators.Reduce`, which has a seed", 10),
	rxMethod("Repeat", func(o rxgo.Observable) rxgo.Iterable { return o.Repeat(1, nil) }, atEnd, "`operators.Repeat`", 1, 2, 3, 4, 1, 2, 3, 4),
	rxFunction("Retry", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.Retry(2, func(error) bool { bomb(); return true })
	}, atOnce, "`operators.Retry`", 1, 2, 3, 4),
	rxBeside("Run", func(o rxgo.Observable, _ func()) { o.Run() }, "`Run`"),
	rxMethod("Sample", func(o rxgo.Observable) rxgo.Iterable {
		ticks := rxgo.Defer([]rxgo.Producer{func(ctx context.Context, next chan<- rxgo.Item) {
			time.Sleep(25 * time.Millisecond) // virtual time: in a bubble
			rxgo.Of("tick").SendContext(ctx, next)
			<-ctx.Done()
		}})
		return o.Sample(ticks)
	}, atOnce, "`operators.Sample`", 2),
	rxFunction("Scan", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.Scan(rxSum(bomb)) }, atOnce, "`operators.Scan`, which has a seed", 1, 3, 6, 10),
	rxMethod("Send", func(o rxgo.Observable) rxgo.Iterable {
		out := make(chan rxgo.Item)
		o.Send(out)
		return rxgo.FromChannel(out)
	}, atOnce, "`Run`", 1, 2, 3, 4),
	rxMethod("SequenceEqual", func(o rxgo.Observable) rxgo.Iterable { return o.SequenceEqual(rxgo.Just(1, 2, 3, 4)()) }, atEnd, "`operators.Collect`, and compare", true),
	rxFunction("Serialize", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.Serialize(1, func(v any) int { bomb(); return v.(int) })
	}, atOnce, "`operators.Parallel`, which keeps the order", 1, 2, 3, 4),
	rxMethod("Skip", func(o rxgo.Observable) rxgo.Iterable { return o.Skip(1) }, atOnce, "`operators.Skip`", 2, 3, 4),
	rxMethod("SkipLast", func(o rxgo.Observable) rxgo.Iterable { return o.SkipLast(1) }, atOnce, "`operators.SkipLast`", 1, 2, 3),
	rxFunction("SkipWhile", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.SkipWhile(rxIs(bomb, func(n int) bool { return n < 3 }))
	}, atOnce, "`operators.SkipWhile`", 3, 4),
	rxMethod("StartWith", func(o rxgo.Observable) rxgo.Iterable { return o.StartWith(three()) }, atOnce, "`operators.StartWith`", 7, 8, 9, 1, 2, 3, 4),
	rxMethod("SumFloat32", func(o rxgo.Observable) rxgo.Iterable { return o.SumFloat32() }, atEnd, "`operators.Reduce`", float32(10)),
	rxMethod("SumFloat64", func(o rxgo.Observable) rxgo.Iterable { return o.SumFloat64() }, atEnd, "`operators.Reduce`", float64(10)),
	rxMethod("SumInt64", func(o rxgo.Observable) rxgo.Iterable { return o.SumInt64() }, atEnd, "`operators.Reduce`", int64(10)),
	rxMethod("Take", func(o rxgo.Observable) rxgo.Iterable { return o.Take(4) }, ends, "`operators.Take`", 1, 2, 3, 4),
	rxMethod("TakeLast", func(o rxgo.Observable) rxgo.Iterable { return o.TakeLast(2) }, atEnd, "`operators.TakeLast`", 3, 4),
	rxFunction("TakeUntil", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.TakeUntil(rxIs(bomb, func(n int) bool { return n == 2 }))
	}, ends, "`operators.TakeWhile`", 1, 2),
	rxFunction("TakeWhile", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.TakeWhile(rxIs(bomb, func(n int) bool { return n < 3 }))
	}, ends, "`operators.TakeWhile`", 1, 2),
	rxMethod("TimeInterval", func(o rxgo.Observable) rxgo.Iterable { return o.TimeInterval() }, atOnce, "an event's header",
		10*time.Millisecond, 10*time.Millisecond, 10*time.Millisecond, 10*time.Millisecond),
	rxMethod("Timestamp", func(o rxgo.Observable) rxgo.Iterable {
		return o.Timestamp().Map(func(_ context.Context, v any) (any, error) { return v.(rxgo.TimestampItem).V, nil })
	}, atOnce, "an event's header", 1, 2, 3, 4),
	rxFunction("ToMap", func(o rxgo.Observable, bomb func()) rxgo.Iterable { return o.ToMap(rxFunc(bomb)) }, atEnd, "`operators.Reduce`", map[any]any{1: 1, 2: 2, 3: 3, 4: 4}),
	rxFunction("ToMapWithValueSelector", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.ToMapWithValueSelector(rxFunc(bomb), rxFunc(bomb))
	}, atEnd, "`operators.Reduce`", map[any]any{1: 1, 2: 2, 3: 3, 4: 4}),
	rxBeside("ToSlice", func(o rxgo.Observable, _ func()) { _, _ = o.ToSlice(0) }, "`operators.Collect`"),
	rxFunction("Unmarshal", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		data := rxAs(func(n int) any { return fmt.Append(nil, n) }, o)
		pointers := data.Unmarshal(func(data []byte, v any) error { bomb(); return json.Unmarshal(data, v) }, func() any { return new(int) })
		return pointers.Map(func(_ context.Context, v any) (any, error) { return *v.(*int), nil })
	}, atOnce, "`operators.TryMap`", 1, 2, 3, 4),
	rxMethod("WindowWithCount", func(o rxgo.Observable) rxgo.Iterable { return rxFlat(o.WindowWithCount(2)) }, atOnce, "`operators.WindowCount`", 1, 2, 3, 4),
	rxMethod("WindowWithTime", func(o rxgo.Observable) rxgo.Iterable { return rxFlat(o.WindowWithTime(rx25ms)) }, atOnce, "`operators.Window`, in event time", 1, 2, 3, 4),
	rxMethod("WindowWithTimeOrCount", func(o rxgo.Observable) rxgo.Iterable { return rxFlat(o.WindowWithTimeOrCount(rx25ms, 3)) }, atOnce, "`operators.Window`", 1, 2, 3, 4),
	rxFunction("ZipFromIterable", func(o rxgo.Observable, bomb func()) rxgo.Iterable {
		return o.ZipFromIterable(rxgo.Just(10, 20, 30, 40)(), rxSum(bomb))
	}, atOnce, "`operators.Zip`", 11, 22, 33, 44),
}

func init() {
	for i := range rxMethods {
		switch c := &rxMethods[i]; c.name {
		case "OnErrorResumeNext", "OnErrorReturn", "OnErrorReturnItem":
			c.handles = true
		case "BufferWithTimeOrCount":
			c.note = "may give more than its count: its check races"
		case "Distinct":
			c.note = "forgets no key"
		case "GroupByDynamic":
			c.note = "forgets no group"
		case "Repeat":
			c.note = "keeps all items"
		case "Serialize":
			c.note = "stalls at a gap between identifiers"
		case "WindowWithCount", "WindowWithTime", "WindowWithTimeOrCount":
			c.note = "a window that is not read stops the pipeline"
		}
	}
}

// rxGroups makes plain observables of rxgo's grouped ones.
func rxGroups(o rxgo.Observable) rxgo.Observable {
	return o.Map(func(_ context.Context, v any) (any, error) { return v.(rxgo.GroupedObservable).Observable, nil })
}

// rxFactories are the functions of rxgo that make an observable, as FromRx has
// them: with the run's context.
var rxFactories = []rxCase{
	{name: "Amb", instead: "`operators.Race`", want: []any{1, 2, 3, 4}, build: func(ctx context.Context, o rxgo.Observable, _ func()) rxgo.Iterable {
		return rxgo.Amb([]rxgo.Observable{o, rxgo.Never()}, rxgo.WithContext(ctx))
	}},
	{name: "CombineLatest", instead: "`operators.CombineLatest`", want: []any{1, 2, 3, 4}, build: func(ctx context.Context, o rxgo.Observable, bomb func()) rxgo.Iterable {
		return rxgo.CombineLatest(func(v ...any) any { bomb(); return v[0] }, []rxgo.Observable{o}, rxgo.WithContext(ctx))
	}},
	{name: "Concat", instead: "`operators.Concat`", want: []any{7, 8, 9, 1, 2, 3, 4}, build: func(ctx context.Context, o rxgo.Observable, _ func()) rxgo.Iterable {
		return rxgo.Concat([]rxgo.Observable{three(), o}, rxgo.WithContext(ctx))
	}},
	{name: "Create", instead: "`stream.New`", want: []any{1, 2}, build: func(ctx context.Context, _ rxgo.Observable, bomb func()) rxgo.Iterable {
		return rxgo.Create([]rxgo.Producer{rxProducer(bomb)}, rxgo.WithContext(ctx))
	}},
	{name: "Defer", instead: "`stream.New`, `operators.Defer`", want: []any{1, 2}, build: func(ctx context.Context, _ rxgo.Observable, bomb func()) rxgo.Iterable {
		return rxgo.Defer([]rxgo.Producer{rxProducer(bomb)}, rxgo.WithContext(ctx))
	}},
	{name: "Empty", instead: "`operators.Empty`", build: rxPlain(func(rxgo.Observable) rxgo.Iterable { return rxgo.Empty() })},
	{name: "FromChannel", instead: "`operators.FromChannel`", want: []any{1, 2}, build: func(ctx context.Context, _ rxgo.Observable, _ func()) rxgo.Iterable {
		return rxgo.FromChannel(rxFilled(1, 2), rxgo.WithContext(ctx))
	}},
	{name: "FromEventSource", note: "what comes before it is observed is lost", instead: "`replay.Hot`", want: []any{1, 2}, build: func(ctx context.Context, _ rxgo.Observable, _ func()) rxgo.Iterable {
		in := make(chan rxgo.Item)
		go func() { // begins when the source has been observed
			defer close(in)
			time.Sleep(10 * time.Millisecond) // virtual time: in a bubble
			for i := 1; i <= 2 && rxgo.Of(i).SendContext(ctx, in); i++ {
			}
		}()
		return rxgo.FromEventSource(in, rxgo.WithContext(ctx))
	}},
	{name: "Interval", instead: "`operators.Interval`", want: []any{0, 1}, build: func(ctx context.Context, _ rxgo.Observable, _ func()) rxgo.Iterable {
		return rxgo.Interval(rx5ms, rxgo.WithContext(ctx)).Take(2)
	}},
	{name: "Just", instead: "`stream.From`", want: []any{7, 8, 9}, build: rxPlain(func(rxgo.Observable) rxgo.Iterable { return three() })},
	{name: "JustItem", instead: "`stream.From`", want: []any{7}, build: rxPlain(func(rxgo.Observable) rxgo.Iterable { return rxgo.JustItem(7) })},
	{name: "Merge", instead: "`operators.Merge`", want: []any{1, 2, 3, 4}, build: func(ctx context.Context, o rxgo.Observable, _ func()) rxgo.Iterable {
		return rxgo.Merge([]rxgo.Observable{o, rxgo.Empty()}, rxgo.WithContext(ctx))
	}},
	{name: "Never", fails: context.DeadlineExceeded, instead: "`operators.Never`", build: rxPlain(func(rxgo.Observable) rxgo.Iterable { return rxgo.Never() })},
	{name: "Range", instead: "`stream.From`", want: []any{1, 2}, build: rxPlain(func(rxgo.Observable) rxgo.Iterable { return rxgo.Range(1, 2) })},
	{name: "Start", instead: "`operators.Defer`", want: []any{1}, build: func(ctx context.Context, _ rxgo.Observable, bomb func()) rxgo.Iterable {
		return rxgo.Start([]rxgo.Supplier{func(context.Context) rxgo.Item { bomb(); return rxgo.Of(1) }}, rxgo.WithContext(ctx))
	}},
	{name: "Thrown", fails: errSource, instead: "`operators.Throw`", build: rxPlain(func(rxgo.Observable) rxgo.Iterable { return rxgo.Thrown(errSource) })},
	{name: "Timer", instead: "`operators.Timer`", build: func(ctx context.Context, _ rxgo.Observable, _ func()) rxgo.Iterable {
		return rxgo.Timer(rx5ms, rxgo.WithContext(ctx))
	}},
}

func rxProducer(bomb func()) rxgo.Producer {
	return func(ctx context.Context, next chan<- rxgo.Item) {
		bomb()
		rxgo.Of(1).SendContext(ctx, next)
		rxgo.Of(2).SendContext(ctx, next)
	}
}

// rxFilled is a closed channel that holds the items.
func rxFilled(items ...any) chan rxgo.Item {
	ch := make(chan rxgo.Item, len(items))
	defer close(ch)
	for _, item := range items {
		ch <- rxgo.Of(item)
	}
	return ch
}
