package testkit_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// A gate's state is of an interface type, and nil until its fifth visitor.
type (
	gate    interface{ isGate() }
	crowded struct{ By int64 }
	visited struct{ By int64 }
)

func (crowded) isGate() {}

var (
	errNobody = errors.New("nobody came")

	gates = stream.NewTopic("gates", stream.Catalogue[visited]{"VISITED": visited{}})
	entry = aggregate.New(gates, func(_ gate, by int64) ([]visited, error) {
		if by < 0 {
			return nil, errNobody
		}
		return []visited{{by}}, nil
	}, func(s gate, e visited) gate {
		if e.By >= 5 {
			return crowded(e)
		}
		return s
	})
)

// counting delivers how often each item came, in one map that it goes on
// changing.
func counting(o stream.Observable[stream.Cold, string], copied bool) stream.Observable[stream.Cold, map[string]int] {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[map[string]int] {
		return func(ctx context.Context, emit func(map[string]int) error) error {
			counts := map[string]int{}
			return o.Subscribe(ctx, sub, func(s string) error {
				counts[s]++
				if copied {
					return emit(maps.Clone(counts))
				}
				return emit(counts)
			})
		}
	})
}

var (
	onlyA = map[string]int{"a": 1}
	aAndB = map[string]int{"a": 1, "b": 1}
)

func source(b *testkit.Board, marbles string) stream.Observable[stream.Cold, string] {
	return testkit.Items[stream.Cold, string](b, "source", marbles)
}

// What no specification can be wrong about must not pass for one.
//
// Breaks when: a nil state is compared with nothing (compareState), a refusal
// needs no Then (Outcome.refusal), a diagram that
// is wrong ends its test (Board.t), ForEach needs no case
// Fails and Subscribed do not look at their diagrams, items are
// kept as they came (deliver), or numbers of the log become floats (logged).
func TestLoopholesAreClosed(t *testing.T) {
	marbles := func(claim string, f func(b *testkit.Board), says ...string) lie {
		return lie{claim, func(t *testing.T) { testkit.Marbles(t, f) }, says}
	}
	refute(t,
		lie{"a state where none is wanted", func(t *testing.T) { testkit.For(t, entry).When(5).ThenState(nil) },
			[]string{"the state is another", "crowded{By:5}", "nil"}},
		lie{"no state where one is wanted", func(t *testing.T) { testkit.For(t, entry).When(4).ThenState(crowded{5}) },
			[]string{"the state is another", "crowded{By:5}", "nil"}},
		lie{"a refusal that nobody speaks of", func(t *testing.T) {
			testkit.For(t, entry).Given(visited{7}).When(-1).ThenState(crowded{7}).ThenVersion(1)
		}, []string{"the command was refused, and no Then speaks of that", "nobody came"}},
		lie{"a refusal that comes twice, and nobody speaks of it", func(t *testing.T) { testkit.For(t, entry).WhenTwice(-1).ThenVersion(0) },
			[]string{"the command was refused, and no Then speaks of that"}},
		lie{"an event that is nil", func(t *testing.T) { testkit.For(t, card).When(IssueCard{"x"}).Then(nil) },
			[]string{"wanted event 1 is nil", "ISSUED"}},
		lie{"a matcher that is nil", func(t *testing.T) { testkit.For(t, entry).When(5).ThenLike(nil, nil) },
			[]string{"wanted event 1 is nil", "VISITED"}},
		lie{"answers when nothing has happened", func(t *testing.T) {
			testkit.Answers(abc(t), "count", countOf, "x y -", testkit.Values[int]{"x": 2, "y": 3})
		}, []string{"Answers count: x y -: the diagram is longer than what happened, which takes 2 ticks"}},
		lie{"two diagrams, both of which are wrong", func(t *testing.T) {
			for _, want := range []string{"b|", "c|"} {
				testkit.Marbles(t, func(b *testkit.Board) { testkit.Expect(b, "x", source(b, "a|"), want) })
			}
		}, []string{"want    b |", "want    c |"}},
		lie{"a table without a case", func(t *testing.T) { testkit.ForEach(t, entry, nil) },
			[]string{"ForEach without a case: nothing was tested"}},
		marbles("a failure that no diagram has", func(b *testkit.Board) {
			testkit.Expect(b, "x", source(b, "a|"), "a|").Fails(errNobody)
		}, "lane x: Fails says what its # stands for, and it has none"),
		marbles("a pipeline that is never subscribed", func(b *testkit.Board) {
			testkit.Expect(b, "x", source(b, "a|"), "- -").Subscribed("- -")
		}, "lane x: - -: a subscriber's lane begins with a ^"),
		marbles("a subscriber that leaves first", func(b *testkit.Board) {
			testkit.Expect(b, "x", source(b, "a|"), "- (a|)").Subscribed("! ^")
		}, "never before: begin the lane with a ^"),
		marbles("two subscriber's lanes", func(b *testkit.Board) {
			testkit.Expect(b, "x", source(b, "a|"), "- (a|)").Subscribed("-^").Subscribed("- ^")
		}, "lane x: Subscribed is said twice"),
		marbles("a letter for two events", func(b *testkit.Board) {
			testkit.Events(b, "log", mails, "c - c", letters)
			testkit.Expect(b, "x", replay.ColdHot(b.Log(), mails), "c - c")
		}, "the letter c stands for one event, and is there twice"),
		marbles("an item as it became later", func(b *testkit.Board) {
			testkit.Expect(b, "x", counting(source(b, "a b|"), false), "y y|", testkit.Values[map[string]int]{"y": aAndB})
		}, "a came in the place of y", `- 	"b": 1,`),
		marbles("times that can not be told apart", func(b *testkit.Board) {
			b.Tick(time.Microsecond)
			testkit.Expect(b, "x", testkit.Items[stream.Hot, string](b, "source", "a b"), "(ab)")
		}, "something is to happen at 1µs, and a board tells times 10µs apart"),
		marbles("too much to be told apart", func(b *testkit.Board) {
			all := strings.Repeat("a ", 5000)
			testkit.Expect(b, "x", testkit.Items[stream.Hot, string](b, "source", all), all)
		}, "5000 instants"),
		lie{"a number beyond what a float can hold", func(t *testing.T) {
			testkit.ForSaga(t, doorkeeper, func(log stream.Log) stream.Source[stream.Hot, visited] { return replay.Hot(log, gates) }).
				With(func(s stream.Store) []aggregate.Handler {
					return []aggregate.Handler{aggregate.NewRepository(s, entry)}
				}).
				When(testkit.Happened(gates, "1", visited{1})).
				ThenHappened(testkit.Happened(gates, "2", visited{1 << 53}))
		}, []string{`gates/2 VISITED {"By":9007199254740993}`}},
		lie{"a view in a bubble", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { abc(t).Then(listed("a", "b", "c")) })
		}, []string{"this needs one of its own"}},
		lie{"a diagram in a bubble", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testkit.Marbles(t, func(*testkit.Board) {}) })
		}, []string{"this needs one of its own"}},
		lie{"a saga in a bubble", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				testkit.ForSaga(t, doorkeeper, func(log stream.Log) stream.Source[stream.Hot, visited] { return replay.Hot(log, gates) }).
					When(testkit.Happened(gates, "3", visited{1})).ThenNothing()
			})
		}, []string{"this needs one of its own"}},
	)
}

// doorkeeper sends a crowd to gate 2 when somebody comes to gate 1.
var doorkeeper = aggregate.Saga[visited, int]{
	Name:      "doorkeeper",
	Correlate: func(*stream.Event[visited]) string { return "all" },
	React: func(s int, e *stream.Event[visited]) (int, []aggregate.Effect) {
		if e.Stream.Key != "1" {
			return s, nil
		}
		return s, []aggregate.Effect{entry.Send("2", int64(1<<53+1))}
	},
}

// Breaks when: ThenStateWhere can not ask about a nil of an interface type, or an
// item is compared as it became after it was delivered.
func TestWhatLooksLikeALoopholePasses(t *testing.T) {
	testkit.For(t, entry).When(4).ThenState(nil).ThenStateWhere("empty", func(g gate) bool { return g == nil })
	testkit.For(t, entry).When(-1).ThenState(nil).ThenError(errNobody)
	testkit.Marbles(t, func(b *testkit.Board) {
		want := testkit.Values[map[string]int]{"x": onlyA, "y": aAndB}
		testkit.Expect(b, "changed", counting(source(b, "a b|"), false), "x y|", want)
		testkit.Expect(b, "copied", counting(source(b, "a b|"), true), "x y|", want)
	})
}

// Breaks when: a beginning can not be shared by tests that run at once.
func TestBeginningsAreShared(t *testing.T) {
	view := abc(t)
	aggregate := testkit.For(t, user).Given(EmailSet{"a"})
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			view.Then(listed("a", "b", "c"))
			view.When(set("cat", "d")).Then(listed("a", "b", "c", "d"))
			aggregate.When(SetEmail{"b"}).Then(EmailSet{"b"}).When(SetEmail{"c"}).Then(EmailSet{"c"})
			aggregate.WhenTime(time.Hour).When(SetEmail{"b"}).Then(EmailSet{"b"})
		})
	}
}
