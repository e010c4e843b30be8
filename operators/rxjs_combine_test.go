package operators

import "github.com/thaw-go/thaw/stream"

var rxCombining = map[string]rxOperator{
	"merge": func(b *rxBench) rxStream {
		sources := b.named("sources")
		if !b.has("concurrent") {
			return Merge(sources...)
		}
		return MergeMap(stream.From(sources...), b.int("concurrent"), func(o rxStream) rxStream { return o })
	},
	"concat": func(b *rxBench) rxStream { return Concat(b.named("sources")...) },
	"race":   func(b *rxBench) rxStream { return Race(b.named("sources")...) },
	"zip": func(b *rxBench) rxStream {
		return rxJoined(b, b.named("sources"), func(a, z rxStream, f func(any, any) any) rxStream { return Zip(a, z, f) })
	},
	"combineLatest": func(b *rxBench) rxStream {
		return rxJoined(b, b.named("sources"), func(a, z rxStream, f func(any, any) any) rxStream { return CombineLatest(a, z, f) })
	},
	"withLatestFrom": func(b *rxBench) rxStream {
		sources := append([]rxStream{b.source()}, b.named("others")...)
		return rxJoined(b, sources, func(a, z rxStream, f func(any, any) any) rxStream { return WithLatestFrom(a, z, f) })
	},
}

// rxJoined joins any number of sources two by two, and the items by the case's
// function.
func rxJoined(b *rxBench, sources []rxStream, join func(a, z rxStream, f func(any, any) any) rxStream) rxStream {
	project := rxCombine(b.text("project"))
	joined := Map(sources[0], func(v any) any { return []any{v} })
	for i, o := range sources[1:] {
		last := i == len(sources)-2
		joined = join(joined, o, func(list, v any) any {
			all := append(list.([]any)[:i+1:i+1], v)
			if last {
				return project(all)
			}
			return all
		})
	}
	return joined
}
