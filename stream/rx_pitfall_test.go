package stream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/stream"
)

// Each test here is a pitfall of rxgo's at the doors. In a bubble of virtual
// time a goroutine that is left behind fails the test.

type rxStage = func(rxgo.Observable) rxgo.Iterable

// endless gives 0, 1, 2 … until it is stopped.
func endless() stream.Observable[stream.Hot, int] {
	return stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			for i := 0; ; i++ {
				if err := emit(i); err != nil {
					return err
				}
			}
		}
	})
}

// ticking gives an item each second and never ends.
func ticking() stream.Observable[stream.Hot, int] {
	return stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			for i := 1; ; i++ {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Second):
				}
				if err := emit(i); err != nil {
					return err
				}
			}
		}
	})
}

// Breaks when: runRx does not end its run, which drains; options does not give the
// run's context.
func TestRxEarlyStopLeaksNothing(t *testing.T) {
	for claim, stage := range map[string]rxStage{
		"a lazy chain":      func(o rxgo.Observable) rxgo.Iterable { return mapped(mapped(o)) },
		"Take":              func(o rxgo.Observable) rxgo.Iterable { return o.Map(plusOne).Take(2) },
		"an error of Map's": func(o rxgo.Observable) rxgo.Iterable { return o.Map(failing) },
		"DoOnNext beside":   func(o rxgo.Observable) rxgo.Iterable { o.DoOnNext(func(any) {}); return o },
		"Merge":             func(o rxgo.Observable) rxgo.Iterable { return rxgo.Merge([]rxgo.Observable{o, o}) },
		"StartWith":         func(o rxgo.Observable) rxgo.Iterable { return o.StartWith(rxgo.Just(1)()) },
		"GroupBy":           func(o rxgo.Observable) rxgo.Iterable { return o.GroupBy(2, func(rxgo.Item) int { return 0 }) },
		"First":             func(o rxgo.Observable) rxgo.Iterable { return o.First() },
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for range 20 {
					n := 0
					_ = stream.ThroughRx[any](endless(), stage).Run(t.Context(), func(any) error {
						if n++; n == 2 {
							return errEnough
						}
						return nil
					})
				}
			})
		})
	}
}

func failing(context.Context, any) (any, error) { return nil, errSource }

// Range does not close when its context ends: the drain gives up after 50 ms.
func TestRxCancelThatDoesNotCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		o := stream.FromRx[stream.Cold, int](func(context.Context) rxgo.Observable { return rxgo.Range(0, 100) })
		begun := time.Now()
		err := o.Run(ctx, func(i int) error {
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || time.Since(begun) > 50*time.Millisecond {
			t.Errorf("got %v after %v, want context.Canceled after at most 50 ms", err, time.Since(begun))
		}
	})
}

// What can not be contained: an rxgo producer that looks at no context.
func TestRxDrainGivesUpOnWhatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var gone atomic.Bool
		o := stream.FromRx[stream.Cold, int](func(context.Context) rxgo.Observable {
			return rxgo.Create([]rxgo.Producer{func(_ context.Context, next chan<- rxgo.Item) {
				next <- rxgo.Of(1)
				<-release
				gone.Store(true)
			}})
		})
		begun := time.Now()
		err := o.Run(t.Context(), func(int) error { return errEnough })
		if took := time.Since(begun); !errors.Is(err, errEnough) || took != 50*time.Millisecond {
			t.Errorf("got %v after %v, want the consumer's error after 50 ms", err, took)
		}
		if gone.Load() {
			t.Error("the producer is gone, want one that still runs")
		}
		close(release)
	})
}

// ForEach looks at no context, and calls completed after an error: beside a
// pipeline it ends with the run, which fails with the error.
func TestRxForEachEndsWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := func(o rxgo.Observable) rxgo.Iterable {
			o.ForEach(func(any) {}, func(error) {}, func() {})
			return o
		}
		n := 0
		err := stream.ThroughRx[int](ticking(), stage).Run(t.Context(), func(int) error {
			if n++; n == 3 {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Errorf("got %v, want the consumer's error", err)
		}
		if _, err := collect(stream.ThroughRx[int]((&counting{n: 2, failing: true}).source(), stage)); !errors.Is(err, errSource) {
			t.Errorf("got %v, want the source's error", err)
		}
	})
}

func TestRxForEachOfAnObservableEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		<-ticking().Rx().ForEach(func(any) {}, func(error) {}, func() {}, rxgo.WithContext(ctx))
	})
}

// Breaks when: rxRun.function does not recover.
func TestRxPanicIsAnError(t *testing.T) {
	for name, stage := range map[string]rxStage{
		"Map": func(o rxgo.Observable) rxgo.Iterable {
			return o.Skip(1).Map(func(context.Context, any) (any, error) { panic("oops") })
		},
		"Filter": func(o rxgo.Observable) rxgo.Iterable { return o.Filter(func(any) bool { panic("oops") }) },
		"FlatMap": func(o rxgo.Observable) rxgo.Iterable {
			return o.FlatMap(func(rxgo.Item) rxgo.Observable { panic("oops") })
		},
		"Reduce": func(o rxgo.Observable) rxgo.Iterable {
			return o.Reduce(func(context.Context, any, any) (any, error) { panic("oops") })
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := collect(stream.ThroughRx[any](ticking(), stage))
			var panicked *stream.PanicError
			if !errors.As(err, &panicked) || panicked.Stage != "ThroughRx "+name || !strings.Contains(string(panicked.Stack), "rx_pitfall_test") {
				t.Errorf("%s: got %v, want a *PanicError that names it and where", name, err)
			}
		})
	}
}

// A key that can not be compared would panic inside of rxgo.
//
// Breaks when: key does not call refuseIncomparable.
func TestRxIncomparableKeyIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slices := func(context.Context, any) (any, error) { return []int{1}, nil }
		for name, stage := range map[string]rxStage{
			"Distinct":             func(o rxgo.Observable) rxgo.Iterable { return o.Distinct(slices) },
			"DistinctUntilChanged": func(o rxgo.Observable) rxgo.Iterable { return o.DistinctUntilChanged(slices) },
			"ToMap":                func(o rxgo.Observable) rxgo.Iterable { return o.ToMap(slices) },
		} {
			if _, err := collect(stream.ThroughRx[any](stream.From(1, 2), stage)); err == nil || !strings.Contains(err.Error(), "[]int can not be compared") {
				t.Errorf("%s: got %v, want an error that names the type", name, err)
			}
		}
	})
}

// What can not be contained: a panic where no door sees the function. It ends
// the process, so a child process shows it.
func TestRxPanicThatNoDoorSeesEndsTheProcess(t *testing.T) {
	const env = "THAW_RX_PANIC"
	boom := func(context.Context, any) (any, error) { panic("oops") }
	cases := map[string]func() error{
		"behind FromRx": func() error {
			_, err := collect(stream.FromRx[stream.Cold, any](func(context.Context) rxgo.Observable { return rxgo.Just(1)().Map(boom) }))
			return err
		},
		"in an inner observable": func() error {
			_, err := collect(stream.ThroughRx[any](stream.From(1), func(o rxgo.Observable) rxgo.Observable {
				return o.FlatMap(func(rxgo.Item) rxgo.Observable { return rxgo.Just(1)().Map(boom) })
			}))
			return err
		},
	}
	if f, ok := cases[os.Getenv(env)]; ok {
		t.Fatalf("the process goes on: %v", f())
	}
	for name := range cases {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), env+"="+name)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "panic: oops") || strings.Contains(string(out), "goes on") {
			t.Errorf("%s: got %v, want a process that ended with the panic\n%s", name, err, out)
		}
	}
}

// rxgo's Take completes at the item after its last: on a live source the run
// ends with its context.
func TestRxTakeThatCompletesLateEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		var got []int
		err := stream.ThroughRx[int](ticking(), func(o rxgo.Observable) rxgo.Observable { return o.Take(2) }).Run(ctx, func(i int) error {
			got = append(got, i)
			return nil
		})
		wantItems(t, got, nil, 1, 2)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
	})
}

// With ContinueOnError rxgo's operators do not stop: an error ends the run.
func TestRxContinueOnErrorEndsAtTheFirstError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := func(_ context.Context, v any) (any, error) {
			if v.(int)%2 == 1 {
				return nil, errSource
			}
			return v, nil
		}
		got, err := collect(stream.ThroughRx[int](endless(), func(o rxgo.Observable) rxgo.Observable {
			return o.Map(odd, rxgo.WithErrorStrategy(rxgo.ContinueOnError))
		}))
		if !errors.Is(err, errSource) || !reflect.DeepEqual(got, []int{0}) {
			t.Errorf("got %v, %v, want 0 and the error", got, err)
		}
	})
}

// An event source holds its lock for ever if it is cancelled while it sends: one
// that is made for each run is gone with the run, and the next has its own.
func TestRxEventSourceOfEachRunIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := stream.FromRx[stream.Hot, int](func(ctx context.Context) rxgo.Observable {
			return rxgo.FromEventSource(endless().Rx(rxgo.WithContext(ctx)).Observe(), rxgo.WithContext(ctx))
		})
		for range 3 {
			if err := o.Run(t.Context(), func(int) error { return errEnough }); !errors.Is(err, errEnough) {
				t.Errorf("got %v, want the consumer's error", err)
			}
		}
	})
}

// What can not be contained: an event source that outlives the run has no
// unsubscribe, so its sender waits for a consumer that has left.
func TestRxEventSourceThatIsSharedStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in := make(chan rxgo.Item)
		shared := rxgo.FromEventSource(in, rxgo.WithContext(ctx))
		o := stream.FromRx[stream.Hot, int](func(context.Context) rxgo.Observable { return shared })
		left := make(chan error)
		go func() { left <- o.Run(t.Context(), func(int) error { return errEnough }) }()
		synctest.Wait()
		in <- rxgo.Of(1)
		<-left
		in <- rxgo.Of(2) // taken, and sent to the one who left
		select {
		case in <- rxgo.Of(3):
			t.Error("the third was taken, want a sender that is stalled")
		case <-time.After(time.Minute):
		}
		cancel()
	})
}

// Connect's subscription knows no run: beside a pipeline it ends with it.
//
// Breaks when: Connect of rxGuard is rxgo's.
func TestRxConnectEndsWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := stream.ThroughRx[int](ticking(), func(o rxgo.Observable) rxgo.Observable {
			o.Connect(context.Background())
			return o
		})
		if err := o.Run(t.Context(), func(int) error { return errEnough }); !errors.Is(err, errEnough) {
			t.Errorf("got %v, want the consumer's error", err)
		}
	})
}

// An error in FlatMap deadlocks a published observable of rxgo's.
func TestRxErrorInFlatMapEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := collect(stream.ThroughRx[int](ticking(), func(o rxgo.Observable) rxgo.Observable {
			return o.FlatMap(func(rxgo.Item) rxgo.Observable { return rxgo.Thrown(errSource) })
		}))
		if !errors.Is(err, errSource) {
			t.Errorf("got %v, want the inner observable's error", err)
		}
	})
}

// Groups that are read one after the other deadlock: the run ends with its
// context, and leaves no goroutine behind.
func TestRxGroupsThatDeadlockEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o := stream.ThroughRx[int](ticking(), func(o rxgo.Observable) rxgo.Iterable {
			return rxFlat(o.GroupBy(2, func(i rxgo.Item) int { return i.V.(int) % 2 }))
		})
		if err := o.Run(ctx, func(int) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
	})
}

// rxgo hands errors to the functions of these, without a value.
//
// Breaks when: FlatMap or GroupBy of rxGuard calls f for an error.
func TestRxFunctionsAreNotHandedErrors(t *testing.T) {
	for name, stage := range map[string]rxStage{
		"FlatMap": func(o rxgo.Observable) rxgo.Iterable {
			return o.FlatMap(func(i rxgo.Item) rxgo.Observable { return rxgo.Just(i.V.(int))() })
		},
		"GroupBy": func(o rxgo.Observable) rxgo.Iterable {
			return rxFlat(o.GroupBy(1, func(i rxgo.Item) int { return i.V.(int) * 0 }))
		},
		"GroupByDynamic": func(o rxgo.Observable) rxgo.Iterable {
			return rxFlat(rxGroups(o.GroupByDynamic(func(i rxgo.Item) string { return fmt.Sprint(i.V.(int) * 0) })))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			if _, err := collect(stream.ThroughRx[int]((&counting{n: 2, failing: true}).source(), stage)); !errors.Is(err, errSource) {
				t.Errorf("%s: got %v, want the source's error", name, err)
			}
		})
	}
}

// Breaks when: outcome does not return what is hidden.
func TestRxErrorThatIsHiddenEndsTheRun(t *testing.T) {
	for name, stage := range map[string]rxStage{
		"the source's, by Count": func(o rxgo.Observable) rxgo.Iterable { return o.Count() },
		"Map's, by Count":        func(o rxgo.Observable) rxgo.Iterable { return o.Map(failing).Count() },
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := collect(stream.ThroughRx[any]((&counting{n: 2, failing: true}).source(), stage))
			if !errors.Is(err, errSource) {
				t.Errorf("%s: got %v, want the error", name, err)
			}
		})
	}
}

func TestRxErrorThatIsHandledDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := collect(stream.ThroughRx[int]((&counting{n: 2, failing: true}).source(), func(o rxgo.Observable) rxgo.Observable {
			return o.OnErrorReturnItem(9)
		}))
		wantItems(t, got, err, 0, 1, 9)
	})
}

// First of nothing is a zero item for rxgo's users, and nothing here.
func TestRxFirstOfNothingIsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := collect(stream.ThroughRx[int](stream.From[int](), func(o rxgo.Observable) rxgo.OptionalSingle { return o.First() }))
		wantItems(t, got, err)
	})
}

// Serialize waits for the identifier that never comes.
func TestRxSerializeAtAGapEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o := stream.ThroughRx[int](ticking(), func(o rxgo.Observable) rxgo.Observable {
			return o.Serialize(0, func(v any) int { return v.(int) })
		})
		if err := o.Run(ctx, func(int) error { return errEnough }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
	})
}

// A pool gives every item once, in any order.
func TestRxPoolLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[int]int{}
		err := stream.ThroughRx[int]((&counting{n: 1000}).source(), func(o rxgo.Observable) rxgo.Observable {
			return o.Map(plusOne, rxgo.WithPool(4))
		}).Run(t.Context(), func(i int) error { seen[i]++; return nil })
		if err != nil || len(seen) != 1000 {
			t.Errorf("got %d items, %v, want 1000", len(seen), err)
		}
	})
}

// Scan has no seed: its first accumulator is nil, and a function that does not
// know that panics.
func TestRxScanWithoutASeedIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := collect(stream.ThroughRx[int](stream.From(1), func(o rxgo.Observable) rxgo.Observable {
			return o.Scan(func(_ context.Context, sum, v any) (any, error) { return sum.(int) + v.(int), nil })
		}))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Stage != "ThroughRx Scan" {
			t.Errorf("got %v, want a *PanicError of Scan", err)
		}
	})
}

// WindowWithTime locks what it has locked when its context ends.
func TestRxWindowThatIsCancelledEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		o := stream.ThroughRx[any](ticking(), func(o rxgo.Observable) rxgo.Iterable {
			return rxFlat(o.WindowWithTime(rxgo.WithDuration(3 * time.Second)))
		})
		if err := o.Run(ctx, func(any) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
	})
}

// Two contexts in one pipeline leave a goroutine of rxgo's until one ends: the
// run's always does.
func TestRxTwoContextsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, cancel := context.WithCancel(t.Context())
		defer cancel()
		before := goroutinesHere()
		for range 20 {
			got, err := collect(stream.FromRx[stream.Cold, int](func(context.Context) rxgo.Observable {
				return rxgo.FromChannel(rxFilled(1, 2), rxgo.WithContext(other)).Map(plusOne)
			}))
			wantItems(t, got, err, 2, 3)
		}
		synctest.Wait()
		if n := goroutinesHere() - before; n > 0 {
			t.Errorf("got %d more goroutines, want none", n)
		}
	})
}

// Just and SendItems flatten slices and panic at nil: Rx does neither.
func TestRxItemsAreHandedOverAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := stream.From[any]([]int{1, 2}, nil, make(chan int)).Rx().ToSlice(3)
		if err != nil || len(got) != 3 || !reflect.DeepEqual(got[0], []int{1, 2}) || got[1] != nil {
			t.Errorf("got %v, %v, want a slice, nothing and a channel", got, err)
		}
	})
}

// A single of rxgo's is a stage, too, and its own operators are contained.
func TestRxSinglesAreStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := stream.ThroughRx[int64]((&counting{n: 3}).source(), func(o rxgo.Observable) rxgo.Single { return o.Count() })
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 3)
		}
		_, err := collect(stream.ThroughRx[any](stream.From(1), func(o rxgo.Observable) rxgo.Single {
			return o.Count().Map(func(context.Context, any) (any, error) { panic("oops") })
		}))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) {
			t.Errorf("got %v, want a *PanicError", err)
		}
	})
}
