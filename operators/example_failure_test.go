package operators_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func ExampleCatch() {
	in := lane("in: a - b - #")
	draw(operators.Catch(in, func(error) stream.Observable[stream.Cold, string] { return letters("x - y |") }))
	// Output:
	// in   a - b - #
	// out  a - b - x - y |
}

func ExampleOnErrorResume() {
	in := lane("in: a - b - #")
	draw(operators.OnErrorResume(in, letters("x - y |"), func(err error) { fmt.Println("told:", err) }))
	// Output:
	// told: the source failed
	// in   a - b - #
	// out  a - b - x - y |
}

func ExampleTryMapElse() {
	in := lane("in: a - b - c |")
	capital := func(letter string) (string, error) {
		if letter == "b" {
			return "", errors.New("b can not be a capital")
		}
		return strings.ToUpper(letter), nil
	}
	var parked []string
	draw(operators.TryMapElse(in, capital, func(letter string, err error) error {
		parked = append(parked, letter)
		return nil
	}))
	fmt.Println("parked", parked)
	// Output:
	// in   a - b - c |
	// out  A - - - C |
	// parked [b]
}

func ExampleRetry() {
	in := lane("in: a - b - #")
	draw(operators.Retry(in, operators.Retries{Attempts: 2, Wait: 2 * time.Millisecond}))
	// Output:
	// in   a - b - #
	// out  a - b - - - a - b - #
}

func ExampleRepeat() {
	in := lane("in: a - b - |")
	draw(operators.Repeat(in, 2, 0))
	// Output:
	// in   a - b - |
	// out  a - b - a - b - |
}
