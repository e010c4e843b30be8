package quickstart_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// A command asks; an event has happened.
type SetEmail struct{ Email string }
type EmailSet struct{ Email string }

// The combined stream of all users, and the name its event is stored under.
var Users = stream.NewTopic("users", stream.Catalogue[EmailSet]{"EMAIL_SET": {}})

// An aggregate: decide may refuse, evolve folds what has happened.
var User = aggregate.New(Users,
	func(past []string, c SetEmail) ([]EmailSet, error) {
		if slices.Contains(past, c.Email) {
			return nil, errors.New("cannot reuse a previous e-mail")
		}
		return []EmailSet{{c.Email}}, nil
	},
	func(past []string, e EmailSet) []string { return append(past, e.Email) })

func Example() {
	dir, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir); err != nil {
		log.Fatal(err)
	}
	// Output:
	// e-mails set so far: 2
	// aggregate: users/ann refused quickstart_test.SetEmail: cannot reuse a previous e-mail
	// 1 users/ann EMAIL_SET ann@old.example
	// 2 users/ann EMAIL_SET ann@new.example
}

func run(ctx context.Context, dir string) (err error) {
	store, err := badgerlog.Open(dir, badgerlog.Options{}) // an append-only log on disk
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	users := aggregate.NewRepository(store, User)
	if _, err := users.Execute(ctx, "ann", SetEmail{"ann@old.example"}); err != nil {
		return err
	}

	// A view is a reducer over all history, then everything new.
	count := operators.NewView("count", func() int { return 0 },
		func(n int, _ *stream.Event[EmailSet]) int { return n + 1 })
	viewing := make(chan error, 1)
	go func() { viewing <- count.Run(ctx, replay.ColdHot(store, Users)) }()
	defer func() { stop(); <-viewing }()

	result, err := users.Execute(ctx, "ann", SetEmail{"ann@new.example"})
	if err != nil {
		return err
	}
	if err := count.WaitFor(ctx, result.Cursor); err != nil { // read your own write
		return err
	}
	fmt.Println("e-mails set so far:", operators.Ask(count, func(n int) int { return n }))

	_, err = users.Execute(ctx, "ann", SetEmail{"ann@old.example"})
	fmt.Println(err)

	for e, err := range replay.Cold(store, Users).All(ctx) { // history, then it ends
		if err != nil {
			return err
		}
		fmt.Println(e.Position, e.Stream, e.Type, e.Data.Email)
	}
	return nil
}
