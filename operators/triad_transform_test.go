package operators

import "github.com/thaw-go/thaw/stream"

func twice(n int) ints { return stream.From(n, n) }

var transformTable = []operator{
	{name: "Map", want: []int{2, 4, 6, 8}, of: func(o ints, touch func()) ints {
		return Map(o, func(n int) int { touch(); return 2 * n })
	}},
	{name: "TryMap", want: []int{2, 4, 6, 8}, of: func(o ints, touch func()) ints {
		return TryMap(o, func(n int) (int, error) { touch(); return 2 * n, nil })
	}},
	{name: "ConcatMap", keeps: true, want: []int{1, 1, 2, 2, 3, 3, 4, 4}, of: func(o ints, touch func()) ints {
		return ConcatMap(o, func(n int) ints { touch(); return twice(n) })
	}},
	{name: "MergeMap", keeps: true, want: []int{1, 1, 2, 2, 3, 3, 4, 4}, of: func(o ints, touch func()) ints {
		return MergeMap(o, 1, func(n int) ints { touch(); return twice(n) })
	}},
	{name: "SwitchMap", keeps: true, holding: true, want: []int{4, 4}, of: func(o ints, touch func()) ints {
		return SwitchMap(o, func(n int) ints { touch(); return later(twice(n)) })
	}},
	{name: "ExhaustMap", keeps: true, holding: true, want: []int{1, 1}, of: func(o ints, touch func()) ints {
		return ExhaustMap(o, func(n int) ints { touch(); return later(twice(n)) })
	}},
	{name: "Scan", holding: true, want: []int{1, 3, 6, 10}, of: func(o ints, touch func()) ints {
		return Scan(o, 0, func(s, n int) int { touch(); return s + n })
	}},
	{name: "Pairwise", holding: true, pure: true, want: []int{12, 23, 34}, of: func(o ints, _ func()) ints {
		return Map(Pairwise(o), func(pair [2]int) int { return 10*pair[0] + pair[1] })
	}},
	{name: "StartWith", pure: true, want: []int{8, 9, 1, 2, 3, 4}, empty: []int{8, 9}, of: func(o ints, _ func()) ints {
		return StartWith(o, 8, 9)
	}},
	{name: "EndWith", pure: true, want: []int{1, 2, 3, 4, 8, 9}, empty: []int{8, 9}, of: func(o ints, _ func()) ints {
		return EndWith(o, 8, 9)
	}},
	{name: "Materialize and Dematerialize", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Dematerialize(Materialize(o))
	}},
	{name: "ToSlice", keeps: true, holding: true, pure: true, want: []int{1234}, empty: []int{0}, of: func(o ints, _ func()) ints {
		return Map(ToSlice(o), digits)
	}},
	{name: "Tap", want: []int{1, 2, 3, 4}, of: func(o ints, touch func()) ints {
		return Tap(o, func(int) { touch() })
	}},
}

// digits writes numbers one after another.
func digits(items []int) (n int) {
	for _, item := range items {
		n = 10*n + item
	}
	return n
}
