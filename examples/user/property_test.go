package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/thaw-go/thaw/testkit/property"
	"pgregory.net/rapid"
)

// Whatever users are asked, in whatever order.
func TestAnyUser(t *testing.T) {
	texts := rapid.SampledFrom([]string{"", "a@example", "b@example", "c@example"})
	commands := rapid.OneOf(
		rapid.Map(texts, func(s string) Command { return SetEmail{s} }),
		rapid.Map(texts, func(s string) Command { return SetName{s} }),
		rapid.Just[Command](nil),
	)
	property.Check(t, User, commands, func(s State) error {
		if emails := slices.Sorted(slices.Values(s.Emails)); len(slices.Compact(emails)) < len(s.Emails) {
			return fmt.Errorf("an e-mail was set twice: %q", s.Emails)
		}
		return nil
	})
}
