package purity_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/thaw-go/thaw/cmd/thawvet/purity"
)

// Each line of the packages in testdata that says what it wants is found, and no other.
//
// Breaks when: spread is left out, so that only what a function does itself is found;
// no facts are exported; or a name is left out of the lists.
func TestSideEffectsAreFoundAndNothingElse(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), purity.Analyzer, "bank", "clean")
}
