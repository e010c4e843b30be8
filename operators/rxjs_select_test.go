package operators

var rxSelect = map[string]rxOperator{
	"filter": func(b *rxBench) rxStream {
		return Filter(b.source(), rxCounting(rxPredicate(b.text("predicate"))))
	},
	"take": func(b *rxBench) rxStream { return Take(b.source(), b.int("n")) },
	"skip": func(b *rxBench) rxStream { return Skip(b.source(), b.int("n")) },
}
