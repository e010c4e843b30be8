package operators

var rxTransform = map[string]rxOperator{
	"map": func(b *rxBench) rxStream {
		return Map(b.source(), rxCounting(rxProject(b.text("project"))))
	},
	"scan": func(b *rxBench) rxStream {
		return Scan(b.source(), rxArg[any](b, "seed"), rxFold(b))
	},
	"pairwise": func(b *rxBench) rxStream {
		return Map(Pairwise(b.source()), func(pair [2]any) any { return pair[:] })
	},
	"concatMap": func(b *rxBench) rxStream { return ConcatMap(b.source(), b.inner()) },
	"mergeMap": func(b *rxBench) rxStream {
		return MergeMap(b.source(), b.int("concurrent"), b.inner())
	},
	"switchMap":  func(b *rxBench) rxStream { return SwitchMap(b.source(), b.inner()) },
	"exhaustMap": func(b *rxBench) rxStream { return ExhaustMap(b.source(), b.inner()) },
	"startWith":  func(b *rxBench) rxStream { return StartWith(b.source(), rxArg[[]any](b, "values")...) },
	"endWith":    func(b *rxBench) rxStream { return EndWith(b.source(), rxArg[[]any](b, "values")...) },
	"toArray": func(b *rxBench) rxStream {
		return Map(ToSlice(b.source()), func(items []any) any { return items })
	},
	"materialize": func(b *rxBench) rxStream {
		return Map(Materialize(b.source()), func(n Notification[any]) any {
			switch {
			case !n.Done:
				return map[string]any{"kind": "N", "value": n.Item}
			case n.Err != nil:
				return map[string]any{"kind": "E", "error": rxErrorValue(n.Err)}
			}
			return map[string]any{"kind": "C"}
		})
	},
	"dematerialize": func(b *rxBench) rxStream {
		return Dematerialize(Map(b.source(), func(v any) Notification[any] {
			n := v.(map[string]any)
			switch n["kind"] {
			case "N":
				return Notification[any]{Item: n["value"]}
			case "E":
				return Notification[any]{Done: true, Err: &rxThrown{n["error"]}}
			}
			return Notification[any]{Done: true}
		}))
	},
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
