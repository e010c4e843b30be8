package operators

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

var errSource = errors.New("the source failed")

// tape is a test source: items 1 to n with a mark after each, then err. It
// counts its runs that have been opened and not released.
type tape struct {
	n            int
	err          error
	opened, held atomic.Int32
}

func (p *tape) source() ints {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			p.opened.Add(1)
			p.held.Add(1)
			defer p.held.Add(-1)
			for i := 1; i <= p.n; i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := emit(i); err != nil {
					return err
				}
				if sub.Mark != nil {
					if err := sub.Mark(stream.Mark{At: stream.At(stream.Position(i))}); err != nil {
						return err
					}
				}
			}
			return p.err
		}
	})
}

// later is the observable an hour later.
func later(o ints) ints {
	return stream.Through(o, func(run stream.Run[int]) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			select {
			case <-time.After(time.Hour):
				return run(ctx, emit)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

type ints = stream.Observable[stream.Cold, int]

// operator is one operator in the table: of returns it over a source, and calls
// touch inside the user's function, if it takes one.
type operator struct {
	name    string
	holding bool  // a durable consumer is refused
	pure    bool  // takes no function
	want    []int // of 1, 2, 3, 4
	empty   []int // of nothing
	keeps   bool  // items, or an inner observable for each: that costs allocations
	slow    []int // of 1, 2, 3, 4 when the consumer is slow; nil: the same
	of      func(o ints, touch func()) ints
}

// table has every operator, by family.
var table = slices.Concat(transformTable, selectTable, testTable, combineTable, timeTable, failureTable,
	shareTable, boundaryTable, groupTable, windowTable, joinTable)

func nothing() {}

// TestEveryOperator puts every operator through the same: each in a bubble of
// virtual time, which fails if a goroutine is left.
func TestEveryOperator(t *testing.T) {
	claims := []struct {
		claim string
		check func(*testing.T, operator)
	}{
		{"gives the same result at each run", sameTwice},
		{"of nothing is what it is of nothing", ofNothing},
		{"ends with the source's error", sourceFails},
		{"releases the source when the consumer stops", consumerStops},
		{"ends with the context's error", contextDone},
		{"loses nothing when the consumer is slow", consumerSlow},
		{"names itself when its function panics", functionPanics},
		{"lets a panic of the consumer pass", consumerPanics},
		{"carries marks in line or refuses a durable consumer", durable},
		{"of the zero observable has no source", noSource},
	}
	for _, op := range table {
		t.Run(op.name, func(t *testing.T) {
			for _, c := range claims {
				t.Run(c.claim, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { c.check(t, op) })
				})
			}
		})
	}
}

func same(t *testing.T, got, want []int, err error) {
	t.Helper()
	if diff := cmp.Diff(want, got); len(want)+len(got) > 0 && diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
}

func sameTwice(t *testing.T, op operator) {
	p := &tape{n: 4}
	o := op.of(p.source(), nothing)
	for range 2 {
		got, err := Collect(t.Context(), o)
		same(t, got, op.want, err)
	}
	if held := p.held.Load(); held != 0 {
		t.Errorf("got %d runs held, want 0", held)
	}
}

func ofNothing(t *testing.T, op operator) {
	got, err := Collect(t.Context(), op.of((&tape{}).source(), nothing))
	same(t, got, op.empty, err)
}

func sourceFails(t *testing.T, op operator) {
	for _, n := range []int{0, 2} {
		if _, err := Collect(t.Context(), op.of((&tape{n: n, err: errSource}).source(), nothing)); !errors.Is(err, errSource) {
			t.Errorf("after %d items: got %v, want %v", n, err, errSource)
		}
	}
}

func consumerStops(t *testing.T, op operator) {
	p, enough := &tape{n: 4}, errors.New("enough")
	err := op.of(p.source(), nothing).Run(t.Context(), func(int) error { return enough })
	if err != enough || p.held.Load() != 0 {
		t.Errorf("got %v with %d of %d runs held, want %v with none", err, p.held.Load(), p.opened.Load(), enough)
	}
	if got, err := Collect(t.Context(), Take(Take(op.of(p.source(), nothing), 1), 3)); len(got) != 1 || err != nil || p.held.Load() != 0 {
		t.Errorf("behind Take(1), Take(3): got %v, %v with %d held, want one item", got, err, p.held.Load())
	}
}

func contextDone(t *testing.T, op operator) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &tape{n: 100}
	err := Tap(op.of(Tap(p.source(), func(int) { cancel() }), nothing), func(int) {}).Run(ctx, func(int) error { return nil })
	if !errors.Is(err, context.Canceled) || p.held.Load() != 0 {
		t.Errorf("got %v with %d runs held, want %v with 0", err, p.held.Load(), context.Canceled)
	}
}

func consumerSlow(t *testing.T, op operator) {
	var got []int
	err := op.of((&tape{n: 4}).source(), nothing).Run(t.Context(), func(i int) error {
		time.Sleep(time.Second) // virtual time: in a bubble
		got = append(got, i)
		return nil
	})
	want := op.slow
	if want == nil {
		want = op.want
	}
	same(t, got, want, err)
}

func functionPanics(t *testing.T, op operator) {
	if op.pure {
		t.Skip("it takes no function")
	}
	p := &tape{n: 4}
	o := Tap(op.of(Tap(p.source(), func(int) {}), func() { panic(errSource) }), func(int) {})
	_, err := Collect(t.Context(), o)
	var got *stream.PanicError
	if !errors.As(err, &got) || got.Stage != op.name || !errors.Is(err, errSource) || p.held.Load() != 0 {
		t.Errorf("got %v with %d runs held, want a panic in %s", err, p.held.Load(), op.name)
	}
}

func consumerPanics(t *testing.T, op operator) {
	p := &tape{n: 4}
	defer func() {
		if got := recover(); got != "mine" || p.held.Load() != 0 {
			t.Errorf("got %v with %d runs held, want the consumer's own panic", got, p.held.Load())
		}
	}()
	err := op.of(p.source(), nothing).Run(t.Context(), func(int) error { panic("mine") })
	t.Errorf("the run returned %v, want a panic", err)
}

// durable has a named consumer behind the operator. At a mark, all must have been
// delivered that becomes of the items up to it.
func durable(t *testing.T, op operator) {
	p := &tape{n: 4}
	due := make([]int, p.n+1)
	for n := range due {
		err := op.of((&tape{n: n, err: errSource}).source(), nothing).Run(t.Context(), func(int) error { due[n]++; return nil })
		if !errors.Is(err, errSource) && err != nil {
			t.Fatal(err)
		}
	}
	if op.holding {
		due = nil // it is refused
	}
	delivered, marks := 0, 0
	sub := stream.Subscription{Consumer: "c", Mark: func(m stream.Mark) error {
		marks++
		if at := m.At.Position(0); delivered < due[at] {
			t.Errorf("at mark %d only %d items had been delivered, want %d", at, delivered, due[at])
		}
		return nil
	}}
	err := op.of(p.source(), nothing).Subscribe(t.Context(), sub, func(int) error { delivered++; return nil })
	if op.holding {
		var refused *stream.NotResumableError
		if !errors.As(err, &refused) || refused.Operator != op.name || p.opened.Load() != 0 {
			t.Errorf("got %v after %d runs, want a refusal by %s before the first", err, p.opened.Load(), op.name)
		}
		return
	}
	if err != nil || marks == 0 {
		t.Errorf("got %d marks, %v, want some", marks, err)
	}
}

func noSource(t *testing.T, op operator) {
	if _, err := Collect(t.Context(), op.of(ints{}, nothing)); !errors.Is(err, stream.ErrNoSource) {
		t.Errorf("got %v, want %v", err, stream.ErrNoSource)
	}
}

// TestNoOperatorAllocatesForAnItem: a run over many items allocates as little as
// one over few.
// Breaks when: Map makes a closure for each item.
func TestNoOperatorAllocatesForAnItem(t *testing.T) {
	run := func(t *testing.T, op operator, n int) float64 {
		source := &tape{n: n}
		o := op.of(source.source(), nothing)
		ctx := t.Context()
		return testing.AllocsPerRun(20, func() {
			if err := o.Run(ctx, func(int) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for _, op := range table {
		if op.keeps {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			if few, many := run(t, op, 10), run(t, op, 5_000); many > few+2 {
				t.Errorf("%s: %.0f allocations for 10 items, %.0f for 5,000", op.name, few, many)
			}
		})
	}
}
