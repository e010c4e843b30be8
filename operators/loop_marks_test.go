package operators

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/internal/origin"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// marked runs an observable and writes down its items and marks, in order.
func marked[K stream.Kind, T any](ctx context.Context, o stream.Observable[K, T]) (got []string, err error) {
	err = o.Subscribe(ctx, stream.Subscription{Mark: func(m stream.Mark) error {
		text := "mark " + m.At.String()
		if m.Live {
			text += " live"
		}
		got = append(got, text)
		return nil
	}}, func(item T) error {
		got = append(got, fmt.Sprint(item))
		return nil
	})
	return got, err
}

// plain is a stage with a loop that does nothing.
func plain(o ints, layOut func(l *loop, s *source[int], emit func(int) error)) ints {
	return staged(stage{name: "Plain"}, func(l *loop, emit func(int) error) error {
		s := watch(l, o.Subscribe, emit)
		if layOut != nil {
			layOut(l, s, emit)
		}
		return nil
	}, stream.Upstream[stream.Cold](o))
}

// Breaks when: marks do not take the items' way (call sub.Mark on the source's
// goroutine).
func TestMarksComeInLineThroughALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := marked(t.Context(), plain((&tape{n: 3}).source(), nil))
		if diff := cmp.Diff([]string{"1", "mark 1", "2", "mark 2", "3", "mark 3"}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
}

func TestMarksAreHeldBackWithWhatTheySpeakOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late int
		got, err := marked(t.Context(), plain((&tape{n: 3}).source(), func(l *loop, s *source[int], emit func(int) error) {
			given := l.timer(func() error {
				if err := emit(late); err != nil {
					return err
				}
				return l.release()
			})
			s.on = func(i int) error {
				if i == 1 {
					return emit(i)
				}
				l.hold()
				late = i
				given.set(time.Millisecond)
				return nil
			}
		}))
		if diff := cmp.Diff([]string{"1", "mark 1", "3", "mark 3"}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
}

func TestADurableConsumerResumesThroughALoopThatHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := stream.At(7)
		var asked stream.Subscription
		o := stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[int] {
			asked = sub
			return func(context.Context, func(int) error) error { return nil }
		})
		nothing := func(int) error { return nil }
		if err := plain(o, nil).Subscribe(t.Context(), stream.Subscription{Consumer: "c", From: &at}, nothing); err != nil || asked.Consumer != "c" || asked.From != &at {
			t.Errorf("got %v, subscribed by %+v, want the consumer", err, asked)
		}
		var refused *stream.NotResumableError
		err := Merge(o).Subscribe(t.Context(), stream.Subscription{Consumer: "c"}, nothing)
		if !errors.As(err, &refused) || refused.Operator != "Merge" {
			t.Errorf("got %v, want a refusal by Merge", err)
		}
	})
}

// marksAt is a source that delivers marks so many milliseconds after its run began.
func marksAt(log stream.Log, marks map[time.Duration]stream.Mark) stream.Observable[stream.ColdHot, int] {
	return stream.New[stream.ColdHot](&origin.Of{Log: log}, func(sub stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			for ms := range time.Duration(10) {
				time.Sleep(time.Millisecond) // virtual time: in a bubble
				if m, ok := marks[ms]; ok {
					if err := sub.Mark(m); err != nil {
						return err
					}
				}
			}
			return nil
		}
	})
}

// Breaks when: a merge passes on a mark as it comes (let come call pass(m)), or
// before each source has one.
func TestAMarkOfSeveralSourcesIsWhatAllHaveReached(t *testing.T) {
	at := func(p, head stream.Position, live bool) stream.Mark {
		return stream.Mark{At: stream.At(p), Head: stream.At(head), Live: live}
	}
	log := memlog.New()
	defer log.Close()
	synctest.Test(t, func(t *testing.T) {
		var got []stream.Mark
		merged := Merge(
			marksAt(log, map[time.Duration]stream.Mark{1: at(5, 9, true), 5: at(8, 10, true)}),
			marksAt(log, map[time.Duration]stream.Mark{2: at(3, 9, false), 4: at(7, 9, true), 8: at(9, 11, true)}))
		err := merged.Subscribe(t.Context(), stream.Subscription{Mark: func(m stream.Mark) error {
			got = append(got, m)
			return nil
		}}, func(int) error { return nil })
		want := []stream.Mark{at(3, 9, false), at(5, 9, true), at(7, 10, true), at(8, 11, true)}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
}

// Breaks when: come counts sources that have ended.
func TestASourceThatHasEndedHoldsNoMarkBack(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	synctest.Test(t, func(t *testing.T) {
		ended := stream.New[stream.ColdHot](&origin.Of{Log: log}, func(stream.Subscription) stream.Run[int] {
			return func(context.Context, func(int) error) error { return nil }
		})
		got, err := marked(t.Context(), Merge(ended, marksAt(log, map[time.Duration]stream.Mark{3: {At: stream.At(4)}})))
		if diff := cmp.Diff([]string{"mark 4"}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
}

func TestSourcesWithoutACommonLogHaveNoMarks(t *testing.T) {
	logs := []*memlog.Log{memlog.New(), memlog.New()}
	for _, log := range logs {
		defer log.Close()
	}
	a, b := replay.Hot(logs[0], notes), replay.Hot(logs[1], notes)
	for claim, o := range map[string]stream.Source[stream.Hot, noted]{
		"two logs":      Merge(a, b),
		"one has none":  Merge(a, stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[*stream.Event[noted]] { return nil })),
		"the first one": Merge(stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[*stream.Event[noted]] { return nil }), a),
	} {
		if _, err := marked(t.Context(), o); err != stream.ErrNoMarks || o.Log() != nil || o.ReadsHot() {
			t.Errorf("%s: got %v, the log %v, hot: %v, want ErrNoMarks and no log", claim, err, o.Log(), o.ReadsHot())
		}
	}
	if same := Merge(a, a); same.Log() != logs[0] || !same.ReadsHot() {
		t.Errorf("two sources of one log: got %v, hot: %v", same.Log(), same.ReadsHot())
	}
	if mixed := Merge(a, Map(a, func(e *stream.Event[noted]) *stream.Event[noted] { return e })); !mixed.ReadsHot() {
		t.Error("an operator made the log forget that it is hot")
	}
}
