package operators

import "github.com/thaw-go/thaw/stream"

var selectTable = []operator{
	{name: "Filter", want: []int{1, 3}, of: func(o ints, touch func()) ints {
		return Filter(o, func(n int) bool { touch(); return n%2 == 1 })
	}},
	{name: "IgnoreElements", pure: true, want: []int{9}, empty: []int{9}, of: func(o ints, _ func()) ints {
		return EndWith(IgnoreElements(o), 9)
	}},
	{name: "DefaultIfEmpty", holding: true, pure: true, want: []int{1, 2, 3, 4}, empty: []int{9}, of: func(o ints, _ func()) ints {
		return DefaultIfEmpty(o, 9)
	}},
	{name: "Take", holding: true, pure: true, want: []int{1, 2, 3}, of: func(o ints, _ func()) ints { return Take(o, 3) }},
	{name: "TakeWhile", want: []int{1, 2, 3}, of: func(o ints, touch func()) ints {
		return TakeWhile(o, func(n int) bool { touch(); return n < 4 })
	}},
	{name: "TakeThrough", want: []int{1, 2, 3}, of: func(o ints, touch func()) ints {
		return TakeThrough(o, func(n int) bool { touch(); return n < 3 })
	}},
	{name: "TakeLast", holding: true, pure: true, want: []int{3, 4}, of: func(o ints, _ func()) ints { return TakeLast(o, 2) }},
	{name: "TakeUntil", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return TakeUntil(o, later(later(stream.From(0))))
	}},
	{name: "Skip", holding: true, pure: true, want: []int{2, 3, 4}, of: func(o ints, _ func()) ints { return Skip(o, 1) }},
	{name: "SkipWhile", holding: true, want: []int{2, 3, 4}, of: func(o ints, touch func()) ints {
		return SkipWhile(o, func(n int) bool { touch(); return n < 2 })
	}},
	{name: "SkipLast", holding: true, pure: true, want: []int{1, 2}, of: func(o ints, _ func()) ints { return SkipLast(o, 2) }},
	{name: "SkipUntil", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return SkipUntil(later(o), stream.From(0))
	}},
	{name: "Distinct", holding: true, want: []int{1, 2, 3}, of: func(o ints, touch func()) ints {
		return Distinct(o, func(n int) int { touch(); return n % 4 % 3 }, Memory{Keys: 3, Flush: SignalOf(later(stream.From(0)))})
	}},
	{name: "DistinctUntilChanged", holding: true, want: []int{1, 2, 4}, of: func(o ints, touch func()) ints {
		return DistinctUntilChanged(o, func(a, b int) bool { touch(); return a/2 == b/2 })
	}},
}
