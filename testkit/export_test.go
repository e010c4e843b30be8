package testkit

import (
	"os"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/testkit/marble"
)

// With this environment variable set, the kit's comparer finds no difference
// anywhere.
const BlindVariable = "THAW_TESTKIT_BLIND"

func init() {
	if os.Getenv(BlindVariable) != "" {
		compare = func(_, _ marble.Lane) []marble.Difference { return nil }
	}
}

// Test runs a case as the test t, so that a failing one can be tested.
func (c Case[C, E, S]) Test(t testing.TB, d aggregate.Decider[C, E, S]) {
	c.test(t, ofDecider(d), place{text: "table_test.go:1"})
}
