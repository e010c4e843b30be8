package operators

import "github.com/thaw-go/thaw/stream"

var combineTable = []operator{
	{name: "Merge", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Merge(o, stream.From[int]())
	}},
}
