package operators

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/internal/origin"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// blocks is a source over a log: items 1 to 6 in blocks of two, with a mark after
// each block. It fails before the item that failAt names, once for each entry.
func blocks(t *testing.T, failAt ...int) (o ints, begun *[]string) {
	log := memlog.New()
	t.Cleanup(func() { log.Close() })
	begun = &[]string{}
	return stream.New[stream.Cold](&origin.Of{Log: log}, func(sub stream.Subscription) stream.Run[int] {
		return func(_ context.Context, emit func(int) error) error {
			from := "nowhere"
			if sub.From != nil {
				from = sub.From.String()
			}
			*begun = append(*begun, from)
			if sub.From == nil {
				sub.From = &stream.Cursor{}
			}
			for i := int(sub.From.Position(0)) + 1; i <= 6; i++ {
				if len(failAt) > 0 && failAt[0] == i {
					failAt = failAt[1:]
					return errSource
				}
				if err := emit(i); err != nil {
					return err
				}
				if i%2 == 0 && sub.Mark != nil {
					if err := sub.Mark(stream.Mark{At: stream.At(stream.Position(i))}); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}), begun
}

// Breaks when: follow does not move From to a mark: 1 comes again.
func TestRetryOverALogGoesOnAfterTheLastMark(t *testing.T) {
	o, begun := blocks(t, 4, 3, 6)
	got, err := Collect(t.Context(), Retry(Map(o, func(n int) int { return n }), Retries{}))
	same(t, got, []int{1, 2, 3, 3, 4, 5, 5, 6}, err)
	if diff := cmp.Diff([]string{"0", "2", "2", "4"}, *begun); diff != "" {
		t.Errorf("attempts began (-want +got)\n%s", diff)
	}
}

// Breaks when: follow claims a place for a named consumer, whose place the log has.
func TestADurableConsumerStandsBehindRetry(t *testing.T) {
	o, begun := blocks(t, 4)
	var marks []string
	sub := stream.Subscription{Consumer: "c", Mark: func(m stream.Mark) error { marks = append(marks, m.At.String()); return nil }}
	err := Retry(o, Retries{}).Subscribe(t.Context(), sub, func(int) error { return nil })
	if diff := cmp.Diff([][]string{{"nowhere", "2"}, {"2", "4", "6"}}, [][]string{*begun, marks}); diff != "" || err != nil {
		t.Errorf("%v: attempts began, and marks (-want +got)\n%s", err, diff)
	}
}

// Breaks when: the first attempt does not say where it begins.
func TestWhatRemembersIsRefusedBeforeRetryOverALog(t *testing.T) {
	o, begun := blocks(t, 4)
	got, err := Collect(t.Context(), Retry(Scan(o, 0, total), Retries{}))
	var refused *stream.NotResumableError
	if !errors.As(err, &refused) || refused.Operator != "Scan" || len(got)+len(*begun) > 0 {
		t.Errorf("got %v, %v after %v, want a refusal by Scan before the first event", got, err, *begun)
	}
}

func TestWhatRetryAndCatchLeaveAlone(t *testing.T) {
	mine := errors.New("mine")
	tried := func(o ints, emit func(int) error) (n int, err error) {
		again := func(error) bool { n++; return n < 5 }
		err = Retry(Catch(o, func(err error) ints { n++; return Throw[int](err) }), Retries{Again: again}).Run(t.Context(), emit)
		return n, err
	}
	for claim, c := range map[string]struct {
		o    ints
		want error
	}{
		"the consumer's error": {stream.From(1), mine},
		"no source":            {Defer(func() ints { return ints{} }), stream.ErrNoSource},
		"a closed log":         {Throw[int](stream.ErrClosed), stream.ErrClosed},
	} {
		if n, err := tried(c.o, func(int) error { return mine }); n != 0 || err != c.want {
			t.Errorf("%s: got %v after %d calls, want %v after none", claim, err, n, c.want)
		}
	}
	if n, err := tried(Throw[int](mine), nil); n != 6 || err != mine {
		t.Errorf("the source's error: got %v after %d calls, want it after 6", err, n)
	}
}

// Breaks when: the waits do not grow, are not bounded or are not spread.
func TestRetryWaitsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		last := time.Now()
		o := Defer(func() ints {
			waits = append(waits, time.Since(last))
			last = time.Now()
			return Throw[int](errSource)
		})
		_, err := Collect(t.Context(), Retry(o, Retries{Attempts: 7, Wait: time.Second, MaxWait: 8 * time.Second}))
		if err != errSource || len(waits) != 7 {
			t.Fatalf("got %v after %d attempts, want %v after 7", err, len(waits), errSource)
		}
		even := 0
		for i, want := range []time.Duration{0, 1, 2, 4, 8, 8, 8} {
			want *= time.Second
			if got := waits[i]; got < want/2 || got > want*3/2 {
				t.Errorf("attempt %d: waited %s, want %s or half more or less", i+1, got, want)
			}
			if i > 0 && waits[i] == want {
				even++
			}
		}
		if even == 6 {
			t.Error("the waits are not spread")
		}
	})
}

func TestRetryCountsAnewAfterAnItem(t *testing.T) {
	for reset, want := range map[bool]int{false: 2, true: 5} {
		runs := 0
		o := Defer(func() ints {
			if runs++; runs == 5 {
				return Throw[int](errors.ErrUnsupported)
			}
			return StartWith(Throw[int](errSource), runs)
		})
		last := func(err error) bool { return errors.Is(err, errSource) }
		if _, err := Collect(t.Context(), Retry(o, Retries{Attempts: 2, Reset: reset, Again: last})); err == nil || runs != want {
			t.Errorf("reset %v: got %v after %d runs, want %d", reset, err, runs, want)
		}
	}
}

func TestAFailuresPolicyIsAFunction(t *testing.T) {
	even := func(n int) (int, error) {
		if n%2 != 0 {
			return 0, errSource
		}
		return n, nil
	}
	var parked []int
	for claim, c := range map[string]struct {
		failed func(int, error) error
		want   []int
		err    error
	}{
		"stop":             {func(_ int, err error) error { return err }, nil, errSource},
		"skip":             {func(int, error) error { return nil }, []int{2, 4}, nil},
		"park":             {func(n int, _ error) error { parked = append(parked, n); return nil }, []int{2, 4}, nil},
		"until it is full": {func(n int, _ error) error { return map[int]error{3: context.Canceled}[n] }, []int{2}, context.Canceled},
	} {
		got, err := Collect(t.Context(), TryMapElse(stream.From(1, 2, 3, 4), even, c.failed))
		if err != c.err || err == nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v, %v", claim, got, err, c.want, c.err)
		}
	}
	if !slices.Equal(parked, []int{1, 3}) {
		t.Errorf("parked %v, want 1 and 3", parked)
	}
}

func TestPanicsInWhatIsCalledForAFailure(t *testing.T) {
	fails := Throw[int](errSource)
	for stage, o := range map[string]ints{
		"Catch":         Catch(fails, func(error) ints { panic("boom") }),
		"OnErrorResume": OnErrorResume(fails, stream.From(1), func(error) { panic("boom") }),
		"Retry":         Retry(fails, Retries{Again: func(error) bool { panic("boom") }}),
	} {
		_, err := Collect(t.Context(), o)
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Stage != stage {
			t.Errorf("got %v, want a panic in %s", err, stage)
		}
	}
}
