package golden_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/testkit/golden"
)

// printing is a test that prints what it reports, so that an example can show it.
type printing struct{ testing.TB }

func (printing) Helper()                           {}
func (printing) Errorf(format string, args ...any) { fmt.Printf(format, args...) }

// comparing makes sure that the example does not write its file.
func comparing() (back func()) {
	was := flag.Lookup("update").Value.String()
	_ = flag.Set("update", "false") // it is a bool: this can not fail
	return func() { _ = flag.Set("update", was) }
}

func ExampleText() {
	defer comparing()()
	var t printing // in a test: its *testing.T

	golden.Text(t, "greeting.txt", "Good morning,\nAnn!\n") // as in testdata/greeting.txt
	golden.Text(t, "greeting.txt", "Good morning,\nBob!\n")
	// Output:
	// golden: testdata/greeting.txt is another one (- want, + got); if it is right now, run the test with -update
	//   line 2:
	//     Good morning,
	//   - Ann!
	//   + Bob!
}
