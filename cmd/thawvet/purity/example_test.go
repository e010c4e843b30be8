package purity_test

import (
	"fmt"

	"github.com/thaw-go/thaw/cmd/thawvet/purity"
)

// The analyzer may stand beside others in a program of one's own.
func Example() {
	fmt.Println(purity.Analyzer.Name)
	// Output: thawpure
}
