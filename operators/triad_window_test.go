package operators

import (
	"time"
)

// seconds makes an item's time of the item: 1 is a second after 1970 has begun.
func seconds(n int) time.Time { return time.Unix(int64(n), 0) }

var windowTable = []operator{
	{name: "Window", holding: true, want: []int{1, 5, 4}, of: func(o ints, touch func()) ints {
		by := ByTime[int, int]{Key: func(int) int { touch(); return 0 }, Time: seconds}
		return Map(Window(o, Tumbling(2*time.Second), by, 0, total), func(w Windowed[int, int]) int { return w.Value })
	}},
	{name: "Session", holding: true, want: []int{4, 6}, of: func(o ints, touch func()) ints {
		by := ByTime[int, bool]{Key: func(n int) bool { touch(); return n%2 == 1 }, Time: seconds}
		return Map(Session(o, 3*time.Second, by, 0, total, total), func(w Windowed[bool, int]) int { return w.Value })
	}},
}
