package operators_test

import (
	"github.com/thaw-go/thaw/operators"
)

func ExampleDebounce() {
	in := lane("in: a b c - - - d - - |")
	draw(operators.Debounce(in, 2*ms))
	// Output:
	// in   a b c - - - d - - |
	// out  - - - - c - - - d |
}

func ExampleThrottle() {
	in := lane("in: a b c - d - - - e |")
	draw(operators.Throttle(in, 3*ms, operators.Leading))
	// Output:
	// in   a b c - d - - - e |
	// out  a - - - d - - - e |
}

func ExampleAudit() {
	in := lane("in: a b c - - d - - - |")
	draw(operators.Audit(in, 3*ms))
	// Output:
	// in   a b c - - d - - - |
	// out  - - - c - - - - d |
}

func ExampleSample() {
	in := lane("in: a b - c - - d e - |")
	clock := lane("clock: - - x - - x - - x -")
	draw(operators.Sample(in, clock))
	// Output:
	// in     a b - c - - d e - |
	// clock  - - x - - x - - x -
	// out    - - b - - c - - e |
}

func ExampleDelay() {
	in := lane("in: a - b c - |")
	draw(operators.Delay(in, 2*ms, 10))
	// Output:
	// in   a - b c - |
	// out  - - a - b (c|)
}

func ExampleTimeout() {
	in := lane("in: a - b - - - - c |")
	draw(operators.Timeout(in, operators.Patience[string]{Each: 3 * ms}))
	// Output:
	// in   a - b - - - - c |
	// out  a - b - - #
}

func ExampleBuffer() {
	in := lane("in: a b c - d e |")
	draw(operators.Buffer(in, operators.Batch{Items: 2}))
	// Output:
	// in   a b c - d e |
	// out  - x - - y - (z|)
	//
	// x  [a b]
	// y  [c d]
	// z  [e]
}
