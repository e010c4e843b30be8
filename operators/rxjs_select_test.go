package operators

var rxSelect = map[string]rxOperator{
	"filter":    func(b *rxBench) rxStream { return Filter(b.source(), b.predicate()) },
	"take":      func(b *rxBench) rxStream { return Take(b.source(), b.int("n")) },
	"takeLast":  func(b *rxBench) rxStream { return TakeLast(b.source(), b.int("n")) },
	"takeUntil": func(b *rxBench) rxStream { return TakeUntil(b.source(), b.input(b.text("notifier"))) },
	"takeWhile": func(b *rxBench) rxStream {
		if rxArg[bool](b, "inclusive") {
			return TakeThrough(b.source(), b.predicate())
		}
		return TakeWhile(b.source(), b.predicate())
	},
	"skip":      func(b *rxBench) rxStream { return Skip(b.source(), b.int("n")) },
	"skipLast":  func(b *rxBench) rxStream { return SkipLast(b.source(), b.int("n")) },
	"skipUntil": func(b *rxBench) rxStream { return SkipUntil(b.source(), b.input(b.text("notifier"))) },
	"skipWhile": func(b *rxBench) rxStream { return SkipWhile(b.source(), b.predicate()) },
	"distinct": func(b *rxBench) rxStream {
		key, memory := func(v any) any { return v }, Memory{}
		if b.has("key") {
			key = rxKey(b.text("key"))
		}
		if b.has("flushes") {
			memory.Flush = SignalOf(b.input(b.text("flushes")))
		}
		return Distinct(b.source(), key, memory)
	},
	"distinctUntilChanged": func(b *rxBench) rxStream {
		same := rxComparator(b.text("comparator"))
		if !b.has("key") {
			return DistinctUntilChanged(b.source(), same)
		}
		key := rxKey(b.text("key"))
		keyed := DistinctUntilChanged(Map(b.source(), func(v any) [2]any { return [2]any{v, key(v)} }),
			func(last, item [2]any) bool { return same(last[1], item[1]) })
		return Map(keyed, func(pair [2]any) any { return pair[0] })
	},
	"ignoreElements": func(b *rxBench) rxStream { return IgnoreElements(b.source()) },
	"defaultIfEmpty": func(b *rxBench) rxStream { return DefaultIfEmpty(b.source(), rxArg[any](b, "default")) },
}

// predicate is a case's predicate.
func (b *rxBench) predicate() func(any) bool {
	if !b.has("predicate") {
		return func(any) bool { return true }
	}
	return rxCounting(rxPredicate(b.text("predicate")))
}
