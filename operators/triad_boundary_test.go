package operators

var boundaryTable = []operator{
	{name: "ObserveOn", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints { return ObserveOn(o, 2, Block) }},
	{name: "Parallel", keeps: true, want: []int{2, 4, 6, 8}, of: func(o ints, touch func()) ints {
		return Parallel(o, 2, func(n int) (int, error) { touch(); return 2 * n, nil })
	}},
}
