package stream

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/reactivex/rxgo/v2"
)

// rxGuard is an rxgo.Observable whose operators get the run's context and whose
// functions may panic. All of rxgo's operators are here: one that was left out
// would hand back an observable without a guard.
type rxGuard struct {
	rxgo.Observable
	run *rxRun
}

var _ rxgo.Observable = rxGuard{}

func (g rxGuard) IgnoreElements(opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.IgnoreElements(g.run.options(opts)...))
}

func (g rxGuard) TimeInterval(opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.TimeInterval(g.run.options(opts)...))
}

func (g rxGuard) Timestamp(opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Timestamp(g.run.options(opts)...))
}

func (g rxGuard) Skip(n uint, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Skip(n, g.run.options(opts)...))
}

func (g rxGuard) SkipLast(n uint, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.SkipLast(n, g.run.options(opts)...))
}

func (g rxGuard) Take(n uint, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Take(n, g.run.options(opts)...))
}

func (g rxGuard) TakeLast(n uint, opts ...rxgo.Option) rxgo.Observable {
	if n == 0 { // rxgo's would panic at the first item
		return g.IgnoreElements(opts...)
	}
	return g.run.guard(g.Observable.TakeLast(n, g.run.options(opts)...))
}

func (g rxGuard) BufferWithCount(n int, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.BufferWithCount(n, g.run.options(opts)...))
}

func (g rxGuard) WindowWithCount(n int, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.WindowWithCount(n, g.run.options(opts)...))
}

func (g rxGuard) BufferWithTime(d rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.BufferWithTime(d, g.run.options(opts)...))
}

func (g rxGuard) Debounce(d rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	given(d)
	return g.run.guard(g.Observable.Debounce(d, g.run.options(opts)...))
}

func (g rxGuard) WindowWithTime(d rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.WindowWithTime(d, g.run.options(opts)...))
}

func (g rxGuard) BufferWithTimeOrCount(d rxgo.Duration, n int, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.BufferWithTimeOrCount(d, n, g.run.options(opts)...))
}

func (g rxGuard) WindowWithTimeOrCount(d rxgo.Duration, n int, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.WindowWithTimeOrCount(d, n, g.run.options(opts)...))
}

func (g rxGuard) DefaultIfEmpty(value any, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.DefaultIfEmpty(value, g.run.options(opts)...))
}

func (g rxGuard) Repeat(n int64, d rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Repeat(n, d, g.run.options(opts)...))
}

func (g rxGuard) Sample(other rxgo.Iterable, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Sample(other, g.run.options(opts)...))
}

func (g rxGuard) StartWith(other rxgo.Iterable, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.StartWith(other, g.run.options(opts)...))
}

func (g rxGuard) Map(f rxgo.Func, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Map(g.run.function("Map", f), g.run.options(opts)...))
}

func (g rxGuard) Distinct(f rxgo.Func, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Distinct(g.run.key("Distinct", f), g.run.options(opts)...))
}

func (g rxGuard) DistinctUntilChanged(f rxgo.Func, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.DistinctUntilChanged(g.run.key("DistinctUntilChanged", f), g.run.options(opts)...))
}

func (g rxGuard) Filter(f rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Filter(g.run.predicate("Filter", f), g.run.options(opts)...))
}

func (g rxGuard) SkipWhile(f rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.SkipWhile(g.run.predicate("SkipWhile", f), g.run.options(opts)...))
}

func (g rxGuard) TakeUntil(f rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.TakeUntil(g.run.predicate("TakeUntil", f), g.run.options(opts)...))
}

func (g rxGuard) TakeWhile(f rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.TakeWhile(g.run.predicate("TakeWhile", f), g.run.options(opts)...))
}

func (g rxGuard) Scan(f rxgo.Func2, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Scan(g.run.function2("Scan", f), g.run.options(opts)...))
}

func (g rxGuard) ZipFromIterable(other rxgo.Iterable, f rxgo.Func2, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.ZipFromIterable(other, g.run.function2("ZipFromIterable", f), g.run.options(opts)...))
}

func (g rxGuard) Join(f rxgo.Func2, right rxgo.Observable, at func(any) time.Time, window rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	given(window)
	return g.run.guard(g.Observable.Join(g.run.function2("Join", f), right, guarded(g.run, "Join", at), window, g.run.options(opts)...))
}

func (g rxGuard) Serialize(from int, id func(any) int, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Serialize(from, guarded(g.run, "Serialize", id), g.run.options(opts)...))
}

func (g rxGuard) Marshal(f rxgo.Marshaller, opts ...rxgo.Option) rxgo.Observable {
	marshal := func(v any) (data []byte, err error) {
		defer g.run.returned("Marshal", &err)
		return f(v)
	}
	return g.run.guard(g.Observable.Marshal(marshal, g.run.options(opts)...))
}

// Unmarshal does what rxgo's does, which panics outside of the user's functions
// at an item that is not []byte.
func (g rxGuard) Unmarshal(f rxgo.Unmarshaller, factory func() any, opts ...rxgo.Option) rxgo.Observable {
	return g.run.guard(g.Observable.Map(g.run.function("Unmarshal", func(_ context.Context, data any) (any, error) {
		v := factory()
		return v, f(data.([]byte), v)
	}), g.run.options(opts)...))
}

// FlatMap is rxgo's, but its function is not handed errors.
func (g rxGuard) FlatMap(f rxgo.ItemToObservable, opts ...rxgo.Option) rxgo.Observable {
	safe := observable(g.run, "FlatMap", f)
	inner := func(i rxgo.Item) rxgo.Observable {
		if i.E != nil {
			return rxgo.Thrown(i.E)
		}
		return safe(i)
	}
	return g.run.guard(g.Observable.FlatMap(inner, g.run.options(opts)...))
}

// GroupBy is rxgo's, but its function is not handed errors, and a group below 0
// is no group rather than a panic of rxgo's.
func (g rxGuard) GroupBy(n int, f func(rxgo.Item) int, opts ...rxgo.Option) rxgo.Observable {
	group := func(i rxgo.Item) int {
		if i.E != nil {
			g.run.ends(i.E)
			return n
		}
		group := n
		func() {
			defer g.run.recovered("GroupBy")
			if group = f(i); group < 0 {
				group = n
			}
		}()
		return group
	}
	return g.run.guard(g.Observable.GroupBy(n, group, g.run.options(opts)...))
}

// GroupByDynamic is rxgo's, but its function is not handed errors.
func (g rxGuard) GroupByDynamic(f func(rxgo.Item) string, opts ...rxgo.Option) rxgo.Observable {
	group := func(i rxgo.Item) (key string) {
		defer g.run.recovered("GroupByDynamic")
		if i.E != nil {
			g.run.ends(i.E)
			return ""
		}
		return f(i)
	}
	return g.run.guard(g.Observable.GroupByDynamic(group, g.run.options(opts)...))
}

// given panics where f is called, and can be contained, rather than on one of
// rxgo's goroutines.
func given(d rxgo.Duration) {
	if d == nil {
		panic("no duration")
	}
}

// What is there to handle errors.

// BackOffRetry does not get the run's context: rxgo's closes its channel twice
// when it ends. The end of the source and of the waiting is enough for it.
func (g rxGuard) BackOffRetry(b backoff.BackOff, opts ...rxgo.Option) rxgo.Observable {
	g.run.handles()
	return g.run.guard(g.Observable.BackOffRetry(backoff.WithContext(b, g.run.ctx), opts...))
}

func (g rxGuard) Retry(n int, f func(error) bool, opts ...rxgo.Option) rxgo.Observable {
	g.run.handles()
	return g.run.guard(g.Observable.Retry(n, guarded(g.run, "Retry", f), g.run.options(opts)...))
}

func (g rxGuard) OnErrorResumeNext(f rxgo.ErrorToObservable, opts ...rxgo.Option) rxgo.Observable {
	g.run.handles()
	return g.run.guard(g.Observable.OnErrorResumeNext(observable(g.run, "OnErrorResumeNext", f), g.run.options(opts)...))
}

func (g rxGuard) OnErrorReturn(f rxgo.ErrorFunc, opts ...rxgo.Option) rxgo.Observable {
	g.run.handles()
	return g.run.guard(g.Observable.OnErrorReturn(guarded(g.run, "OnErrorReturn", f), g.run.options(opts)...))
}

func (g rxGuard) OnErrorReturnItem(value any, opts ...rxgo.Option) rxgo.Observable {
	g.run.handles()
	return g.run.guard(g.Observable.OnErrorReturnItem(value, g.run.options(opts)...))
}
