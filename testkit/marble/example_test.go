package marble_test

import (
	"fmt"
	"time"

	"github.com/thaw-go/thaw/testkit/marble"
)

func ExampleParse() {
	lane, err := marble.Parse("ab ^ - c - [de] - |", time.Millisecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range lane.Points {
		fmt.Print(p.At, p.Name, " ")
	}
	fmt.Println("until", lane.End)

	_, err = marble.Parse("ab ^ - c | d", time.Millisecond)
	fmt.Println(err)
	// Output:
	// -2msa -1msb 0s 2msc 4msd 4mse 6ms until 7ms
	// marble: column 12: after '|': nothing may follow it but time, a % or a ^
	//   ab ^ - c | d
	//              ^
}
