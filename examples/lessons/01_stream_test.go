package lessons

import (
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// watch looks over Ada's shoulder. Lesson 5 says what is inside.
func watch(log stream.Log) stream.Source[stream.Hot, Event] { return replay.Hot(log, Books) }

func TestLesson01WhatAStreamIs(t *testing.T) {
	draw(t, "01-stream", "a stream: things that happen, in order", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a - b - c", letters)
		testkit.Expect(b, "reader", watch(b.Log()), "  - a - b - c")
		testkit.Expect(b, "only Dune", operators.Filter(watch(b.Log()), isDune), "- a - - - c")
	})
}

func isDune(e *stream.Event[Event]) bool { return e.Stream.Key == "dune" }

func TestExercise01OnlyMomo(t *testing.T) {
	isMomo := func(e *stream.Event[Event]) bool { return e.Stream.Key == "momo" }
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a - b - c", letters)
		testkit.Expect(b, "only Momo", operators.Filter(watch(b.Log()), isMomo), "- - - b - -")
	})
}
