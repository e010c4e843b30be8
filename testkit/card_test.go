package testkit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/marble"
)

// The card is what docs/testing.md shows: every line of Go there stands in a
// file of this directory.

type cardEvent interface{ isCardEvent() }

type (
	CardIssued   struct{ Owner string }
	CardToppedUp struct{ Cents int }
	CardRedeemed struct{ Cents int }
)

func (CardIssued) isCardEvent()   {}
func (CardToppedUp) isCardEvent() {}
func (CardRedeemed) isCardEvent() {}

type cardCommand interface{ isCardCommand() }

type (
	IssueCard  struct{ Owner string }
	RedeemCard struct{ Cents int }
)

func (IssueCard) isCardCommand()  {}
func (RedeemCard) isCardCommand() {}

type cardState struct {
	Issued bool
	Cents  int
}

var errNoCard = errors.New("there is no such card")

// ShortError says how much there is.
type ShortError struct{ Has, Wants int }

func (e *ShortError) Error() string {
	return fmt.Sprintf("the card has %d cents, not %d", e.Has, e.Wants)
}

var cards = stream.NewTopicWith("cards", stream.Catalogue[cardEvent]{
	"ISSUED": CardIssued{}, "TOPPED_UP": CardToppedUp{}, "REDEEMED": CardRedeemed{},
}, stream.TopicOptions[cardEvent]{Upcasters: map[string][]stream.Upcaster{"TOPPED_UP": {wholeToCents}}})

// wholeToCents brings TOPPED_UP from schema 1, which had no cents, to schema 2.
func wholeToCents(data []byte) ([]byte, error) {
	var old struct{ Amount int }
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(CardToppedUp{100 * old.Amount})
}

var card = aggregate.New(cards, decideCard, evolveCard)

func decideCard(s cardState, c cardCommand) ([]cardEvent, error) {
	switch c := c.(type) {
	case IssueCard:
		if s.Issued {
			return nil, nil
		}
		return []cardEvent{CardIssued(c)}, nil
	case RedeemCard:
		if !s.Issued {
			return nil, errNoCard
		}
		if c.Cents > s.Cents {
			return nil, &ShortError{Has: s.Cents, Wants: c.Cents}
		}
		return []cardEvent{CardRedeemed(c)}, nil
	}
	return nil, fmt.Errorf("an card knows no %T", c)
}

func evolveCard(s cardState, e cardEvent) cardState {
	switch e := e.(type) {
	case CardIssued:
		s.Issued = true
	case CardToppedUp:
		s.Cents += e.Cents
	case CardRedeemed:
		s.Cents -= e.Cents
	}
	return s
}

func TestCard(t *testing.T) {
	t.Run("what is there can be redeemed", func(t *testing.T) {
		testkit.For(t, card).
			Given(CardIssued{"ann"}, CardToppedUp{100}).
			When(RedeemCard{30}).
			Then(CardRedeemed{30}).
			ThenState(cardState{Issued: true, Cents: 70})
	})
	t.Run("issuing twice changes nothing", func(t *testing.T) {
		testkit.For(t, card).Given(CardIssued{"ann"}).When(IssueCard{"ann"}).ThenNothing()
	})
	t.Run("a refusal, by errors.Is and by type", func(t *testing.T) {
		testkit.For(t, card).When(RedeemCard{30}).ThenError(errNoCard)

		var short *ShortError
		testkit.For(t, card).Given(CardIssued{"ann"}, CardToppedUp{10}).When(RedeemCard{30}).ThenErrorAs(&short)
		if short.Has != 10 {
			t.Errorf("got %d cents, want 10", short.Has)
		}
	})
	t.Run("an event as it was stored years ago", func(t *testing.T) {
		testkit.For(t, card).
			Given(CardIssued{"ann"}).
			GivenStored("TOPPED_UP", 1, `{"Amount": 5}`).
			When(RedeemCard{500}).Then(CardRedeemed{500})
	})
	t.Run("one command after another", func(t *testing.T) {
		testkit.For(t, card).
			When(IssueCard{"ann"}).Then(CardIssued{"ann"}).
			Given(CardToppedUp{100}).
			When(RedeemCard{80}).Then(CardRedeemed{80}).
			When(RedeemCard{80}).ThenErrorAs(new(*ShortError)).
			ThenVersion(3)
	})
	t.Run("another writer comes between load and append", func(t *testing.T) {
		testkit.For(t, card).
			Given(CardIssued{"ann"}, CardToppedUp{100}).
			Meanwhile(CardRedeemed{80}).
			When(RedeemCard{80}).
			ThenErrorAs(new(*ShortError))
	})
	t.Run("the same command twice takes effect once", func(t *testing.T) {
		testkit.For(t, card).
			Given(CardIssued{"ann"}, CardToppedUp{100}).
			WhenTwice(RedeemCard{80}).
			Then(CardRedeemed{80})
	})
	t.Run("time passes, and causes are told", func(t *testing.T) {
		cause := stream.Cause{Event: stream.NewID(), Correlation: stream.NewID()}
		testkit.For(t, card).
			Given(CardIssued{"ann"}, CardToppedUp{100}).
			WhenTime(30 * 24 * time.Hour).
			WhenCommand(aggregate.Command[cardCommand]{Data: RedeemCard{30}, CausedBy: cause}).
			ThenLike(
				testkit.Where("in the same story", func(e *stream.Event[cardEvent]) bool { return e.Correlation == cause.Correlation }),
			)
	})
	t.Run("what events are like", func(t *testing.T) {
		testkit.For(t, card).
			Given(CardIssued{"ann"}, CardToppedUp{100}).
			When(RedeemCard{30}).
			ThenLike(testkit.OfType[CardRedeemed]())
	})
}

func TestCardAsATable(t *testing.T) {
	testkit.ForEach(t, card, []testkit.Case[cardCommand, cardEvent, cardState]{
		{
			Name:  "what is there can be redeemed",
			Given: []cardEvent{CardIssued{"ann"}, CardToppedUp{100}},
			When:  RedeemCard{100},
			Then:  []cardEvent{CardRedeemed{100}},
		},
		{Name: "nothing is issued twice", Given: []cardEvent{CardIssued{"ann"}}, When: IssueCard{"bob"}, Nothing: true},
		{Name: "no card, no money", When: RedeemCard{1}, Error: errNoCard},
		{
			Name:      "not what somebody else has taken meanwhile",
			Given:     []cardEvent{CardIssued{"ann"}, CardToppedUp{100}},
			Meanwhile: []cardEvent{CardRedeemed{1}},
			When:      RedeemCard{100},
			ErrorAs:   new(*ShortError),
		},
		{
			Name: "twice is once",
			When: IssueCard{"ann"}, Twice: true,
			ThenLike: []marble.Matcher{testkit.OfType[CardIssued]()},
		},
	})
}
