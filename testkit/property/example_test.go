package property_test

import (
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/testkit/property"
	"pgregory.net/rapid"
)

// In a test of one's own, t is the *testing.T. Here it is told what rapid would
// tell it: a limit that three commands pass.
func ExampleCheck() {
	d := aggregate.New(tallies, decideTally, evolveTally)
	t := &recorder{name: "ExampleCheck"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		property.Check(t, d, rapid.Just(count{"x", 1}), func(s tally) error {
			if s.Counts["x"] > 2 {
				return errors.New("more than two")
			}
			return nil
		})
	}()
	<-done
	fmt.Println(t.lines[len(t.lines)-1])
	// Output:
	// an invariant is broken: more than two
	//   given  COUNTED {"Name":"x","By":1}
	//          COUNTED {"Name":"x","By":1}
	//   when   count{Name:"x", By:1}
	//   then   COUNTED {"Name":"x","By":1}
	//   state  tally{Counts:map[string]int{"x":3}}
}
