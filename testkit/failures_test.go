package testkit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// updateFailures, in the environment, writes testdata/failures anew.
const updateFailures = "THAW_TESTKIT_UPDATE"

var lineNumber = regexp.MustCompile(`_test\.go:\d+:`)

// wantSample compares a failure, word for word, with a file of testdata/failures,
// so that what people read is reviewed like code. Lines of the test's own file
// are line 41.
func wantSample(t *testing.T, name, got string) {
	t.Helper()
	got = strings.TrimRight(lineNumber.ReplaceAllString(got, "_test.go:41:"), "\n") + "\n"
	file := filepath.Join("testdata", "failures", name+".txt")
	if os.Getenv(updateFailures) != "" {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s: got\n%s\nwant\n%s\n(%s=1 writes it anew)", file, got, want, updateFailures)
	}
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
