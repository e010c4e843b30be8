package operators

import "github.com/thaw-go/thaw/stream"

// Merge delivers the items of all sources, as they come; it completes when all
// have completed.
//
//	in   a-----b-----|
//	in   ---c-----d|
//	out  a--c--b--d--|
//
// Errors: the first of a source's ends the others.
// Back-pressure: a source waits until its item has been handled.
// State: which source comes first is not remembered, so a durable consumer is
// refused; for several topics of one log there is [stream.Union], which is
// durable.
// Goroutines: one per source.
func Merge[K stream.Kind, T any](sources ...stream.Observable[K, T]) stream.Observable[K, T] {
	return staged(stage{name: "Merge", holding: true}, func(l *loop, emit func(T) error) error {
		for _, o := range sources {
			watch(l, o.Subscribe, emit)
		}
		return nil
	}, upstreams(sources)...)
}
