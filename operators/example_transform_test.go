package operators_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func ExampleMap() {
	in := lane("in: a - b - |")
	draw(operators.Map(in, strings.ToUpper))
	// Output:
	// in   a - b - |
	// out  A - B - |
}

func ExampleTryMap() {
	in := lane("in: a - x - b - |")
	draw(operators.TryMap(in, func(letter string) (string, error) {
		if letter == "x" {
			return "", errors.New("no x, please")
		}
		return strings.ToUpper(letter), nil
	}))
	// Output:
	// in   a - x - b - |
	// out  A - #
}

func ExamplePayloads() {
	a := &stream.Event[string]{Data: "a"}
	b := &stream.Event[string]{Data: "b"}
	draw(operators.Payloads(stream.From(a, b)))
	// Output:
	// out  (ab|)
}

func ExampleScan() {
	in := lane("in: a - b - c - |")
	draw(operators.Scan(in, ">", func(line, letter string) string { return line + letter }))
	// Output:
	// in   a - b - c - |
	// out  x - y - z - |
	//
	// x  >a
	// y  >ab
	// z  >abc
}

func ExampleTap() {
	in := lane("in: a - b - |")
	draw(operators.Tap(in, func(letter string) { fmt.Println("saw", letter) }))
	// Output:
	// saw a
	// saw b
	// in   a - b - |
	// out  a - b - |
}

func ExamplePairwise() {
	in := lane("in: a - b - c - |")
	draw(operators.Pairwise(in))
	// Output:
	// in   a - b - c - |
	// out  - - x - y - |
	//
	// x  [a b]
	// y  [b c]
}

func ExampleStartWith() {
	in := lane("in: - - a - b - |")
	draw(operators.StartWith(in, "s"))
	// Output:
	// in   - - a - b - |
	// out  s - a - b - |
}

func ExampleEndWith() {
	in := lane("in: a - b - |")
	draw(operators.EndWith(in, "e"))
	// Output:
	// in   a - b - |
	// out  a - b - (e|)
}

func ExampleToSlice() {
	in := lane("in: a - b - |")
	draw(operators.ToSlice(in))
	// Output:
	// in   a - b - |
	// out  - - - - (x|)
	//
	// x  [a b]
}

func ExampleMaterialize() {
	in := lane("in: a - b - #")
	told := operators.Materialize(in)
	draw(operators.Map(told, func(n operators.Notification[string]) string {
		if n.Done {
			return "e"
		}
		return n.Item
	}))
	// Output:
	// in   a - b - #
	// out  a - b - (e|)
}

func ExampleDematerialize() {
	in := lane("in: a - b - e - c - |")
	told := operators.Map(in, func(letter string) operators.Notification[string] {
		if letter == "e" {
			return operators.Notification[string]{Done: true, Err: errors.New("told")}
		}
		return operators.Notification[string]{Item: letter}
	})
	draw(operators.Dematerialize(told))
	// Output:
	// in   a - b - e - c - |
	// out  a - b - #
}
