package testkit

import (
	"testing"

	"github.com/thaw-go/thaw/aggregate"
)

// Test runs a case as the test t, so that a failing one can be tested.
func (c Case[C, E, S]) Test(t testing.TB, d aggregate.Decider[C, E, S]) {
	c.test(t, ofDecider(d), place{text: "table_test.go:1"})
}
