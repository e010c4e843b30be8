package stream_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if any test leaves a goroutine behind.
//
// Guarantee 10: No goroutine outlives its run.
// Breaks when: runAhead returns without draining its queue; when neither runRx
// nor drainRx cancels the context of the run (each does).
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noLeak fails the test if it leaves a goroutine behind that it did not find.
func noLeak(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}
