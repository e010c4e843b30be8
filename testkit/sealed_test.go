package testkit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

type sealMail struct{ mail string }

type mailSealed struct{ Mail stream.Sealed[string] }

var subscriber = aggregate.New(stream.NewTopic("subscribers", stream.Catalogue[mailSealed]{"MAIL_SET": {}}),
	func(n int, c sealMail) ([]mailSealed, error) {
		if n > 1 {
			return nil, errEnough
		}
		return []mailSealed{{stream.Seal("person/1", c.mail)}}, nil
	},
	func(n int, _ mailSealed) int { return n + 1 })

var errEnough = errors.New("twice is enough")

func sealedMail(mail string) mailSealed { return mailSealed{stream.Seal("person/1", mail)} }

// TestASpecificationComparesWhatIsSealed: events are sealed on their way into the log
// and are compared, and shown, by what is in them.
// Breaks when: encode does not close; the comparison has no openSealed; showEvent shows
// the bytes.
func TestASpecificationComparesWhatIsSealed(t *testing.T) {
	testkit.For(t, subscriber).Given(sealedMail("ann@old.example")).When(sealMail{"ann@new.example"}).Then(sealedMail("ann@new.example"))
	testkit.For(t, subscriber).Given(sealedMail("a"), sealedMail("b")).When(sealMail{"c"}).ThenError(errEnough)

	for claim, want := range map[string]mailSealed{
		"another value":   sealedMail("ben@new.example"),
		"another subject": {stream.Seal("person/2", "ann@new.example")},
	} {
		failed := strings.Join(recorded(t, func(t testing.TB) {
			testkit.For(t, subscriber).When(sealMail{"ann@new.example"}).Then(want)
		}), "\n")
		if !strings.Contains(failed, "ann@new.example") || strings.Contains(failed, `"sealed":`) {
			t.Errorf("%s: the failure does not show what is sealed:\n%s", claim, failed)
		}
	}
}

// TestARepositoryOfTheTestsOwnSealsUnderItsKeys.
// Breaks when: Keys are others than those that specifications compare under.
func TestARepositoryOfTheTestsOwnSealsUnderItsKeys(t *testing.T) {
	testkit.ForRepository(t, func(s stream.Store) *aggregate.Repository[sealMail, mailSealed, int] {
		return aggregate.NewRepositoryWith(s, subscriber, aggregate.Options{Keys: testkit.Keys()})
	}).Given(sealedMail("a")).When(sealMail{"b"}).Then(sealedMail("b"))
}
