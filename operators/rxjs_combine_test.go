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
}
