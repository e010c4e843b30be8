package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

var errForgot = errors.New("the log would not remember")

// forgetful is a log that fails once, where the consumer wants to remember what
// it has done: as a crash right before that moment would.
type forgetful struct {
	*memlog.Log
	consumer string
	left     atomic.Int64 // so many times it still remembers
}

func (f *forgetful) Checkpoint(ctx context.Context, consumer string, at stream.Cursor, changes ...stream.Change) error {
	if consumer == f.consumer && f.left.Add(-1) == 0 {
		return errForgot
	}
	return f.Log.Checkpoint(ctx, consumer, at, changes...)
}

// A consumer that has acted and could not remember it acts again, and nothing
// happens twice.
// Breaks when: the saga's commands get fresh IDs (stream.NewID in perform).
func TestWhatWasDoneButNotRememberedIsNotDoneTwice(t *testing.T) {
	want := undisturbed(t)
	for _, consumer := range []string{"sales", "bank"} {
		t.Run(consumer, func(t *testing.T) {
			log := &forgetful{Log: memlog.New(), consumer: consumer}
			on := inMemory(log)
			defer func() { _ = log.Close() }()
			var out bytes.Buffer
			failures := 0
			for remembers := int64(3); ; remembers += 7 {
				log.left.Store(remembers)
				err := hold(t.Context(), on, settings{events: wishes, seed: 1}, &screen{out: &out})
				if err == nil {
					break
				}
				if !errors.Is(err, errForgot) {
					t.Fatalf("after %d failures: %v", failures, err)
				}
				failures++
			}
			if failures < 3 {
				t.Errorf("it failed %d times: too few to prove anything", failures)
			}
			if diff := cmp.Diff(want, end(out.String())); diff != "" {
				t.Errorf("after %d failures (-undisturbed +failed)\n%s", failures, diff)
			}
		})
	}
}

// Breaks when: wishes get fresh command IDs (stream.NewID in fulfil).
func TestAWishBroughtAgainIsNeitherRefusedNorTakesEffectTwice(t *testing.T) {
	log := memlog.New()
	on := inMemory(log)
	defer func() { _ = log.Close() }()
	d := &driver{house: housed(t, on)}
	world := newWorld(1)
	for range 4 { // a person and three lots, none of them refused
		w := world.next()
		for range 2 {
			if err := d.fulfil(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
	}
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stream.At(4), head); diff != "" {
		t.Errorf("the log's head (-want +got)\n%s", diff)
	}
	if got := d.refused.Load(); got != 0 {
		t.Errorf("%d wishes brought again were refused, want none", got)
	}
}

func TestFewerWishesThanWereHeardAreRefusedAndCloseNothing(t *testing.T) {
	log := memlog.New()
	on := inMemory(log)
	defer func() { _ = log.Close() }()
	d := &driver{house: housed(t, on), world: newWorld(1), events: wishes}
	err := d.house.open(t.Context(), func(ctx context.Context) error { // the first ticks of a day
		clock, err := d.clock(ctx)
		if err = errors.Join(err, d.house.sales.Online(ctx), d.house.bank.Online(ctx)); err != nil {
			return err
		}
		for at, i := clock.At, 0; i < 3; i++ {
			at = at.Add(tickLength)
			if err := d.tick(ctx, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = hold(t.Context(), on, settings{events: 10, seed: 1}, &screen{out: &out})
	if err == nil || !strings.Contains(err.Error(), "10") {
		t.Errorf("fewer wishes: got %v, want an error that says how many; it said\n%s", err, out.String())
	}
	out.Reset()
	if err := hold(t.Context(), on, settings{events: wishes, seed: 1}, &screen{out: &out}); err != nil {
		t.Fatalf("the day does not go on: %v", err)
	}
	if diff := cmp.Diff(undisturbed(t), end(out.String())); diff != "" {
		t.Errorf("(-undisturbed +gone on)\n%s", diff)
	}
}
