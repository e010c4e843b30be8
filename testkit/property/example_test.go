package property_test

import (
	"errors"
	"fmt"
	"strings"

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
	// What was given, the command and the state follow; how short they are depends
	// on the time that rapid has.
	what, _, _ := strings.Cut(t.lines[len(t.lines)-1], "\n")
	fmt.Println(what)
	// Output: an invariant is broken: more than two
}
