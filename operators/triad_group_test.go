package operators

var groupTable = []operator{
	{name: "ScanBy", holding: true, want: []int{1, 2, 4, 6}, of: func(o ints, touch func()) ints {
		odd := Keys[int, bool, int]{Of: func(n int) bool { touch(); return n%2 == 1 }}
		return Map(ScanBy(o, odd, 0, total), func(k Keyed[bool, int]) int { return k.Value })
	}},
	{name: "ReduceBy", holding: true, want: []int{4, 6}, of: func(o ints, touch func()) ints {
		odd := Keys[int, bool, int]{Of: func(n int) bool { touch(); return n%2 == 1 }}
		return Map(ReduceBy(o, odd, 0, total), func(k Keyed[bool, int]) int { return k.Value })
	}},
	{name: "GroupBy", holding: true, keeps: true, want: []int{1, 2, 4, 6}, of: func(o ints, touch func()) ints {
		odd := func(n int) bool { touch(); return n%2 == 1 }
		return GroupBy(o, odd, Groups{}, func(_ bool, group ints) ints { return Scan(group, 0, total) })
	}},
	{name: "WindowCount", holding: true, keeps: true, want: []int{1, 3, 3, 7}, of: func(o ints, touch func()) ints {
		return WindowCount(o, 2, 0, func(window ints) ints { touch(); return Scan(window, 0, total) })
	}},
}
