package operators

var rxTransform = map[string]rxOperator{
	"map": func(b *rxBench) rxStream {
		return Map(b.source(), rxCounting(rxProject(b.text("project"))))
	},
	"scan": func(b *rxBench) rxStream {
		return Scan(b.source(), rxArg[any](b, "seed"), rxFold(b))
	},
	"concatMap": func(b *rxBench) rxStream { return ConcatMap(b.source(), b.inner()) },
}

// rxFold is a case's accumulating function. Without a seed the first item is the
// result for it, and the function is not called.
func rxFold(b *rxBench) func(acc, v any) any {
	f, seeded := rxAccumulate(b.text("accumulate")), b.has("seed")
	return func(acc, v any) any {
		if !seeded {
			seeded = true
			return v
		}
		return f(acc, v)
	}
}
