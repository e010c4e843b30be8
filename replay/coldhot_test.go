package replay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

var errEnough = errors.New("enough")

// until stops at the first entry that is one of these.
func until(last string) func(string) error {
	return func(entry string) error {
		if entry == last {
			return errEnough
		}
		return nil
	}
}

// Guarantee 5: Cold+hot delivers every event once, in order, with no gap or
// double at the seam, whatever is being written.
// Breaks when: a read of memlog steps over the event at the seam (one more
// r.at++ in block when r.at == r.liveAt).
func TestSeam(t *testing.T) {
	const writers, each = 3, 300
	amid := 0
	for range 400 {
		log := memlog.New()
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					put(t, log, lots, fmt.Sprint(w), lotSold{i})
				}
			})
		}
		moment := stream.At(stream.Position(rand.IntN(writers * each)))
		for !headOf(t, log).Reached(moment) {
			runtime.Gosched()
		}
		if checkSeam(t, log, writers*each) {
			amid++
		}
		writing.Wait()
	}
	if amid < 40 {
		t.Errorf("only %d of 400 subscriptions met a seam, too few to prove anything", amid)
	}
}

func headOf(t *testing.T, log stream.Log) stream.Cursor {
	t.Helper()
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// checkSeam reads n events across the head: positions are dense, each instance
// counts up by one, every mark is where the events are, and the first live one
// is not before the head at the subscription. It reports whether events were
// still to come at the subscription.
func checkSeam(t *testing.T, log *memlog.Log, n stream.Position) (amid bool) {
	t.Helper()
	head := headOf(t, log)
	at, live, next := stream.Position(0), false, map[string]int{}
	err := replay.ColdHot(log, lots).Subscribe(t.Context(), stream.Subscription{
		Mark: func(m stream.Mark) error {
			if !m.At.Equal(stream.At(at)) {
				t.Errorf("got a mark at %s with %d delivered", m.At, at)
			}
			if m.Live && !m.At.Reached(head) {
				t.Errorf("got a live mark at %s before the head, %s", m.At, head)
			}
			if live = live || m.Live; live && at == n {
				return errEnough
			}
			return nil
		},
	}, func(e *stream.Event[lotSold]) error {
		at++
		if e.Position != at || e.Data.Price != next[e.Stream.Key] {
			return fmt.Errorf("got event %s, want position %d and number %d", brief(e), at, next[e.Stream.Key])
		}
		next[e.Stream.Key]++
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Errorf("got %v, want every event once and in order", err)
	}
	return head.Position(0) < n
}

func TestColdHotMarks(t *testing.T) {
	t.Run("the first live mark is exactly where history ends", func(t *testing.T) {
		log := memlog.New()
		put(t, log, users, "ann", emails(1, 2)...)
		got, err := steps(t.Context(), replay.ColdHot(log, users), stream.Subscription{}, until("at 2 of 2 live"))
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
		wantList(t, got, "1 users/ann {mail-1}", "2 users/ann {mail-2}", "at 2 of 2 live")
	})
	t.Run("no mark of a long history is live before its end", func(t *testing.T) {
		log := memlog.New()
		put(t, log, users, "ann", emails(1, 5000)...)
		n := 0
		err := replay.ColdHot(log, users).Subscribe(t.Context(), stream.Subscription{Mark: func(m stream.Mark) error {
			if m.Live != (n == 5000) {
				t.Errorf("got live %v after %d events", m.Live, n)
			}
			if m.Live {
				return errEnough
			}
			return nil
		}}, func(*stream.Event[any]) error { n++; return nil })
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
	})
	t.Run("an empty log is live at once", func(t *testing.T) {
		got, _ := steps(t.Context(), replay.ColdHot(memlog.New(), users), stream.Subscription{}, until("at 0 of 0 live"))
		wantList(t, got, "at 0 of 0 live")
	})
	t.Run("a topic of which there is nothing is live at the head", func(t *testing.T) {
		log := memlog.New()
		put(t, log, users, "ann", emails(1, 3)...)
		got, _ := steps(t.Context(), replay.ColdHot(log, lots), stream.Subscription{}, until("at 3 of 3 live"))
		wantList(t, got, "at 3 of 3 live")
	})
}

func TestColdHotGoesOn(t *testing.T) {
	for claim, topic := range map[string]*stream.Topic[any]{
		"one topic":                       users,
		"a union":                         stream.Union[any](users, lots),
		"a narrowed topic within a union": stream.Union[any](stream.Only[emailSet](users), lots),
	} {
		t.Run(claim+" goes on with what is appended, and marks what it skips", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := memlog.New()
				put(t, log, users, "ann", emailSet{"a1"})
				ctx, cancel := context.WithCancel(t.Context())
				var got []string
				var at stream.Cursor
				done := make(chan error)
				go func() {
					done <- replay.ColdHot(log, topic).Subscribe(ctx, stream.Subscription{Mark: func(m stream.Mark) error { at = m.At; return nil }},
						func(e *stream.Event[any]) error { got = append(got, brief(e)); return nil })
				}()
				synctest.Wait()
				wantList(t, got, "1 users/ann {a1}")
				put(t, log, users, "ann", emailSet{"a2"})
				put(t, log, stream.NewTopic("other", stream.Catalogue[int]{"N": 0}), "x", 7)
				synctest.Wait()
				wantList(t, got, "1 users/ann {a1}", "2 users/ann {a2}")
				if want := stream.At(3); !at.Equal(want) {
					t.Errorf("got mark at %v, want %v", at, want)
				}
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
			})
		})
	}
	t.Run("closing the log ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			done := make(chan error)
			go func() { done <- replay.ColdHot(log, users).Run(t.Context(), nil) }()
			synctest.Wait()
			if err := log.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; !errors.Is(err, stream.ErrClosed) {
				t.Errorf("got %v, want ErrClosed", err)
			}
		})
	})
}
