package lessons

import (
	"context"
	"slices"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/internal/nocompile"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

// mail is the letter that a reader gets for whom a book was put aside.
func mail[K stream.Kind](held stream.Source[K, Held]) stream.Observable[K, string] {
	return operators.Map(held, func(e *stream.Event[Held]) string {
		return e.Data.For + ", a book waits for you: " + e.Stream.Key
	})
}

func TestLesson06WhatAReplayWouldDo(t *testing.T) {
	held := stream.Only[Held](Books)
	mails := testkit.Values[string]{
		"M": "Mia, a book waits for you: dune",
		"T": "Tim, a book waits for you: momo",
	}
	draw(t, "06-saga", "what is read again is done again", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "h 300d ^ - i", letters)
		testkit.Expect(b, "replayed", mail(replay.ColdHot(b.Log(), held)), "(M~) - T", mails)
		testkit.Expect(b, "hot", mail(replay.Hot(b.Log(), held)), "- - T", mails)
	})
}

// reservations is a saga. It remembers who waits for a book, and when the book is
// back, it asks for it to be put aside.
var reservations = aggregate.Saga[Event, []string]{
	Name:      "reservations",
	Correlate: func(e *stream.Event[Event]) string { return e.Stream.Key },
	React: func(waiting []string, e *stream.Event[Event]) ([]string, []aggregate.Effect) {
		switch happened := e.Data.(type) {
		case Reserved:
			return append(waiting, happened.By), nil
		case Returned:
			if len(waiting) > 0 {
				return waiting[1:], []aggregate.Effect{Book.Send(e.Stream.Key, Hold{For: waiting[0]})}
			}
		}
		return waiting, nil
	},
}

// fromNowOn is what a saga reads.
func fromNowOn(log stream.Log) stream.Source[stream.Hot, Event] {
	return replay.Hot(log, Books)
}

func TestLesson06ASagaActs(t *testing.T) {
	testkit.ForSaga(t, reservations, fromNowOn).
		Given(happened("dune", Lent{To: "Tim"}, Reserved{By: "Mia"}, Returned{}, Held{For: "Mia"})). // last year
		When(happened("momo", Lent{To: "Mia"}), happened("momo", Reserved{By: "Tim"})).ThenNothing().
		When(happened("momo", Returned{})).Then(Book.Send("momo", Hold{For: "Tim"}))
}

// refusal is what the compiler says to a saga that would be replayed.
const refusal = "cannot use replay.ColdHot(log, lessons.Books) (value of struct type stream.Source[stream.ColdHot, lessons.Event]) " +
	"as stream.Source[stream.Hot, lessons.Event] value in argument to reservations.Run"

// Breaks when: Saga.Run takes a source of any kind.
func TestLesson06TheCompilerSaysSo(t *testing.T) {
	nocompile.Check(t, nocompile.Suite{Header: `
import (
	"context"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/examples/lessons"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream/memlog"
)

var (
	ctx          = context.Background()
	log          = memlog.New()
	desk         = aggregate.NewRepository(log, lessons.Book)
	reservations aggregate.Saga[lessons.Event, []string]
	_            = replay.Cold(log, lessons.Books)
)
`, Cases: []nocompile.Case{{
		Claim:   "a saga on a source with history",
		Wrong:   `_ = reservations.Run(ctx, replay.ColdHot(log, lessons.Books), desk)`,
		Right:   `_ = reservations.Run(ctx, replay.Hot(log, lessons.Books), desk)`,
		Message: []string{refusal},
	}}})
}

func TestExercise06Receipts(t *testing.T) {
	log := memlog.New()
	write(t, log, "dune", Lent{To: "Tim"}) // before there was a printer

	var printed []string
	receipts := aggregate.NewAdapter("receipts", func(_ context.Context, e *stream.Event[Lent]) error {
		printed = append(printed, e.Data.To+" has "+e.Stream.Key)
		return nil
	})
	lent := replay.Hot(log, stream.Only[Lent](Books))

	during(t, log, receipts.Runner(lent), func() { write(t, log, "momo", Lent{To: "Mia"}) })
	during(t, log, receipts.Runner(lent), func() {}) // switched off and on again
	if want := []string{"Mia has momo"}; !slices.Equal(printed, want) {
		t.Errorf("printed %q, want %q", printed, want)
	}
}
