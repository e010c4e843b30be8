package operators_test

import "github.com/thaw-go/thaw/operators"

func ExampleSignalOf() {
	in := lane("in: a - a - - a - |")
	flush := lane("flush: - - - f - - - -")
	whole := func(letter string) string { return letter }
	draw(operators.Distinct(in, whole, operators.Memory{Flush: operators.SignalOf(flush)}))
	// Output:
	// in     a - a - - a - |
	// flush  - - - f - - - -
	// out    a - - - - a - |
}
