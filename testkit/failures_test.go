package testkit_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/golden"
)

var lineNumber = regexp.MustCompile(`_test\.go:\d+:`)

// wantSample compares a failure, word for word, with a file of testdata/failures,
// so that what people read is reviewed like code. Whatever its line, it is 41.
func wantSample(t *testing.T, name, got string) {
	t.Helper()
	got = lineNumber.ReplaceAllString(got, "_test.go:41:")
	golden.Text(t, "failures/"+name+".txt", strings.TrimRight(got, "\n")+"\n")
}

type cardSpec = testkit.Spec[cardCommand, cardEvent, cardState]

func TestSampleFailuresOfAggregates(t *testing.T) {
	forgets := func(log stream.Store) *aggregate.Repository[cardCommand, cardEvent, cardState] {
		return aggregate.NewRepository(forgetful{log}, card)
	}
	for name, test := range map[string]func(cardSpec){
		"aggregate-wrong-field": func(s cardSpec) {
			s.Given(CardIssued{"ann"}, CardToppedUp{100}).When(RedeemCard{30}).Then(CardRedeemed{20})
		},
		"aggregate-missing-event": func(s cardSpec) {
			s.When(IssueCard{"ann"}).Then(CardIssued{"ann"}, CardToppedUp{100})
		},
		"aggregate-refused": func(s cardSpec) {
			s.Given(CardIssued{"ann"}, CardToppedUp{20}).When(RedeemCard{30}).Then(CardRedeemed{30})
		},
		"aggregate-wrong-state": func(s cardSpec) {
			s.Given(CardIssued{"ann"}, CardToppedUp{100}).When(RedeemCard{30}).ThenState(cardState{Issued: true, Cents: 100})
		},
		"aggregate-command-twice": func(s cardSpec) {
			s.Given(CardIssued{"ann"}, CardToppedUp{100}).WhenTwice(RedeemCard{30}).Then(CardRedeemed{30})
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := recorded(t, func(t testing.TB) {
				if name == "aggregate-command-twice" {
					test(testkit.ForRepository(t, forgets))
					return
				}
				test(testkit.For(t, card))
			})
			if len(got) != 1 {
				t.Fatalf("got %q, want one failure", got)
			}
			wantSample(t, name, got[0])
		})
	}
}
