package operators

var selectTable = []operator{
	{name: "Filter", want: []int{1, 3}, of: func(o ints, touch func()) ints {
		return Filter(o, func(n int) bool { touch(); return n%2 == 1 })
	}},
	{name: "Take", holding: true, pure: true, want: []int{1, 2, 3}, of: func(o ints, _ func()) ints { return Take(o, 3) }},
	{name: "TakeWhile", want: []int{1, 2, 3}, of: func(o ints, touch func()) ints {
		return TakeWhile(o, func(n int) bool { touch(); return n < 4 })
	}},
	{name: "Skip", holding: true, pure: true, want: []int{2, 3, 4}, of: func(o ints, _ func()) ints { return Skip(o, 1) }},
	{name: "DistinctUntilChanged", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints { return DistinctUntilChanged(o) }},
}
