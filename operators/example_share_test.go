package operators_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// both prints what the first subscriber gets, and one that comes later.
func both(o stream.Observable[stream.Hot, string]) {
	var got [2][]string
	inVirtualTime(func(ctx context.Context) {
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				time.Sleep(time.Duration(3*i) * ms) // virtual time: in a bubble
				_ = o.Run(ctx, func(letter string) error { got[i] = append(got[i], letter); return nil })
			})
		}
		all.Wait()
	})
	fmt.Println("first", got[0])
	fmt.Println("late ", got[1])
}

func ExampleShare() {
	both(operators.Share(letters("a - b - c |"), 16, operators.Fail))
	// Output:
	// first [a b c]
	// late  [c]
}

func ExampleReplay() {
	both(operators.Replay(letters("a - b - c |"), operators.Recent{Count: 1}, 16, operators.Fail))
	// Output:
	// first [a b c]
	// late  [b c]
}

func ExampleObserveOn() {
	in := lane("in: a b c d - - |")
	buffered := operators.ObserveOn(in, 1, operators.DropOldest)
	draw(operators.Tap(buffered, func(string) { time.Sleep(2500 * time.Microsecond) }))
	// Output:
	// in   a - b - c - d - - - - - | -
	// out  - - - - - a - - - - c - - - - (d|) -
	//
	// one token is 500us
}

func ExampleParallel() {
	in := lane("in: a b c d |")
	draw(operators.Parallel(in, 2, func(letter string) (string, error) {
		time.Sleep(2 * ms) // virtual time: in a bubble
		return letter, nil
	}))
	// Output:
	// in   a b c d |
	// out  - - a b c (d|)
}
