package stream_test

import (
	"context"
	"errors"
	"testing"

	"github.com/thaw-go/thaw/internal/origin"
	"github.com/thaw-go/thaw/stream"
)

// reads is a hot source that claims to read a log.
func reads(log stream.Log, hot bool) stream.Observable[stream.Hot, int] {
	return stream.New[stream.Hot](&origin.Of{Log: log, Hot: hot}, func(stream.Subscription) stream.Run[int] {
		return func(context.Context, func(int) error) error { return nil }
	})
}

// plainLog is a log of which only its identity matters; slicedLog is one that can not be
// compared.
type plainLog struct {
	stream.Log
	name string
}

type slicedLog struct {
	stream.Log
	names []string
}

// Breaks when: common keeps the first source's origin.
func TestDerivedObservablesReadWhatAllTheirSourcesRead(t *testing.T) {
	a, b := &plainLog{name: "a"}, &plainLog{name: "b"}
	none := stream.Observable[stream.Hot, int](stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[int] { return nil }))
	for claim, c := range map[string]struct {
		sources []stream.Upstream[stream.Hot]
		log     stream.Log
		hot     bool
	}{
		"none":                                {nil, nil, false},
		"one":                                 {[]stream.Upstream[stream.Hot]{reads(a, true)}, a, true},
		"the same log":                        {[]stream.Upstream[stream.Hot]{reads(a, true), reads(a, true)}, a, true},
		"the same log, but not all hot":       {[]stream.Upstream[stream.Hot]{reads(a, true), reads(a, false)}, a, false},
		"two logs":                            {[]stream.Upstream[stream.Hot]{reads(a, true), reads(b, true)}, nil, false},
		"two logs, and the first again":       {[]stream.Upstream[stream.Hot]{reads(a, true), reads(b, true), reads(a, true)}, nil, false},
		"one without a log":                   {[]stream.Upstream[stream.Hot]{none, reads(a, true)}, nil, false},
		"logs of a type that has no equality": {[]stream.Upstream[stream.Hot]{reads(slicedLog{names: []string{"a"}}, true), reads(slicedLog{names: []string{"a"}}, true)}, nil, false},
	} {
		o := stream.Derive(func(stream.Subscription) stream.Run[string] { return nil }, c.sources...)
		if got := o.Log(); got != c.log || o.ReadsHot() != c.hot {
			t.Errorf("%s: got the log %v, hot: %v, want %v, %v", claim, got, o.ReadsHot(), c.log, c.hot)
		}
	}
}

func TestADerivedObservableWithoutASourceHasNone(t *testing.T) {
	var nobody stream.Observable[stream.Hot, int]
	o := stream.Derive(func(stream.Subscription) stream.Run[int] {
		t.Error("it was subscribed")
		return nil
	}, stream.Upstream[stream.Hot](reads(nil, true)), nobody)
	if err := o.Run(t.Context(), nil); !errors.Is(err, stream.ErrNoSource) {
		t.Errorf("got %v, want ErrNoSource", err)
	}
}

func TestADerivedObservableAnswersItsSubscriptionItself(t *testing.T) {
	var asked stream.Subscription
	o := stream.Derive(func(sub stream.Subscription) stream.Run[int] {
		asked = sub
		return func(_ context.Context, emit func(int) error) error { return emit(7) }
	}, stream.Upstream[stream.Hot](reads(nil, true)))
	got := 0
	err := o.Subscribe(t.Context(), stream.Subscription{Consumer: "c"}, func(i int) error { got = i; return nil })
	if err != nil || got != 7 || asked.Consumer != "c" {
		t.Errorf("got %d, %v, asked by %q, want 7 for c", got, err, asked.Consumer)
	}
}

// Breaks when: Earlier takes one of the two cursors as a whole.
func TestEarlierIsWhatBothCursorsHaveReached(t *testing.T) {
	for _, c := range []struct{ a, b, want stream.Cursor }{
		{stream.At(3), stream.At(5), stream.At(3)},
		{stream.At(5, 2), stream.At(3, 4), stream.At(3, 2)},
		{stream.At(5, 2, 7), stream.At(6, 4), stream.At(5, 2)},
		{stream.At(), stream.At(6, 4), stream.At()},
		{stream.At(0, 4), stream.At(6, 4), stream.At(0, 4)},
	} {
		for _, got := range []stream.Cursor{c.a.Earlier(c.b), c.b.Earlier(c.a)} {
			if !got.Equal(c.want) || !c.a.Reached(got) || !c.b.Reached(got) {
				t.Errorf("of %s and %s: got %s, want %s", c.a, c.b, got, c.want)
			}
		}
	}
}
