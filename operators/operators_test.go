package operators

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

var errSource = errors.New("the source failed")

// tape is a test source: items 1 to n with a mark after each, then err. It
// counts its runs that have been opened and not released.
type tape struct {
	n, opened, held int
	err             error
}

func (p *tape) source() stream.Observable[stream.Cold, int] {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			p.opened++
			p.held++
			defer func() { p.held-- }()
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

type ints = stream.Observable[stream.Cold, int]

// operator is one operator in the table: of returns it over a source, and calls
// touch inside the user's function, if it takes one.
type operator struct {
	name    string
	holding bool
	pure    bool  // takes no function
	want    []int // of 1, 2, 3, 4
	of      func(o ints, touch func()) ints
}

var table = []operator{
	{"Map", false, false, []int{2, 4, 6, 8}, func(o ints, touch func()) ints {
		return Map(o, func(n int) int { touch(); return 2 * n })
	}},
	{"TryMap", false, false, []int{2, 4, 6, 8}, func(o ints, touch func()) ints {
		return TryMap(o, func(n int) (int, error) { touch(); return 2 * n, nil })
	}},
	{"ConcatMap", false, false, []int{1, 1, 2, 2, 3, 3, 4, 4}, func(o ints, touch func()) ints {
		return ConcatMap(o, func(n int) ints { touch(); return stream.From(n, n) })
	}},
	{"Scan", true, false, []int{1, 3, 6, 10}, func(o ints, touch func()) ints {
		return Scan(o, 0, func(s, n int) int { touch(); return s + n })
	}},
	{"Tap", false, false, []int{1, 2, 3, 4}, func(o ints, touch func()) ints {
		return Tap(o, func(int) { touch() })
	}},
	{"Filter", false, false, []int{1, 3}, func(o ints, touch func()) ints {
		return Filter(o, func(n int) bool { touch(); return n%2 == 1 })
	}},
	{"Take", true, true, []int{1, 2, 3}, func(o ints, _ func()) ints { return Take(o, 3) }},
	{"TakeWhile", false, false, []int{1, 2, 3}, func(o ints, touch func()) ints {
		return TakeWhile(o, func(n int) bool { touch(); return n < 4 })
	}},
	{"Skip", true, true, []int{2, 3, 4}, func(o ints, _ func()) ints { return Skip(o, 1) }},
	{"DistinctUntilChanged", true, true, []int{1, 2, 3, 4}, func(o ints, _ func()) ints { return DistinctUntilChanged(o) }},
}

func nothing() {}

func TestEveryOperator(t *testing.T) {
	for _, op := range table {
		t.Run(op.name, func(t *testing.T) {
			t.Run("gives the same result at each run", func(t *testing.T) { sameTwice(t, op) })
			t.Run("of nothing is nothing", func(t *testing.T) {
				got, err := Collect(t.Context(), op.of((&tape{}).source(), nothing))
				if len(got) != 0 || err != nil {
					t.Errorf("got %v, %v, want none", got, err)
				}
			})
			t.Run("ends with the source's error", func(t *testing.T) { sourceFails(t, op) })
			t.Run("releases the source when the consumer stops", func(t *testing.T) { consumerStops(t, op) })
			t.Run("ends with the context's error", func(t *testing.T) { contextDone(t, op) })
			t.Run("names itself when its function panics", func(t *testing.T) { functionPanics(t, op) })
			t.Run("lets a panic of the consumer pass", func(t *testing.T) { consumerPanics(t, op) })
			t.Run("carries marks in line or refuses a durable consumer", func(t *testing.T) { durable(t, op) })
			t.Run("of the zero observable has no source", func(t *testing.T) {
				if _, err := Collect(t.Context(), op.of(ints{}, nothing)); !errors.Is(err, stream.ErrNoSource) {
					t.Errorf("got %v, want %v", err, stream.ErrNoSource)
				}
			})
		})
	}
}

func sameTwice(t *testing.T, op operator) {
	p := &tape{n: 4}
	o := op.of(p.source(), nothing)
	for range 2 {
		got, err := Collect(t.Context(), o)
		if diff := cmp.Diff(got, op.want); diff != "" || err != nil {
			t.Errorf("error %v, got -, want +:\n%s", err, diff)
		}
	}
	if p.held != 0 {
		t.Errorf("got %d runs held, want 0", p.held)
	}
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
	if err != enough || p.held != 0 || p.opened != 1 {
		t.Errorf("got %v with %d of %d runs held, want %v with 0 of 1", err, p.held, p.opened, enough)
	}
	if got, err := Collect(t.Context(), Take(Take(op.of(p.source(), nothing), 1), 3)); len(got) != 1 || err != nil || p.held != 0 {
		t.Errorf("behind Take(1), Take(3): got %v, %v with %d held, want one item", got, err, p.held)
	}
}

func contextDone(t *testing.T, op operator) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &tape{n: 100}
	err := Tap(op.of(Tap(p.source(), func(int) { cancel() }), nothing), func(int) {}).Run(ctx, func(int) error { return nil })
	if !errors.Is(err, context.Canceled) || p.held != 0 {
		t.Errorf("got %v with %d runs held, want %v with 0", err, p.held, context.Canceled)
	}
}

func functionPanics(t *testing.T, op operator) {
	if op.pure {
		t.Skip("it takes no function")
	}
	p := &tape{n: 4}
	o := Tap(op.of(Tap(p.source(), func(int) {}), func() { panic(errSource) }), func(int) {})
	_, err := Collect(t.Context(), o)
	var got *stream.PanicError
	if !errors.As(err, &got) || got.Stage != op.name || !errors.Is(err, errSource) || p.held != 0 {
		t.Errorf("got %v with %d runs held, want a panic in %s", err, p.held, op.name)
	}
}

func consumerPanics(t *testing.T, op operator) {
	p := &tape{n: 4}
	defer func() {
		if got := recover(); got != "mine" || p.held != 0 {
			t.Errorf("got %v with %d runs held, want the consumer's own panic", got, p.held)
		}
	}()
	err := op.of(p.source(), nothing).Run(t.Context(), func(int) error { panic("mine") })
	t.Errorf("the run returned %v, want a panic", err)
}

func durable(t *testing.T, op operator) {
	p := &tape{n: 4}
	items, marked := 0, 0
	var seen []int // at each mark, how many items of the tape had gone in
	o := op.of(Tap(p.source(), func(int) { items++ }), nothing)
	sub := stream.Subscription{Consumer: "c", Mark: func(m stream.Mark) error {
		marked++
		seen = append(seen, items-int(m.At.Position(0)))
		return nil
	}}
	err := o.Subscribe(t.Context(), sub, func(int) error { return nil })
	if op.holding {
		var refused *stream.NotResumableError
		if !errors.As(err, &refused) || refused.Operator != op.name || p.opened != 0 {
			t.Errorf("got %v after %d runs, want a refusal by %s before the first", err, p.opened, op.name)
		}
		return
	}
	for _, ahead := range seen {
		if ahead != 0 {
			t.Errorf("a mark is %d items off", ahead)
		}
	}
	if err != nil || marked < 3 {
		t.Errorf("got %d marks, %v, want at least 3", marked, err)
	}
}

func TestTakeNeedsNoFurtherItem(t *testing.T) {
	p := &tape{n: 4}
	seen := 0
	got, err := Collect(t.Context(), Take(Tap(p.source(), func(int) { seen++ }), 2))
	if len(got) != 2 || err != nil || seen != 2 {
		t.Errorf("got %v, %v after %d items, want 2 of each", got, err, seen)
	}
	if _, err := Collect(t.Context(), Take(p.source(), 0)); err != nil || p.opened != 1 {
		t.Errorf("Take(0): got %v and %d runs, want the source not run again", err, p.opened)
	}
}
