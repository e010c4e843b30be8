package operators

var failureTable = []operator{
	{name: "Catch", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Catch(o, func(err error) ints { return Throw[int](err) })
	}},
	{name: "OnErrorResume", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		var failed error
		return OnErrorResume(o, Defer(func() ints {
			if failed != nil {
				return Throw[int](failed)
			}
			return Empty[int]()
		}), func(err error) { failed = err })
	}},
	{name: "TryMapElse", want: []int{2, 6}, of: func(o ints, touch func()) ints {
		return TryMapElse(o, func(n int) (int, error) {
			touch()
			if n%2 == 0 {
				return 0, errSource
			}
			return 2 * n, nil
		}, func(int, error) error { return nil })
	}},
	{name: "Retry", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Retry(o, Retries{Attempts: 1})
	}},
	{name: "Repeat", holding: true, pure: true, want: []int{1, 2, 3, 4, 1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Repeat(o, 2, 0)
	}},
}
