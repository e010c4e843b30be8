package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

type costly struct{ N int }

// costlyCodec takes long enough for a block to be worth all cores. It fails, panics
// or ends its goroutine at a number.
type costlyCodec struct {
	decoded *atomic.Int64
	at      int
	do      func() error
}

func (c costlyCodec) Marshal(v any) ([]byte, error) { return fmt.Appendf(nil, "%d", v.(costly).N), nil }

func (c costlyCodec) Unmarshal(data []byte, into any) error {
	c.decoded.Add(1)
	for began := time.Now(); time.Since(began) < 20*time.Microsecond; {
	}
	e := into.(*costly)
	if _, err := fmt.Fscan(bytes.NewReader(data), &e.N); err != nil {
		return err
	}
	if e.N == c.at && c.do != nil {
		return c.do()
	}
	return nil
}

// costlyLog has n events of a topic with that codec.
func costlyLog(t *testing.T, n int, c costlyCodec) (*memlog.Log, *stream.Topic[costly]) {
	t.Helper()
	topic := stream.NewTopicWith("costly", stream.Catalogue[costly]{"COSTLY": {}}, stream.TopicOptions[costly]{Codec: c})
	log := memlog.New()
	t.Cleanup(func() { _ = log.Close() })
	for i := range n {
		rec, err := topic.Encode(costly{i})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "costly", Key: "k"}, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
	}
	return log, topic
}

// onTwoCores lets a test use two at least.
func onTwoCores(t *testing.T) {
	before := runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// Breaks when: shares are handed over as they become ready (take <-s.ready for i).
func TestABlockDecodedOnAllCoresIsHandedOverInOrder(t *testing.T) {
	onTwoCores(t)
	const n = 5000
	log, topic := costlyLog(t, n, costlyCodec{decoded: new(atomic.Int64)})
	next := 0
	for e, err := range replay.Cold(log, topic).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Data.N != next || e.Position != stream.Position(next+1) {
			t.Fatalf("got event %d at position %d, want %d", e.Data.N, e.Position, next)
		}
		next++
	}
	if next != n {
		t.Errorf("%d events, want %d", next, n)
	}
}

// Breaks when: an error of a share is returned before the shares in front of it are
// handed over, or decodeNext leaves out what it decoded before the error.
func TestABlockDecodedOnAllCoresFailsWhereItWouldHaveFailedOnOne(t *testing.T) {
	onTwoCores(t)
	cause := errors.New("not this one")
	for _, c := range []struct {
		how string
		do  func() error
		is  func(error) bool
	}{
		{"an error", func() error { return cause }, func(err error) bool { return errors.Is(err, cause) }},
		{"a panic", func() error { panic(cause) }, func(err error) bool { _, ok := errors.AsType[*stream.PanicError](err); return ok }},
	} {
		for _, at := range []int{0, 15, 16, 999, 1000, 1015, 1016, 1500, 1999, 2999} {
			t.Run(fmt.Sprint(c.how, " at ", at), func(t *testing.T) {
				log, topic := costlyLog(t, 3000, costlyCodec{new(atomic.Int64), at, c.do})
				got := 0
				err := replay.Cold(log, topic).Run(t.Context(), func(*stream.Event[costly]) error { got++; return nil })
				decode, ok := errors.AsType[*stream.DecodeError](err)
				if !ok || !c.is(err) || decode.Position != stream.Position(at+1) || got != at {
					t.Errorf("%d events and %v; want %d and an error at position %d", got, err, at, at+1)
				}
			})
		}
	}
}

// Breaks when: deliverTogether returns without waiting for the others, who go on
// decoding.
func TestWhoStopsInTheMiddleOfABlockLeavesNothingRunning(t *testing.T) {
	onTwoCores(t)
	decoded := new(atomic.Int64)
	log, topic := costlyLog(t, 3000, costlyCodec{decoded: decoded})
	enough := errors.New("enough")
	got := 0
	err := replay.Cold(log, topic).Run(context.Background(), func(*stream.Event[costly]) error {
		if got++; got == 1100 {
			return enough
		}
		return nil
	})
	at := decoded.Load()
	if !errors.Is(err, enough) {
		t.Errorf("got %v, want %v", err, enough)
	}
	if at > 1100+1000 {
		t.Errorf("%d events were decoded for 1100", at)
	}
	for range 1000 {
		runtime.Gosched()
	}
	if now := decoded.Load(); now != at {
		t.Errorf("%d events were decoded after the run had ended", now-at)
	}
}

// Breaks when: goOn leaves out what follows, or the share's other records.
func TestASubscriberIsAskedAboutWhatCanNotBeDecodedInItsPlace(t *testing.T) {
	onTwoCores(t)
	cause := errors.New("not this one")
	for _, at := range []int{0, 15, 16, 999, 1000, 1500, 2999} {
		t.Run(fmt.Sprint("at ", at), func(t *testing.T) {
			log, topic := costlyLog(t, 3000, costlyCodec{new(atomic.Int64), at, func() error { return cause }})
			next := 0
			sub := stream.Subscription{Undecoded: func(h stream.Header, err error) error {
				if next != at || h.Position != stream.Position(at+1) || !errors.Is(err, cause) {
					t.Errorf("asked about event %d, %v, after %d; want event %d", h.Position, err, next, at+1)
				}
				next++
				return nil
			}}
			err := replay.Cold(log, topic).Subscribe(t.Context(), sub, func(e *stream.Event[costly]) error {
				if e.Data.N != next {
					t.Fatalf("event %d came after %d", e.Data.N, next)
				}
				next++
				return nil
			})
			if err != nil || next != 3000 {
				t.Errorf("%d events and %v, want 3000", next, err)
			}
			refused := errors.New("refused")
			sub.Undecoded = func(stream.Header, error) error { return refused }
			if err := replay.Cold(log, topic).Subscribe(t.Context(), sub, func(*stream.Event[costly]) error { return nil }); !errors.Is(err, refused) {
				t.Errorf("got %v, want what the subscriber said", err)
			}
		})
	}
}

// Breaks when: decoders is not looked at: each subscriber has a helper then.
func TestManySubscribersShareTheCores(t *testing.T) {
	onTwoCores(t)
	const subscribers = 40
	before := runtime.NumGoroutine()
	log, topic := costlyLog(t, 2000, costlyCodec{decoded: new(atomic.Int64)})
	var most atomic.Int64
	var all sync.WaitGroup
	for range subscribers {
		all.Go(func() {
			err := replay.Cold(log, topic).Run(t.Context(), func(*stream.Event[costly]) error {
				if now := int64(runtime.NumGoroutine()); now > most.Load() {
					most.Store(now)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if limit := int64(before + subscribers + runtime.GOMAXPROCS(0)); most.Load() > limit {
		t.Errorf("%d goroutines for %d subscribers, want %d at most", most.Load(), subscribers, limit)
	}
}
