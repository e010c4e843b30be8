package operators_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/marble"
)

// The examples draw their diagrams themselves: lane makes a source of letters,
// draw runs a pipeline and prints its source's lanes and its own. A token is a
// millisecond of virtual time.

const ms = time.Millisecond

// drawing is the example that is being laid out; they run one after another.
var drawing struct {
	lanes []marble.Lane
}

// lane is a cold source of the letters of a diagram: "in: a - b - |".
func lane(diagram string) stream.Observable[stream.Cold, string] {
	name, marbles, _ := strings.Cut(diagram, ": ")
	l := parsed(marbles)
	l.Name = name
	drawing.lanes = append(drawing.lanes, l)
	return played(l)
}

// letters is such a source that is not drawn.
func letters(marbles string) stream.Observable[stream.Cold, string] { return played(parsed(marbles)) }

func parsed(marbles string) marble.Lane {
	l, err := marble.Parse(marbles, ms)
	if err != nil {
		panic(err)
	}
	return l
}

func played(l marble.Lane) stream.Observable[stream.Cold, string] {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[string] {
		return func(ctx context.Context, emit func(string) error) error { return play(ctx, l, emit) }
	})
}

func play(ctx context.Context, l marble.Lane, emit func(string) error) error {
	began := time.Now()
	for _, p := range l.Points {
		select {
		case <-time.After(time.Until(began.Add(p.At))):
		case <-ctx.Done():
			return ctx.Err()
		}
		switch p.Kind {
		case marble.Complete:
			return nil
		case marble.Failed:
			return errors.New("the source failed")
		}
		if err := emit(p.Name); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// draw runs a pipeline and prints the lanes; it is let go a second after it has
// begun. Items that are more than a letter are given one, x being the first, and a
// line in the legend.
func draw[K stream.Kind, T any](o stream.Observable[K, T]) {
	drawn, ended := drawing.lanes, false
	trace := marble.Trace{Tick: ms, Lanes: drawn}
	drawing.lanes = nil
	out := marble.Lane{Name: "out"}
	names := map[string]string{}
	inVirtualTime(func(ctx context.Context) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		point := func(kind marble.Kind, name string) {
			out.Points = append(out.Points, marble.Point{At: time.Since(began), Kind: kind, Name: name})
		}
		err := o.Run(ctx, func(item T) error {
			text := fmt.Sprint(item)
			if !isLetter(text) && names[text] == "" {
				names[text] = string("xyzuvw"[len(names)])
				trace.Names = append(trace.Names, marble.Name{Letter: names[text], Text: text})
			}
			if names[text] != "" {
				text = names[text]
			}
			point(marble.Event, text)
			return nil
		})
		switch ended = ctx.Err() == nil; {
		case err == nil:
			point(marble.Complete, "")
		case ended:
			point(marble.Failed, "")
		}
	})
	for _, l := range drawn {
		out.End = max(out.End, l.End)
	}
	if n := len(out.Points); n > 0 && ended {
		out.End = out.Points[n-1].At + ms
	}
	trace.Lanes = append(trace.Lanes, out)
	for line := range strings.Lines(trace.Text()) {
		fmt.Print(strings.TrimPrefix(line, "  "))
	}
}

func isLetter(text string) bool { return len(text) == 1 && unicode.IsLetter(rune(text[0])) }

// inVirtualTime runs f in a synctest bubble, which an example can not make
// itself: it has no *testing.T.
func inVirtualTime(f func(context.Context)) {
	for name, value := range map[string]string{"test.v": "false", "test.count": "1", "test.skip": ""} {
		before := flag.Lookup(name).Value.String()
		flag.Lookup(name).Value.Set(value)
		defer flag.Lookup(name).Value.Set(before)
	}
	var once sync.Once
	all := func(string, string) (bool, error) { return true, nil }
	testing.RunTests(all, []testing.InternalTest{{Name: "Example", F: func(t *testing.T) {
		once.Do(func() { synctest.Test(t, func(t *testing.T) { f(t.Context()) }) })
	}}})
}
