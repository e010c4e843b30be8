package operators

import "github.com/thaw-go/thaw/stream"

var transformTable = []operator{
	{name: "Map", want: []int{2, 4, 6, 8}, of: func(o ints, touch func()) ints {
		return Map(o, func(n int) int { touch(); return 2 * n })
	}},
	{name: "TryMap", want: []int{2, 4, 6, 8}, of: func(o ints, touch func()) ints {
		return TryMap(o, func(n int) (int, error) { touch(); return 2 * n, nil })
	}},
	{name: "ConcatMap", want: []int{1, 1, 2, 2, 3, 3, 4, 4}, of: func(o ints, touch func()) ints {
		return ConcatMap(o, func(n int) ints { touch(); return stream.From(n, n) })
	}},
	{name: "Scan", holding: true, want: []int{1, 3, 6, 10}, of: func(o ints, touch func()) ints {
		return Scan(o, 0, func(s, n int) int { touch(); return s + n })
	}},
	{name: "Tap", want: []int{1, 2, 3, 4}, of: func(o ints, touch func()) ints {
		return Tap(o, func(int) { touch() })
	}},
}
