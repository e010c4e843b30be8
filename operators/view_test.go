package operators

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// wire is a cold+hot source by hand: each item sent is handed over with a mark.
func wire(items <-chan int) stream.Observable[stream.ColdHot, int] {
	return stream.New[stream.ColdHot](nil, func(sub stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			for at := stream.Position(0); ; at++ {
				if err := sub.Mark(stream.Mark{At: stream.At(at), Live: at > 1}); err != nil {
					return err
				}
				select {
				case n, ok := <-items:
					if !ok {
						return nil
					}
					if err := emit(n); err != nil {
						return err
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	})
}

func total(sum, n int) int { return sum + n }

func newTotal() *View[int, int] { return NewView("total", func() int { return 0 }, total) }

func itself[T any](v T) T { return v }

func TestViewIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		v, items, ended := newTotal(), make(chan int), make(chan error, 1)
		waits := make(chan error, 3)
		go func() { waits <- v.WaitFor(ctx, stream.At(2)) }()
		go func() { waits <- v.CaughtUp(ctx) }()
		go func() { waits <- v.WaitFor(t.Context(), stream.At(9)) }()
		synctest.Wait() // all wait for a view that has not begun
		go func() { ended <- v.Run(ctx, wire(items)) }()
		items <- 3
		items <- 4
		for range 2 {
			if err := <-waits; err != nil {
				t.Errorf("got %v, want no error", err)
			}
		}
		if got := Ask(v, itself); got != 7 {
			t.Errorf("got %d, want 7", got)
		}
		if err := v.Run(ctx, wire(items)); !errors.Is(err, ErrViewRunning) {
			t.Errorf("a second run: got %v, want %v", err, ErrViewRunning)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		if err := <-waits; !errors.Is(err, context.Canceled) || t.Context().Err() != nil {
			t.Errorf("waiting past the end: got %v, want the run's error", err)
		}
		close(items)
		if err := v.Run(t.Context(), wire(items)); err != nil || Ask(v, itself) != 0 {
			t.Errorf("a new run: got %d, %v, want it to begin anew", Ask(v, itself), err)
		}
		if err := v.WaitFor(t.Context(), stream.At(9)); !errors.Is(err, ErrViewEnded) {
			t.Errorf("waiting past completion: got %v, want %v", err, ErrViewEnded)
		}
	})
}

func TestWaitingObeysTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newTotal().WaitFor(ctx, stream.At(1)); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestPanickingReducerNamesTheViewAndKeepsTheState(t *testing.T) {
	items := make(chan int, 2)
	items <- 5
	items <- -1
	v := NewView("total", func() int { return 0 }, func(sum, n int) int {
		if n < 0 {
			panic("negative")
		}
		return sum + n
	})
	err := v.Run(t.Context(), wire(items))
	var got *stream.PanicError
	if !errors.As(err, &got) || !strings.Contains(got.Stage, "total") || Ask(v, itself) != 5 {
		t.Errorf("got %v with %d, want a panic in the view with 5", err, Ask(v, itself))
	}
	if err := v.WaitFor(t.Context(), stream.At(2)); !errors.As(err, &got) {
		t.Errorf("waiting for it: got %v, want the panic", err)
	}
}

// Breaks when: Fresh returns v itself, or a view that begins with v's state.
func TestFreshViewRunsBesideTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		old, items, ended := newTotal(), make(chan int), make(chan error, 2)
		go func() { ended <- old.Run(ctx, wire(items)) }()
		items <- 3
		synctest.Wait()
		fresh, more := old.Fresh(), make(chan int)
		if got := Ask(fresh, itself); got != 0 {
			t.Errorf("got %d, want a fresh view to have seen nothing", got)
		}
		go func() { ended <- fresh.Run(ctx, wire(more)) }()
		more <- 10
		items <- 4
		synctest.Wait()
		if a, b := Ask(old, itself), Ask(fresh, itself); a != 7 || b != 10 {
			t.Errorf("got %d and %d, want 7 and 10", a, b)
		}
		cancel()
		for range 2 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
		}
	})
}

type noted struct{ Writer, N int }

var notes = stream.NewTopic("notes", stream.Catalogue[noted]{"NOTED": {}})

// Guarantee 8: A replayed view equals the live one.
// Breaks when: View.Run does not reduce the items before a run's first mark
// (return nil from its emit while v.mark.At.IsZero()).
func TestReplayedViewEqualsTheLiveOne(t *testing.T) {
	const writers, each, views = 4, 100, 8
	log := memlog.New()
	defer log.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	order := func(seen []stream.Position, e *stream.Event[noted]) []stream.Position {
		return append(seen, e.Position)
	}
	newView := func() *View[*stream.Event[noted], []stream.Position] {
		return NewView("order", func() []stream.Position { return nil }, order)
	}
	var writing, running sync.WaitGroup
	for w := range writers {
		writing.Go(func() { write(t, log, w, each) })
	}
	live := make([]*View[*stream.Event[noted], []stream.Position], views)
	for i := range live {
		live[i] = newView()
		after := stream.At(stream.Position(rand.IntN(writers * each)))
		running.Go(func() { // begins at a random place in the writing
			_ = replay.ColdHot(log, notes).Subscribe(ctx, stream.Subscription{Mark: func(m stream.Mark) error {
				if m.At.Reached(after) {
					return errSource
				}
				return nil
			}}, func(*stream.Event[noted]) error { return nil })
			_ = live[i].Run(ctx, replay.ColdHot(log, notes))
		})
	}
	writing.Wait()
	want, err := newView().Fold(ctx, replay.Cold(log, notes))
	if err != nil || len(want) != writers*each {
		t.Fatalf("fold: got %d events, %v, want %d", len(want), err, writers*each)
	}
	for _, v := range live {
		if err := v.WaitFor(ctx, stream.At(writers*each)); err != nil {
			t.Error(err)
		}
		v.Read(func(got []stream.Position) {
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("live -, replayed +:\n%s", diff)
			}
		})
	}
	cancel()
	running.Wait()
}

func write(t *testing.T, log stream.Store, writer, n int) {
	for i := range n {
		rec, err := notes.Encode(noted{writer, i})
		if err != nil {
			t.Error(err)
			return
		}
		id := stream.ID{Topic: "notes", Key: string(rune('a' + writer))}
		if _, err := log.Append(t.Context(), id, stream.AnyVersion, rec); err != nil {
			t.Error(err)
			return
		}
	}
}
