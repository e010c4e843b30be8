package operators_test

import (
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func ExampleDebounce() {
	in := lane("in: a - - b c - - - - d |")
	draw(operators.Debounce(in, 2*ms))
	// Output:
	// in   a - - b c - - - - d |
	// out  - - a - - - c - - - (d|)
}

func ExampleThrottle() {
	in := lane("in: a - b c - - - - - d - |")
	draw(operators.Throttle(in, 4*ms, operators.Leading|operators.Trailing))
	// Output:
	// in   a - b c - - - - - d - |
	// out  a - - - c - - - - d - |
}

func ExampleAudit() {
	in := lane("in: a - b - - - c - |")
	draw(operators.Audit(in, 3*ms))
	// Output:
	// in   a - b - - - c - |
	// out  - - - b - - - - - (c|)
}

func ExampleSample() {
	in := lane("in: a - b - - - c - d - |")
	notifier := lane("notifier: - - - x - x - x - - -")
	draw(operators.Sample(in, notifier))
	// Output:
	// in        a - b - - - c - d - |
	// notifier  - - - x - x - x - - -
	// out       - - - b - - - c - - |
}

func ExampleDelay() {
	in := lane("in: a - b - |")
	draw(operators.Delay(in, 3*ms, 100))
	// Output:
	// in   a - b - |
	// out  - - - a - (b|)
}

func ExampleTimeout() {
	in := lane("in: a - b - - - - c - |")
	draw(operators.Timeout(in, operators.Patience[string]{
		Each: 3 * ms,
		With: func() stream.Observable[stream.Cold, string] { return stream.From("z") },
	}))
	// Output:
	// in   a - b - - -    - c - |
	// out  a - b - - (z|)
}

func ExampleBuffer() {
	in := lane("in: a - b - c - d - e - |")
	draw(operators.Buffer(in, operators.Batch{Items: 2}))
	// Output:
	// in   a - b - c - d - e - |
	// out  - - x - - - y - - - (z|)
	//
	// x  [a b]
	// y  [c d]
	// z  [e]
}
