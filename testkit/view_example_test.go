package testkit_test

import (
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// changes counts how often each user has set an e-mail.
var changes = operators.NewView("changes", func() map[string]int { return map[string]int{} },
	func(s map[string]int, e *stream.Event[EmailSet]) map[string]int {
		s[e.Stream.Key]++
		return s
	})

func ExampleForView() {
	inATest(func(t *testing.T) { // a test has it
		users := user.Topic
		source := func(log stream.Log) stream.Observable[stream.ColdHot, *stream.Event[EmailSet]] {
			return replay.ColdHot(log, users)
		}
		of := func(name string) func(map[string]int) int { return func(s map[string]int) int { return s[name] } }

		spec := testkit.ForView(t, changes, source).
			Given(testkit.Happened(users, "ann", EmailSet{"ann@old"}, EmailSet{"ann@new"})).
			Then(map[string]int{"ann": 2}).
			When(testkit.Happened(users, "bob", EmailSet{"bob@new"})).
			Then(map[string]int{"ann": 2, "bob": 1}).
			AsOf(1).Then(map[string]int{"ann": 1}).
			WhenCrash()
		spec = testkit.Answer(spec, "bob's changes", of("bob"), 1)
		spec = testkit.Answers(spec, "bob's changes", of("bob"), "x y -", testkit.Values[int]{"x": 0, "y": 1})

		fmt.Print(spec.Trace().Text())
	})
	// Output:
	//   log   [ab] ^ c %
	//   view       A B -
	//
	//   A  map[string]int{"ann":2}
	//   B  map[string]int{"ann":2, "bob":1}
	//   a  users/ann EMAIL_SET {"Email":"ann@old"}
	//   b  users/ann EMAIL_SET {"Email":"ann@new"}
	//   c  users/bob EMAIL_SET {"Email":"bob@new"}
}
