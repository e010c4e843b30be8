package main

import (
	"testing"

	"github.com/thaw-go/thaw/testkit/golden"
)

// What is in a log stays there: whoever changes an event must say how the old ones
// are read.
func TestEveryPayloadEverStoredIsStillRead(t *testing.T) {
	golden.Payloads(t, Users, "payloads", EmailSet{"ann@old.example"}, NameSet{"Ann"})
}
