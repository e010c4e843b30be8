package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Subscribed says that a student takes a course. It belongs to neither alone, so it
// is found by both.
type Subscribed struct{ Student, Course string }

// Subscribe asks for that.
type Subscribe Subscribed

var subscriptions = stream.NewTopicWith("subscriptions", stream.Catalogue[Subscribed]{"SUBSCRIBED": {}},
	stream.TopicOptions[Subscribed]{Tags: func(e Subscribed) []string {
		return []string{"student " + e.Student, "course " + e.Course}
	}})

var subscription = aggregate.New(subscriptions,
	func(taken bool, c Subscribe) ([]Subscribed, error) {
		if taken {
			return nil, nil
		}
		return []Subscribed{Subscribed(c)}, nil
	},
	func(bool, Subscribed) bool { return true })

// atMost is a rule about what has one tag.
func atMost(n int, what string, tag func(Subscribe) string) aggregate.Rule[Subscribe, Subscribed] {
	return aggregate.NewRule(what,
		func(_ string, c Subscribe) []string { return []string{tag(c)} },
		func(count int, _ *stream.Event[Subscribed]) int { return count + 1 },
		func(count int, _ string, _ Subscribe) error {
			if count >= n {
				return errors.New(what)
			}
			return nil
		})
}

// A rule is a decision over more than one instance: here, over all subscriptions of
// a course and over all of a student. A subscription takes effect only if nobody else
// has come between.
func ExampleNewRule() {
	ctx := context.Background()
	desk := aggregate.NewGuardedRepository(memlog.New(), subscription, aggregate.Options{},
		atMost(2, "the course is full", func(c Subscribe) string { return "course " + c.Course }),
		atMost(3, "the student has enough to do", func(c Subscribe) string { return "student " + c.Student }))

	for _, c := range []Subscribe{
		{"ann", "algebra"}, {"bob", "algebra"}, {"eve", "algebra"},
		{"ann", "botany"}, {"ann", "chess"}, {"ann", "drama"},
	} {
		_, err := desk.Execute(ctx, c.Student+" in "+c.Course, c)
		if err != nil {
			fmt.Println(c.Student, "in", c.Course, "-", errors.Unwrap(err))
			continue
		}
		fmt.Println(c.Student, "in", c.Course)
	}
	// Output:
	// ann in algebra
	// bob in algebra
	// eve in algebra - the course is full
	// ann in botany
	// ann in chess
	// ann in drama - the student has enough to do
}

// Several instances are given their commands as one: all of it takes effect, or
// nothing.
func ExampleTogether() {
	ctx := context.Background()
	store := memlog.New()
	accounts := aggregate.NewRepository(store, account)
	if _, err := accounts.Execute(ctx, "ann", Deposit{100}); err != nil {
		log.Fatal(err)
	}
	transfer := func(amount int) {
		from, to := accounts.Part("ann", AccountCommand(Withdraw{amount})), accounts.Part("bob", AccountCommand(Deposit{amount}))
		at, err := aggregate.Together(ctx, store, aggregate.Joint{}, from, to)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("ann has", from.Result.State, "and bob", to.Result.State, "at", at)
	}
	transfer(70)
	transfer(70)
	// Output:
	// ann has 30 and bob 70 at 3
	// aggregate: accounts/ann refused aggregate_test.Withdraw: not enough money
}
