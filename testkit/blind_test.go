package testkit_test

import (
	"strings"
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// The lies are worth something only if a kit whose comparer finds no difference
// does not find them out.
func TestAKitThatComparesNothingBelievesLies(t *testing.T) {
	for test, least := range map[string]int{
		"TestAdapterFindsOutWhatIsWrong":           10,
		"TestLiesAboutAViewsAnswersFail":           6,
		"TestLiesAboutAViewsPastFail":              4,
		"TestLiesAboutAViewsStateFail":             10,
		"TestMarblesThatAreNotSoFail":              20,
		"TestSagaFindsOutWhatIsNotEffectivelyOnce": 2,
		"TestSagaFindsOutWrongEffects":             15,
		"TestSagaFindsOutWrongStatesEventsAndEnds": 10,
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			out, passed := child(t, test, testkit.BlindVariable)
			if believed := strings.Count(out, "it passed, or did not end"); passed || believed < least {
				t.Errorf("passed: %v; %d lies were believed, want at least %d:\n%s", passed, believed, least, out)
			}
		})
	}
}
