package aggregate_test

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
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// post is the world outside: it takes what is not broken.
type post struct {
	mu     sync.Mutex
	sent   []string
	tries  int
	broken map[string]bool // keys that it does not take
}

var errPost = errors.New("the post is on strike")

func (p *post) send(_ context.Context, e *stream.Event[AccountEvent]) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.broken[e.Stream.Key] {
		return errPost
	}
	p.sent = append(p.sent, fmt.Sprintf("%d %s", e.Position, e.Stream.Key))
	return nil
}

func (p *post) repair(key string, broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.broken = map[string]bool{}
	}
	p.broken[key] = broken
}

func (p *post) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

func (w world) post(p *post) *aggregate.AdapterRunner {
	return aggregate.NewAdapter("post", p.send).Runner(replay.Hot(w.log, accounts))
}

func TestAdapterDoesWhatCameAfterItsBirthAcrossRestarts(t *testing.T) {
	w, p := newWorld(t), &post{}
	w.do(t, "ann", Deposit{1}) // history
	r := w.post(p)
	stop := running(t, r)
	online(t, r)
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, r)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.do(t, "bob", Deposit{1}) // while it is down
	again := w.post(p)
	running(t, again)
	online(t, again)
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, again)
	if diff := cmp.Diff([]string{"2 ann", "3 bob", "4 ann"}, p.got()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAdapterTriesAgainWithLongerAndLongerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var at []time.Duration
		var begun time.Time
		a := aggregate.NewAdapter("post", func(context.Context, *stream.Event[AccountEvent]) error {
			if at = append(at, time.Since(begun)); len(at) < 4 {
				return errPost
			}
			return nil
		})
		a.Wait = time.Second
		r := a.Runner(replay.Hot(w.log, accounts))
		stop := running(t, r)
		online(t, r)
		begun = time.Now()
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		if len(at) != 4 {
			t.Fatalf("tried %d times, want 4", len(at))
		}
		for i := 1; i < len(at); i++ { // each wait is 1 s, 2 s, 4 s, give or take a half
			wait, middle := at[i]-at[i-1], time.Second<<(i-1)
			if wait < middle/2 || wait > middle*3/2 {
				t.Errorf("attempt %d came %s after the one before, want about %s", i+1, wait, middle)
			}
		}
		parked, err := r.Parked(t.Context())
		if err != nil || len(parked) > 0 {
			t.Errorf("parked %v: %v; want nothing", parked, err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnEventThatFailsEveryAttemptIsParkedAndItsStreamWaitsBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &post{}
		ann := stream.ID{Topic: "accounts", Key: "ann"}
		p.repair("ann", true)
		r := w.post(p)
		stop := running(t, r)
		online(t, r)
		for _, key := range []string{"ann", "bob", "ann", "bob"} {
			w.do(t, key, Deposit{1})
		}
		settle(t, w.log, r)
		if diff := cmp.Diff([]string{"2 bob", "4 bob"}, p.got()); diff != "" {
			t.Errorf("others go on (-want +got)\n%s", diff)
		}
		if p.tries != 5+2 {
			t.Errorf("tried %d times, want 5 for ann's first, none for her second, and bob's 2", p.tries)
		}
		want := []aggregate.Parked{
			{Stream: ann, Position: 1, Type: "DEPOSITED", Err: errPost.Error(), Attempts: 5},
			{Stream: ann, Position: 3, Type: "DEPOSITED", Err: "an earlier event of its stream is parked"},
		}
		parkedAre(t, r, want)
		if err := stop(); err != nil {
			t.Fatal(err)
		}

		r = w.post(p) // after a restart they are still there, and newer ones join them
		stop = running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		want = append(want, aggregate.Parked{Stream: ann, Position: 5, Type: "DEPOSITED", Err: want[1].Err})
		parkedAre(t, r, want)

		if err := r.Retry(t.Context(), ann); !errors.Is(err, errPost) {
			t.Errorf("a retry in vain: got %v, want what the post says", err)
		}
		want[0].Attempts = 10
		parkedAre(t, r, want)

		p.repair("ann", false)
		if err := r.Retry(t.Context(), ann); err != nil {
			t.Errorf("retry: %v", err)
		}
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		if diff := cmp.Diff([]string{"2 bob", "4 bob", "1 ann", "3 ann", "5 ann", "6 ann"}, p.got()); diff != "" {
			t.Errorf("in order, and on (-want +got)\n%s", diff)
		}
		parkedAre(t, r, nil)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func parkedAre(t *testing.T, r *aggregate.AdapterRunner, want []aggregate.Parked) {
	t.Helper()
	got, err := r.Parked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(aggregate.Parked{}, "Since"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("parked (-want +got)\n%s", diff)
	}
}

func TestDiscardGivesParkedEventsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &post{}
		ann := stream.ID{Topic: "accounts", Key: "ann"}
		p.repair("ann", true)
		r := w.post(p)
		stop := running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		if err := r.Discard(t.Context(), ann); err != nil {
			t.Fatal(err)
		}
		parkedAre(t, r, nil)
		p.repair("ann", false)
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		if diff := cmp.Diff([]string{"3 ann"}, p.got()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPanicIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tries := newWorld(t), 0
		a := aggregate.NewAdapter("post", func(context.Context, *stream.Event[AccountEvent]) error {
			if tries++; tries == 1 {
				panic("boom")
			}
			return nil
		})
		r := a.Runner(replay.Hot(w.log, accounts))
		stop := running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		if tries != 2 {
			t.Errorf("tried %d times, want 2", tries)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAStopDuringABackOffIsPromptAndParksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &post{}
		p.repair("ann", true)
		r := w.post(p)
		stop := running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		synctest.Wait() // it waits for its second attempt
		before := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("the stop took %s", waited)
		}
		p.repair("ann", false)
		again := w.post(p)
		stop = running(t, again)
		online(t, again)
		settle(t, w.log, again)
		if diff := cmp.Diff([]string{"1 ann"}, p.got()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		parkedAre(t, again, nil)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// forgetful is a log whose checkpoints begin to fail.
type forgetful struct {
	*memlog.Log
	left int // checkpoints that still work
}

var errForgot = errors.New("the checkpoint failed")

func (f *forgetful) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	if f.left--; f.left < 0 {
		return errForgot
	}
	return f.Log.Checkpoint(ctx, name, at, changes...)
}

// TestACrashAfterTheSideEffectRepeatsThatOneEventAtMost lets every checkpoint in
// turn be the one that fails, over a pipeline that makes two items of an event.
func TestACrashAfterTheSideEffectRepeatsThatOneEventAtMost(t *testing.T) {
	const events = 6
	for crash := range 2*events + 2 {
		t.Run(fmt.Sprintf("checkpoint %d", crash), func(t *testing.T) {
			w := newWorld(t)
			var ids []string
			pipeline := func(log stream.Log) stream.Source[stream.Hot, AccountEvent] {
				return operators.ConcatMap(replay.Hot(log, accounts), func(e *stream.Event[AccountEvent]) stream.Observable[stream.Cold, *stream.Event[AccountEvent]] {
					return stream.From(e, e)
				})
			}
			a := aggregate.NewAdapter("post", func(_ context.Context, e *stream.Event[AccountEvent]) error {
				ids = append(ids, e.ID.String())
				return nil
			})
			first := a.Runner(pipeline(&forgetful{w.log, crash}))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- first.Run(ctx) }()
			online(t, first)
			var want []string
			for range events {
				id := w.do(t, "ann", Deposit{1}).Events[0].ID.String()
				want = append(want, id, id)
			}
			head, _ := w.log.Head(t.Context())
			waited := first.WaitFor(t.Context(), head)
			cancel()
			if err := <-ended; waited != nil && !errors.Is(err, errForgot) {
				t.Fatalf("the first run ended with %v, want it to forget", err)
			}
			again := a.Runner(pipeline(w.log))
			stop := running(t, again)
			online(t, again)
			settle(t, w.log, again)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if len(ids) > len(want)+1 {
				t.Errorf("%d effects for %d items: more than one was repeated", len(ids), len(want))
			}
			if diff := cmp.Diff(want, withoutRepeat(ids, want)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// withoutRepeat leaves out the one effect too many, where it differs from what
// was wanted.
func withoutRepeat(got, want []string) []string {
	for i := range got {
		if len(got) > len(want) && (i == len(want) || got[i] != want[i]) {
			return slices.Delete(slices.Clone(got), i, i+1)
		}
	}
	return got
}

func TestCommandsInsideAnAdapterAreCausedByItsEvent(t *testing.T) {
	w := newWorld(t)
	a := aggregate.NewAdapter("writer", func(ctx context.Context, e *stream.Event[AccountEvent]) error {
		_, err := w.letters.Handle(ctx, aggregate.Command[SendLetter]{ID: e.ID, Key: "ann", Data: SendLetter{"hello"}})
		return err
	})
	r := a.Runner(replay.Hot(w.log, accounts))
	running(t, r)
	online(t, r)
	cause := w.do(t, "ann", Deposit{1}).Events[0]
	settle(t, w.log, r)
	for e, err := range replay.Cold(w.log, letters).All(t.Context()) {
		if err != nil || e.CausedBy != cause.ID || e.Correlation != cause.Correlation {
			t.Errorf("got %+v: %v; want it caused by %s", e.Header, err, cause.ID)
		}
	}
}

// TestARetryObeysItsCallersContext: it stops in the middle of a back-off, and the
// event stays parked.
func TestARetryObeysItsCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &post{}
		ann := stream.ID{Topic: "accounts", Key: "ann"}
		p.repair("ann", true)
		r := w.post(p)
		stop := running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		ctx, cancel := context.WithCancel(t.Context())
		retried := make(chan error, 1)
		go func() { retried <- r.Retry(ctx, ann) }()
		synctest.Wait() // it waits for its second attempt
		before := time.Now()
		cancel()
		if err := <-retried; !errors.Is(err, context.Canceled) || time.Since(before) > 0 {
			t.Errorf("after %s got %v, want context.Canceled at once", time.Since(before), err)
		}
		parkedAre(t, r, []aggregate.Parked{{Stream: ann, Position: 1, Type: "DEPOSITED", Err: errPost.Error(), Attempts: 5}})
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// shy is a log that takes its time to store a consumer's place.
type shy struct {
	*memlog.Log
	asked, leave chan struct{}
}

func (s shy) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	close(s.asked)
	<-s.leave
	return s.Log.SaveCursor(ctx, name, at)
}

// TestOnlineMeansThatThePlaceIsStored: what is appended once Online has returned
// is not lost, whatever happens then.
// Breaks when: Run calls itself online before its first mark.
func TestOnlineMeansThatThePlaceIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := shy{memlog.New(), make(chan struct{}), make(chan struct{})}
		r := aggregate.NewAdapter("post", (&post{}).send).Runner(replay.Hot(log, accounts))
		stop := running(t, r)
		<-log.asked
		told := make(chan error, 1)
		go func() { told <- r.Online(context.Background()) }()
		synctest.Wait()
		select {
		case err := <-told:
			t.Errorf("Online returned %v before the place was stored", err)
		default:
		}
		close(log.leave)
		if err := <-told; err != nil {
			t.Error(err)
		}
		if err := errors.Join(stop(), log.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestRunnersTellThoseWhoWait(t *testing.T) {
	w := newWorld(t)
	r := w.post(&post{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Online(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("before any run, with a context that is done: got %v", err)
	}
	begun := make(chan error, 1)
	go func() { begun <- r.Online(context.Background()) }() // waits for a run
	stop := running(t, r)
	if err := <-begun; err != nil {
		t.Errorf("who waited before the run: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.WaitFor(context.Background(), stream.At(99)) }()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("who waits for what does not come: got %v, want why the run ended", err)
	}
}
