package stream

import (
	"context"

	"github.com/reactivex/rxgo/v2"
)

// What makes one item of many, and what consumes them.

// rxSingle is an rxgo.Single whose functions may panic.
type rxSingle struct {
	rxgo.Single
	run *rxRun
}

func (s rxSingle) Map(f rxgo.Func, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{s.Single.Map(s.run.function("Map", f), s.run.options(opts)...), s.run}
}

func (s rxSingle) Filter(f rxgo.Predicate, opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{s.Single.Filter(s.run.predicate("Filter", f), s.run.options(opts)...), s.run}
}

// rxOptionalSingle is an rxgo.OptionalSingle whose functions may panic.
type rxOptionalSingle struct {
	rxgo.OptionalSingle
	run *rxRun
}

func (s rxOptionalSingle) Map(f rxgo.Func, opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{s.OptionalSingle.Map(s.run.function("Map", f), s.run.options(opts)...), s.run}
}

func (g rxGuard) AverageFloat32(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageFloat32(g.run.options(opts)...), g.run}
}

func (g rxGuard) AverageFloat64(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageFloat64(g.run.options(opts)...), g.run}
}

func (g rxGuard) AverageInt(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageInt(g.run.options(opts)...), g.run}
}

func (g rxGuard) AverageInt8(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageInt8(g.run.options(opts)...), g.run}
}

func (g rxGuard) AverageInt16(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageInt16(g.run.options(opts)...), g.run}
}

func (g rxGuard) AverageInt32(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageInt32(g.run.options(opts)...), g.run}
}

func (g rxGuard) AverageInt64(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.AverageInt64(g.run.options(opts)...), g.run}
}

func (g rxGuard) Count(opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.Count(g.run.options(opts)...), g.run}
}

func (g rxGuard) ElementAt(n uint, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.ElementAt(n, g.run.options(opts)...), g.run}
}

func (g rxGuard) FirstOrDefault(value any, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.FirstOrDefault(value, g.run.options(opts)...), g.run}
}

func (g rxGuard) LastOrDefault(value any, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.LastOrDefault(value, g.run.options(opts)...), g.run}
}

func (g rxGuard) SequenceEqual(other rxgo.Iterable, opts ...rxgo.Option) rxgo.Single {
	// rxgo compares items on a goroutine of its own, and panics if it can not.
	checked := g.Observable.Map(g.run.function("SequenceEqual", func(_ context.Context, v any) (any, error) {
		return v, refuseIncomparable(v)
	}), g.run.options(nil)...)
	return rxSingle{checked.SequenceEqual(other, g.run.options(opts)...), g.run}
}

func (g rxGuard) All(f rxgo.Predicate, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.All(g.run.predicate("All", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) Contains(f rxgo.Predicate, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.Contains(g.run.predicate("Contains", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) ToMap(f rxgo.Func, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.ToMap(g.run.key("ToMap", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) ToMapWithValueSelector(key, value rxgo.Func, opts ...rxgo.Option) rxgo.Single {
	return rxSingle{g.Observable.ToMapWithValueSelector(g.run.key("ToMapWithValueSelector", key), g.run.function("ToMapWithValueSelector", value), g.run.options(opts)...), g.run}
}

func (g rxGuard) First(opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.First(g.run.options(opts)...), g.run}
}

func (g rxGuard) Last(opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.Last(g.run.options(opts)...), g.run}
}

func (g rxGuard) SumFloat32(opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.SumFloat32(g.run.options(opts)...), g.run}
}

func (g rxGuard) SumFloat64(opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.SumFloat64(g.run.options(opts)...), g.run}
}

func (g rxGuard) SumInt64(opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.SumInt64(g.run.options(opts)...), g.run}
}

func (g rxGuard) Find(f rxgo.Predicate, opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.Find(g.run.predicate("Find", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) Max(f rxgo.Comparator, opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.Max(g.run.comparator("Max", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) Min(f rxgo.Comparator, opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.Min(g.run.comparator("Min", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) Reduce(f rxgo.Func2, opts ...rxgo.Option) rxgo.OptionalSingle {
	return rxOptionalSingle{g.Observable.Reduce(g.run.function2("Reduce", f), g.run.options(opts)...), g.run}
}

func (g rxGuard) DoOnCompleted(f rxgo.CompletedFunc, opts ...rxgo.Option) rxgo.Disposed {
	return g.Observable.DoOnCompleted(g.run.completed("DoOnCompleted", f), g.run.options(opts)...)
}

func (g rxGuard) DoOnError(f rxgo.ErrFunc, opts ...rxgo.Option) rxgo.Disposed {
	return g.Observable.DoOnError(consumer(g.run, "DoOnError", f), g.run.options(opts)...)
}

func (g rxGuard) DoOnNext(f rxgo.NextFunc, opts ...rxgo.Option) rxgo.Disposed {
	return g.Observable.DoOnNext(consumer(g.run, "DoOnNext", f), g.run.options(opts)...)
}

func (g rxGuard) ForEach(next rxgo.NextFunc, failed rxgo.ErrFunc, completed rxgo.CompletedFunc, opts ...rxgo.Option) rxgo.Disposed {
	return g.Observable.ForEach(consumer(g.run, "ForEach", next), consumer(g.run, "ForEach", failed),
		g.run.completed("ForEach", completed), g.run.options(opts)...)
}

func consumer[A any](r *rxRun, operator string, f func(A)) func(A) {
	return func(a A) {
		defer r.recovered(operator)
		f(a)
	}
}

func (r *rxRun) completed(operator string, f rxgo.CompletedFunc) rxgo.CompletedFunc {
	return func() {
		defer r.recovered(operator)
		f()
	}
}

// What would wait on the goroutine that makes the pipeline, or let go of it.

// Connect ends with the run, too.
func (g rxGuard) Connect(ctx context.Context) (context.Context, rxgo.Disposable) {
	ctx, dispose := g.Observable.Connect(ctx)
	context.AfterFunc(g.run.ctx, dispose)
	return ctx, dispose
}

func (g rxGuard) Error(opts ...rxgo.Option) error { return g.Observable.Error(g.run.options(opts)...) }

func (g rxGuard) Errors(opts ...rxgo.Option) []error {
	return g.Observable.Errors(g.run.options(opts)...)
}

func (g rxGuard) Run(opts ...rxgo.Option) rxgo.Disposed {
	return g.Observable.Run(g.run.options(opts)...)
}

func (g rxGuard) Send(out chan<- rxgo.Item, opts ...rxgo.Option) {
	g.Observable.Send(out, g.run.options(opts)...)
}

func (g rxGuard) ToSlice(n int, opts ...rxgo.Option) ([]any, error) {
	return g.Observable.ToSlice(n, g.run.options(opts)...)
}
