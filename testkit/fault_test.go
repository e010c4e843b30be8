package testkit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

// A purse takes coins.
type (
	coinPut  struct{ Coin int }
	putCoin  struct{ Coin int }
	purseSum struct{ Coins []int }
)

var (
	purses = stream.NewTopic("purses", stream.Catalogue[coinPut]{"COIN_PUT": coinPut{}})
	purse  = aggregate.New(purses,
		func(_ purseSum, c putCoin) ([]coinPut, error) { return []coinPut{{c.Coin}}, nil },
		func(s purseSum, e coinPut) purseSum {
			return purseSum{append(slices.Clip(s.Coins), e.Coin)}
		})
	annsPurse = stream.ID{Topic: "purses", Key: "ann"}

	errDisk   = errors.New("the disk is full")
	errUnsure = &stream.AmbiguousError{Stream: annsPurse, Err: errDisk}
)

// coins are what the log holds of a purse.
func coins(t testing.TB, log stream.Log, key string) []int {
	t.Helper()
	list, err := operators.Collect(t.Context(), operators.Map(replay.History(log, purses, key),
		func(e *stream.Event[coinPut]) int { return e.Data.Coin }))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestARepeatedCommandTakesEffectOnceWhateverFailed(t *testing.T) {
	for name, c := range map[string]struct {
		fault testkit.Around
		first error // what the first try returns
	}{
		"an append that fails before it is done":   {testkit.Fail(errDisk, testkit.On(testkit.OpAppend).Once()), errDisk},
		"an append that fails after it is done":    {testkit.FailAfter(errUnsure, testkit.On(testkit.OpAppend).Once()), errDisk},
		"an append that is sent twice":             {testkit.Twice(testkit.On(testkit.OpAppend)), nil},
		"a read that fails":                        {testkit.Fail(errDisk, testkit.On(testkit.OpRead).Once()), errDisk},
		"a read that fails when it is at its end":  {testkit.FailAfter(errDisk, testkit.On(testkit.OpRead).Stream(annsPurse).Once()), errDisk},
		"an append of this purse alone that fails": {testkit.Fail(errDisk, testkit.On(testkit.OpAppend).Stream(annsPurse).Once()), errDisk},
	} {
		t.Run(name, func(t *testing.T) {
			log := memlog.New()
			repository := aggregate.NewRepository(testkit.Intercept(log, c.fault), purse)
			command := aggregate.Command[putCoin]{ID: stream.NewID(), Key: "ann", Data: putCoin{5}}
			_, err := repository.Handle(t.Context(), command)
			if !errors.Is(err, c.first) {
				t.Errorf("the first try: got the error %v, want %v", err, c.first)
			}
			result, err := repository.Handle(t.Context(), command)
			if err != nil || len(result.Events) != 1 {
				t.Errorf("the second try: got %d events and the error %v, want the one event of the command", len(result.Events), err)
			}
			if got := coins(t, log, "ann"); !slices.Equal(got, []int{5}) {
				t.Errorf("got the coins %v, want one of 5", got)
			}
		})
	}
}

// Breaks when: Hold does not wait, or a repository gives up at a conflict.
func TestAWriterThatIsOvertakenDecidesAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, held := memlog.New(), 0
		first := testkit.On(testkit.OpAppend).Once()
		watched := testkit.When(func(op *testkit.Op) bool {
			chosen := first(op)
			if chosen {
				held++
			}
			return chosen
		})
		repository := aggregate.NewRepository(testkit.Intercept(log, testkit.Hold(watched, testkit.On(testkit.OpAppend))), purse)
		var writer sync.WaitGroup
		var slow aggregate.Result[coinPut, purseSum]
		var failed error
		writer.Go(func() { slow, failed = repository.Execute(t.Context(), "ann", putCoin{1}) })
		synctest.Wait() // until it is held
		if _, err := repository.Execute(t.Context(), "ann", putCoin{2}); err != nil {
			t.Fatal(err)
		}
		writer.Wait()
		if failed != nil || slow.Version != 2 || held != 1 {
			t.Errorf("the writer that was held (%d times): got version %d and the error %v, want version 2", held, slow.Version, failed)
		}
		if got := coins(t, log, "ann"); !slices.Equal(got, []int{2, 1}) {
			t.Errorf("got the coins %v, want 2 before 1", got)
		}
	})
}

// Breaks when: Delay or Hold does not look at the context.
func TestWhatWaitsEndsWithItsContext(t *testing.T) {
	never := testkit.When(func(*testkit.Op) bool { return false })
	for name, fault := range map[string]testkit.Around{
		"delayed": testkit.Delay(time.Hour, testkit.On(testkit.OpAppend)),
		"held":    testkit.Hold(testkit.On(testkit.OpAppend), never),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				log, begun := memlog.New(), time.Now()
				_, err := aggregate.NewRepository(testkit.Intercept(log, fault), purse).Execute(ctx, "ann", putCoin{1})
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Minute {
					t.Errorf("got the error %v after %s, want the context's after a minute", err, time.Since(begun))
				}
				if got := coins(t, log, "ann"); len(got) > 0 {
					t.Errorf("got the coins %v, want none", got)
				}
			})
		})
	}
}

// Breaks when: a view keeps what it had from a run that failed.
func TestAViewThatFailsComesBackWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := testkit.Intercept(memlog.New(), testkit.Faults(
			testkit.Delay(time.Second, testkit.On(testkit.OpBlock).AtRandom(1, 0.5)),
			testkit.FailAfter(errDisk, testkit.On(testkit.OpBlock).Nth(3)),
		))
		repository := aggregate.NewRepository(log, purse)
		view := operators.NewView("sum", func() int { return 0 }, func(sum int, e *stream.Event[coinPut]) int { return sum + e.Data.Coin })
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var runner sync.WaitGroup
		var ended []error
		runner.Go(func() {
			for ctx.Err() == nil {
				ended = append(ended, view.Run(ctx, replay.ColdHot(log, purses)))
			}
		})
		want := 0
		for coin := range 10 {
			if _, err := repository.Execute(t.Context(), "ann", putCoin{coin}); err != nil && !errors.Is(err, errDisk) {
				t.Fatal(err)
			} else if err == nil {
				want += coin
			}
			time.Sleep(time.Second) // virtual time: in a bubble
		}
		synctest.Wait()
		stop()
		runner.Wait()
		if got := operators.Ask(view, func(sum int) int { return sum }); got != want {
			t.Errorf("got the sum %d, want %d (the runs ended with %v)", got, want, ended)
		}
	})
}

// drawn puts a coin into savings for each that comes into another purse.
var drawn = aggregate.Saga[coinPut, int]{
	Name: "saver",
	Correlate: func(e *stream.Event[coinPut]) string {
		if e.Stream.Key == "savings" {
			return ""
		}
		return e.Stream.Key
	},
	React: func(n int, e *stream.Event[coinPut]) (int, []aggregate.Effect) {
		return n + 1, []aggregate.Effect{purse.Send("savings", putCoin{e.Data.Coin})}
	},
}

// sent puts coins 1 to 5 into ann's purse while run runs, again after each error,
// until it has handled all.
func sent(t *testing.T, log testkit.Log, run func(context.Context) error) (failures []error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var runner sync.WaitGroup
	runner.Go(func() {
		for ctx.Err() == nil {
			if err := run(ctx); ctx.Err() == nil {
				failures = append(failures, err)
			}
		}
	})
	synctest.Wait()
	repository := aggregate.NewRepository(log, purse)
	for coin := 1; coin <= 5; coin++ {
		if _, err := repository.Execute(t.Context(), "ann", putCoin{coin}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	time.Sleep(time.Hour) // virtual time: in a bubble
	stop()
	runner.Wait()
	return failures
}

// Breaks when: a saga's commands get fresh IDs.
func TestASagaActsOnceWhateverFails(t *testing.T) {
	savings := stream.ID{Topic: "purses", Key: "savings"}
	for name, fault := range map[string]func() testkit.Around{
		"its commands fail before they are done": func() testkit.Around {
			return testkit.Fail(errDisk, testkit.On(testkit.OpAppend).Stream(savings).Every(2))
		},
		"its commands fail after they are done": func() testkit.Around {
			return testkit.FailAfter(errUnsure, testkit.On(testkit.OpAppend).Stream(savings).Every(2))
		},
		"its commands are sent twice": func() testkit.Around {
			return testkit.Twice(testkit.On(testkit.OpAppend).Stream(savings))
		},
		"it does not remember that it has acted": func() testkit.Around {
			return testkit.Fail(errDisk, testkit.On(testkit.OpCheckpoint).Consumer("saver").Every(2))
		},
		"it remembers and is not told": func() testkit.Around {
			return testkit.FailAfter(errDisk, testkit.On(testkit.OpCheckpoint).Consumer("saver").Every(2))
		},
		"its reads fail at random": func() testkit.Around {
			return testkit.Fail(errDisk, testkit.On(testkit.OpBlock, testkit.OpState, testkit.OpStates).AtRandom(7, 0.3))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := memlog.New()
				broken := testkit.Intercept(log, fault())
				attempts := uint64(0) // that failed, and were made again at once
				failures := sent(t, log, func(ctx context.Context) error {
					r := drawn.Runner(replay.Hot(broken, purses), aggregate.NewRepository(broken, purse))
					err := r.Run(ctx)
					attempts += r.Stats().Failed
					return err
				})
				if got := coins(t, log, "savings"); !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
					t.Errorf("got the coins %v, want 1 to 5", got)
				}
				if len(failures) == 0 && attempts == 0 && name != "its commands are sent twice" {
					t.Error("nothing failed: the test tests nothing")
				}
			})
		})
	}
}

// Breaks when: an adapter saves its place before it acts, or goes on after it
// could not.
func TestAnAdapterLosesNothingAndRepeatsUnderTheSameID(t *testing.T) {
	for name, fault := range map[string]func() testkit.Around{
		"its place is not saved": func() testkit.Around {
			return testkit.Fail(errDisk, testkit.On(testkit.OpSaveCursor, testkit.OpCheckpoint).Consumer("printer").Every(3))
		},
		"its place is saved, and it is not told": func() testkit.Around {
			return testkit.FailAfter(errDisk, testkit.On(testkit.OpSaveCursor, testkit.OpCheckpoint).Consumer("printer").Every(3))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := memlog.New()
				broken := testkit.Intercept(log, fault())
				var printed []int
				ids := map[stream.EventID]int{}
				printer := aggregate.NewAdapter("printer", func(_ context.Context, e *stream.Event[coinPut]) error {
					if ids[e.ID]++; ids[e.ID] == 1 {
						printed = append(printed, e.Data.Coin)
					}
					return nil
				})
				failures := sent(t, log, func(ctx context.Context) error { return printer.Run(ctx, replay.Hot(broken, purses)) })
				if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, printed); diff != "" || len(ids) != 5 {
					t.Errorf("by ID, %d effects (- want, + got):\n%s", len(ids), diff)
				}
				if len(failures) == 0 {
					t.Error("nothing failed: the test tests nothing")
				}
			})
		})
	}
}

// Breaks when: counting counts what was not chosen.
func TestWhenChooses(t *testing.T) {
	appends := testkit.On(testkit.OpAppend)
	bob := stream.ID{Topic: "purses", Key: "bob"}
	for name, c := range map[string]struct {
		when testkit.When
		want []int // of ten appends, to bob, ann, bob, … with a head asked in between
	}{
		"every operation of a kind": {appends, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		"the first":                 {appends.Once(), []int{1}},
		"the third":                 {appends.Nth(3), []int{3}},
		"all but the first seven":   {appends.After(7), []int{8, 9, 10}},
		"each fourth":               {appends.Every(4), []int{4, 8}},
		"each none":                 {appends.Every(0), nil},
		"those of a stream":         {appends.Stream(annsPurse), []int{2, 4, 6, 8, 10}},
		"the second of a stream":    {appends.Stream(bob).Nth(2), []int{3}},
		"the first of a stream among the last three": {appends.After(7).Stream(bob).Once(), []int{9}},
		"one or another":     {appends.Nth(2).Or(appends.Nth(5)), []int{2, 6}}, // the second is not asked about the second append
		"one and another":    {appends.And(testkit.On(testkit.OpHead)), nil},
		"by a function":      {func(op *testkit.Op) bool { return op.Kind == testkit.OpAppend && op.Nth > 9 }, []int{10}},
		"a consumer's":       {testkit.On().Consumer("mailer"), nil},
		"at random":          {appends.AtRandom(3, 0.5), nil},
		"at random, never":   {appends.AtRandom(3, 0), nil},
		"at random, always":  {appends.AtRandom(3, 1), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		"another seed's":     {appends.AtRandom(4, 0.5), nil},
		"the same operation": {testkit.On(testkit.OpAppend, testkit.OpHead).Nth(3), []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			log := testkit.Intercept(memlog.New(), func(ctx context.Context, op *testkit.Op, do func(context.Context) error) error {
				if c.when(op) {
					got = append(got, op.Nth)
				}
				return do(ctx)
			})
			for n := range 10 {
				_, err := log.Append(t.Context(), []stream.ID{bob, annsPurse}[n%2], stream.AnyVersion, purses1(t))
				_, failed := log.Head(t.Context())
				if err := errors.Join(err, failed); err != nil {
					t.Fatal(err)
				}
			}
			if name == "at random" || name == "another seed's" {
				if len(got) == 0 || len(got) == 10 {
					t.Errorf("got %v, want some of ten", got)
				}
				return
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func purses1(t testing.TB) stream.Record {
	rec, err := purses.Encode(coinPut{1})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// A command that may have taken effect is repeated, and has done so once.
func ExampleFailAfter() {
	unsure := &stream.AmbiguousError{Stream: annsPurse, Err: errors.New("the disk does not answer")}
	log := testkit.Intercept(memlog.New(), testkit.FailAfter(unsure, testkit.On(testkit.OpAppend).Once()))
	repository := aggregate.NewRepository(log, purse)
	command := aggregate.Command[putCoin]{ID: stream.NewID(), Key: "ann", Data: putCoin{5}}
	for range 2 {
		result, err := repository.Handle(context.Background(), command)
		fmt.Println(result.State.Coins, errors.As(err, &unsure))
	}
	// Output:
	// [] true
	// [5] false
}
