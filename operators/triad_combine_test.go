package operators

import (
	"time"

	"github.com/thaw-go/thaw/stream"
)

var combineTable = []operator{
	{name: "Merge", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Merge(o, stream.From[int]())
	}},
	{name: "MergeByTime", holding: true, want: []int{0, 1, 2, 3, 3, 4}, empty: []int{0, 3}, of: func(o ints, touch func()) ints {
		return MergeByTime(func(n int) time.Time { touch(); return time.Unix(int64(n), 0) }, o, stream.From(0, 3))
	}},
	{name: "Concat", holding: true, pure: true, want: []int{1, 2, 3, 4, 8, 9}, empty: []int{8, 9}, of: func(o ints, _ func()) ints {
		return Concat(o, stream.From(8), stream.From(9))
	}},
	{name: "Zip", holding: true, want: []int{11, 22, 33, 44}, of: func(o ints, touch func()) ints {
		return Zip(o, stream.From(10, 20, 30, 40, 50), func(a, b int) int { touch(); return a + b })
	}},
	{name: "CombineLatest", holding: true, want: []int{21, 22, 23, 24}, of: func(o ints, touch func()) ints {
		return CombineLatest(later(o), stream.From(10, 20), func(a, b int) int { touch(); return a + b })
	}},
	{name: "WithLatestFrom", holding: true, want: []int{21, 22, 23, 24}, of: func(o ints, touch func()) ints {
		return WithLatestFrom(later(o), stream.From(10, 20), func(a, b int) int { touch(); return a + b })
	}},
	{name: "Race", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Race(o, later(stream.From(0)))
	}},
}
