package operators

import (
	"time"

	"github.com/thaw-go/thaw/stream"
)

// caughtUp is a view that has caught up, with a sum of 10.
func caughtUp() *View[int, int] {
	v := NewView("sum", func() int { return 10 }, total)
	v.run.mark.Live = true
	return v
}

var joinTable = []operator{
	{name: "Join", holding: true, keeps: true, want: []int{11, 22, 33, 44}, of: func(o ints, touch func()) ints {
		on := JoinOn[int, int, int]{
			Left:  func(n int) (int, time.Time) { touch(); return n, seconds(n) },
			Right: func(n int) (int, time.Time) { return n / 10, seconds(n / 10) },
		}
		return Join(o, stream.From(11, 20, 30, 40), on, func(a, b int) int { return a + b/10*10 })
	}},
	{name: "JoinView", want: []int{11, 12, 13, 14}, of: func(o ints, touch func()) ints {
		return JoinView(o, caughtUp(), func(n, sum int) int { touch(); return n + sum })
	}},
}
