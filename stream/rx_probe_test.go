package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/stream"
)

// rxProbe is one question that each of rxgo's operators is asked.
type rxProbe struct {
	name string
	// mode is what the source does: it gives 1 2 3 4, 10 ms apart, and …
	mode sourceMode
	// judge says what is wrong, if anything, with what the run did.
	judge func(c rxCase, r rxResult) string
	bomb  bool // the operator's functions panic
	skip  func(rxCase) bool
}

type sourceMode int

const (
	thenEnds   sourceMode = iota // then completes
	failsFirst                   // fails before the first
	failsLater                   // fails after the second
	thenQuiet                    // is then quiet until its context ends
	goesOn                       // goes on and on
)

// rxResult is what one run did.
type rxResult struct {
	items    []any
	err      error
	took     time.Duration
	ran      bool // the source was run
	running  bool // and had not returned when the run had
	bombed   bool // a function was called
	leftover int  // goroutines that were there a second later
}

var errEnough = errors.New("the consumer has had enough")

var rxProbes = []rxProbe{
	{name: "result", mode: thenEnds, judge: judgeResult},
	{name: "again", mode: thenEnds, judge: judgeResult},
	{name: "error first", mode: failsFirst, judge: judgeError},
	{name: "error later", mode: failsLater, judge: judgeError},
	{name: "left early", mode: goesOn, judge: judgeLeft, skip: func(c rxCase) bool { return c.when == atEnd }},
	{name: "live", mode: thenQuiet, judge: judgeLive},
	{name: "panic", mode: failsLater, judge: judgePanic, bomb: true},
}

func judgeResult(c rxCase, r rxResult) string {
	switch {
	case !errors.Is(r.err, c.fails) && errors.Is(r.err, context.DeadlineExceeded):
		return "does not complete"
	case !errors.Is(r.err, c.fails):
		return fmt.Sprintf("fails: %v", r.err)
	}
	return judgeItems(c, r, "")
}

func judgeItems(c rxCase, r rxResult, where string) string {
	if len(c.want) == 0 && len(r.items) == 0 || reflect.DeepEqual(c.want, r.items) {
		return ""
	}
	return fmt.Sprintf("%sgives %s, not %s", where, rxShow(r.items), rxShow(c.want))
}

func rxShow(items []any) string {
	if len(items) == 0 {
		return "nothing"
	}
	return "`" + strings.Trim(fmt.Sprint(items), "[]") + "`"
}

func judgeError(c rxCase, r rxResult) string {
	switch {
	case !r.ran, c.handles && r.err == nil, c.when == ends && r.err == nil && len(r.items) > 0, errors.Is(r.err, errSource):
		return ""
	case errors.Is(r.err, context.DeadlineExceeded):
		return "an error does not end it"
	}
	return fmt.Sprintf("an error of the source becomes %v", r.err)
}

func judgeLeft(_ rxCase, r rxResult) string {
	switch {
	case !r.ran || r.err == nil:
		return ""
	case !errors.Is(r.err, errEnough):
		return "" // it gave nothing to leave at, which the other probes judge
	case r.running || r.took > time.Second:
		return "goes on after its consumer has left"
	}
	return ""
}

func judgeLive(c rxCase, r rxResult) string {
	switch {
	case !r.ran:
		return ""
	case r.took > time.Minute+time.Second:
		return "does not end with its context"
	case c.when == atEnd:
		return ""
	case c.when == ends && r.err != nil:
		return "completes one item late, which on a live source may be never"
	}
	return judgeItems(c, r, "on a live source ")
}

func judgePanic(c rxCase, r rxResult) string {
	var panicked *stream.PanicError
	if r.bombed && !errors.As(r.err, &panicked) && !(c.beside && errors.Is(r.err, errSource)) {
		return fmt.Sprintf("a panic becomes %v", r.err)
	}
	return ""
}

// rxRunProbe runs one probe in the bubble of virtual time that it is called in.
func rxRunProbe(t *testing.T, c rxCase, p rxProbe, factory bool) (r rxResult) {
	var ran, running, bombed atomic.Bool
	source := stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			ran.Store(true)
			running.Store(true)
			defer running.Store(false)
			return p.mode.run(ctx, emit)
		}
	})
	bomb := func() {
		bombed.Store(true)
		if p.bomb {
			panic("a panic of the user's")
		}
	}
	var o stream.Observable[stream.Hot, any]
	if factory {
		o = stream.FromRx[stream.Hot, any](func(ctx context.Context) rxgo.Iterable {
			return c.build(ctx, source.Rx(rxgo.WithContext(ctx)), bomb)
		})
	} else {
		o = stream.ThroughRx[any](source, func(o rxgo.Observable) rxgo.Iterable { return c.build(t.Context(), o, bomb) })
	}
	before := goroutinesHere()
	runs := 1
	if p.name == "again" {
		runs = 2
	}
	for range runs {
		r = rxResult{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		begun := time.Now()
		r.err = o.Run(ctx, func(item any) error {
			r.items = append(r.items, item)
			if p.mode == goesOn {
				begun = time.Now()
				return errEnough
			}
			return nil
		})
		r.took = time.Since(begun)
		r.running = running.Load() && !factory // FromRx knows no sources
		cancel()
	}
	time.Sleep(time.Second) // virtual: what only needs a moment has gone
	synctest.Wait()
	r.ran, r.bombed, r.leftover = ran.Load(), bombed.Load(), goroutinesHere()-before
	return r
}

func (m sourceMode) run(ctx context.Context, emit func(int) error) error {
	for i := 1; i <= 4 || m == goesOn; i++ {
		if m == failsFirst || m == failsLater && i == 3 {
			return errSource
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if err := emit(i); err != nil {
			return err
		}
	}
	if m == thenQuiet {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

var bubbled = regexp.MustCompile(`(?m)^goroutine \d+ \[.*synctest bubble \d+`)

// goroutinesHere counts the goroutines of the bubble, the caller among them.
// Probes run one after the other in a process that ends at the first leak, so
// there is one bubble.
func goroutinesHere() int {
	stacks := make([]byte, 1<<20)
	return len(bubbled.FindAll(stacks[:runtime.Stack(stacks, true)], -1))
}

// rxFound is what one probe found, as a child process reports it.
type rxFound struct {
	Index  int    // which probe of which case
	Wrong  string // what is wrong; empty: nothing
	Leaks  bool   // a goroutine was left behind
	Bombed bool   // the operator has a function, and it was called
	Spins  bool   // no answer came, as something kept the processor busy
}

const rxProbeEnv = "THAW_RX_PROBE"

// rxQuestion is one probe of one case.
type rxQuestion struct {
	rxCase
	rxProbe
	factory bool
}

func rxQuestions() (list []rxQuestion) {
	for i, c := range append(append([]rxCase(nil), rxMethods...), rxFactories...) {
		for _, p := range rxProbes {
			list = append(list, rxQuestion{c, p, i >= len(rxMethods)})
		}
	}
	return list
}

// TestRxProbe is the child process of TestRxgoPage: it asks one question after
// the other, as some answers end the process.
func TestRxProbe(t *testing.T) {
	from := 0
	if _, err := fmt.Sscan(os.Getenv(rxProbeEnv), &from); err != nil {
		t.Skip("runs as a child process of TestRxgoPage")
	}
	for i, q := range rxQuestions() {
		if i < from || q.skip != nil && q.skip(q.rxCase) {
			continue
		}
		// Outside of the bubble time is real: a pipeline that spins keeps the
		// bubble's from moving. A question takes less than a millisecond.
		watchdog := time.AfterFunc(rxSpinning, func() { rxReport(rxFound{Index: i, Spins: true}); os.Exit(0) })
		synctest.Test(t, func(t *testing.T) {
			r := rxRunProbe(t, q.rxCase, q.rxProbe, q.factory)
			found := rxFound{i, q.judge(q.rxCase, r), r.leftover > 0, r.bombed, false}
			rxReport(found)
			if found.Leaks {
				os.Exit(0) // a bubble with a goroutine in it can not be left
			}
		})
		watchdog.Stop()
	}
}

const rxSpinning = 5 * time.Second

func rxReport(found rxFound) {
	line, err := json.Marshal(found)
	if err != nil {
		panic(err)
	}
	fmt.Printf("\nrxprobe %s\n", line)
}
