package replay_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

type noteTaken struct{ Text string }

var notes = stream.NewTopic("notes", stream.Catalogue[noteTaken]{"NOTE_TAKEN": {}})

// note appends one event; programs append through package aggregate.
func note(log *memlog.Log, key, text string) {
	rec, err := notes.Encode(noteTaken{text})
	if err == nil {
		_, err = log.Append(context.Background(), stream.ID{Topic: "notes", Key: key}, stream.AnyVersion, rec)
	}
	if err != nil {
		panic(err)
	}
}

// History of all instances, and of one; then the log as it was.
func ExampleCold() {
	ctx := context.Background()
	log := memlog.New()
	note(log, "ann", "milk")
	note(log, "bob", "bread")
	note(log, "ann", "tea")

	print := func(src stream.Source[stream.Cold, noteTaken]) {
		for e, err := range src.All(ctx) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(e.Position, e.Stream, e.Data.Text)
		}
		fmt.Println("-")
	}
	print(replay.Cold(log, notes))
	print(replay.History(log, notes, "ann"))
	print(replay.Cold(log, notes, replay.UpTo(stream.At(2))))
	// Output:
	// 1 notes/ann milk
	// 2 notes/bob bread
	// 3 notes/ann tea
	// -
	// 1 notes/ann milk
	// 3 notes/ann tea
	// -
	// 1 notes/ann milk
	// 2 notes/bob bread
	// -
}

// All history, then everything new. The event appended in the loop arrives in
// the same loop.
func ExampleColdHot() {
	log := memlog.New()
	note(log, "ann", "milk")
	for e, err := range replay.ColdHot(log, notes).All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.Position, e.Data.Text)
		if e.Position == 2 {
			break
		}
		note(log, "ann", "tea")
	}
	// Output:
	// 1 milk
	// 2 tea
}

// A durable consumer: born at the head, and later back where it was.
func ExampleHot() {
	ctx := context.Background()
	log := memlog.New()
	offline := errors.New("offline")
	run := func() error {
		return replay.Hot(log, notes).Subscribe(ctx, stream.Subscription{
			Consumer: "printer",
			Mark: func(m stream.Mark) error {
				if err := log.SaveCursor(ctx, "printer", m.At); err != nil {
					return err
				}
				if m.Live { // it has all there is
					return offline
				}
				return nil
			},
		}, func(e *stream.Event[noteTaken]) error {
			fmt.Println(e.Position, e.Data.Text)
			return nil
		})
	}
	note(log, "ann", "before it was born")
	fmt.Println(run())
	note(log, "ann", "while it was down")
	fmt.Println(run())
	// Output:
	// offline
	// 2 while it was down
	// offline
}
