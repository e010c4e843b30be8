package testkit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

func ExampleMarbles() {
	inATest(func(t *testing.T) { // a test has it
		users := user.Topic
		events := testkit.Values[*stream.Event[EmailSet]]{
			"a": users.Event("ann", EmailSet{"ann@old"}),
			"b": users.Event("ann", EmailSet{"ann@new"}),
			"c": users.Event("bob", EmailSet{"bob@new"}),
		}
		trace := testkit.Marbles(t, func(b *testkit.Board) {
			testkit.Events(b, "log", users, "[ab] ^ - c", events)

			names := operators.Map(replay.ColdHot(b.Log(), users), func(e *stream.Event[EmailSet]) string {
				name, _, _ := strings.Cut(e.Data.Email, "@")
				return name
			})
			changed := operators.DistinctUntilChanged(names, operators.Equal)
			testkit.Expect(b, "names", changed, "(x~) - y", testkit.Values[string]{"x": "ann", "y": "bob"})

			mailer := replay.Hot(b.Log(), users)
			testkit.Expect(b, "mailer", mailer, "- - c - c'").Subscribed("^ - - % ^")
		})
		fmt.Print(trace.Text())
	})
	// Output:
	//   log         [ab] ^    - c
	//   names            (x~) - y
	//   mailer sub       ^    - - % ^
	//   mailer           -    - c - c'
	//
	//   a  users/ann EMAIL_SET {"Email":"ann@old"}
	//   b  users/ann EMAIL_SET {"Email":"ann@new"}
	//   c  users/bob EMAIL_SET {"Email":"bob@new"}
	//   x  "ann"
	//   y  "bob"
}
