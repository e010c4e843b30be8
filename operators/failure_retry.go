package operators

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/thaw-go/thaw/stream"
)

// Retries says how [Retry] tries again. The zero value does so at once and
// without end.
type Retries struct {
	// Attempts is how often the source is run in all; 0: without end. RxJS's count
	// is one less.
	Attempts int
	// Wait is how long to wait before the second attempt, and before each further
	// one unless MaxWait is longer.
	Wait time.Duration
	// MaxWait, if it is longer than Wait, makes each wait about twice as long as the
	// one before it, up to this, and spreads all of them at random by half, so that
	// those who failed together do not come back together.
	MaxWait time.Duration
	// Reset begins the attempts and the waits anew once an item has been delivered,
	// which a source that never ends needs. It is RxJS's resetOnSuccess.
	Reset bool
	// Again is told each error and says whether to go on; nil: always.
	Again func(error) bool
}

// Retry runs the source again when it has failed.
//
//	in   a--b--#
//	out  a--b--a--b--#    (2 attempts)
//
// A source over a log is not begun anew, as RxJS does: it goes on after the last
// mark that it has given. What is promised is what a durable consumer is promised
// over a restart: nothing is left out, the order is kept, and only what was
// delivered since that mark comes again, which is a part of one block of the log
// at most. For that the source is asked for marks whether the consumer asks or
// not, and what remembers can not stand before Retry: it is refused before the
// first event with a [*stream.NotResumableError]. A hot source goes on where it
// was, not at the head that there is by then. A source that reads no log begins
// anew.
//
// Errors: the source's last, when there are no attempts left or Again says no. The
// consumer's own, the context's, and that the pipeline can not be run as it is,
// are not tried again.
// Back-pressure: the call stack.
// State: the last mark, which the log has too; a durable consumer may stand behind.
// Goroutines: none.
func Retry[K stream.Kind, T any](o stream.Observable[K, T], r Retries) stream.Observable[K, T] {
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			t := &retrying{Retries: r, sub: sub}
			defer stream.Contain("Retry", &t.in, &err)
			if log := o.Log(); log != nil {
				if err := t.follow(ctx, log, o.ReadsHot()); err != nil {
					return err
				}
			}
			t.begin()
			for {
				failed, err := attempt(ctx, o.Subscribe, t.sub, func(item T) error {
					if t.Reset && t.fails > 0 {
						t.begin()
					}
					return emit(item)
				})
				if !failed || !t.again(err) {
					return err
				}
				if err := pause(ctx, t.wait()); err != nil {
					return err
				}
			}
		}
	}, stream.Upstream[K](o))
}

// retrying is one run of Retry.
type retrying struct {
	Retries
	sub   stream.Subscription // of the next attempt
	fails int
	waits backoff.ExponentialBackOff
	in    bool
}

// follow makes attempts over a log go on where the last one has come to. A
// consumer without a name says from the first where it begins, so that what
// remembers refuses then, and not when the first failure has come.
func (t *retrying) follow(ctx context.Context, log stream.Log, hot bool) error {
	if t.sub.Consumer == "" && t.sub.From == nil {
		var begin stream.Cursor
		if hot {
			head, err := log.Head(ctx)
			if err != nil {
				return err
			}
			begin = head
		}
		t.sub.From = &begin
	}
	mark := t.sub.Mark
	t.sub.Mark = func(m stream.Mark) error {
		if mark != nil {
			if err := mark(m); err != nil {
				return err
			}
		}
		t.sub.From = &m.At
		return nil
	}
	return nil
}

// begin begins the count and the waits anew.
func (t *retrying) begin() {
	t.fails = 0
	t.waits = backoff.ExponentialBackOff{
		InitialInterval: t.Wait, MaxInterval: t.MaxWait, Multiplier: 2,
		RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	t.waits.Reset()
}

// again counts a failure and says whether to go on.
func (t *retrying) again(err error) bool {
	t.fails++
	if t.Attempts > 0 && t.fails >= t.Attempts {
		return false
	}
	if t.Again == nil {
		return true
	}
	t.in = true
	again := t.Again(err)
	t.in = false
	return again
}

func (t *retrying) wait() time.Duration {
	if t.MaxWait <= t.Wait {
		return t.Wait
	}
	return t.waits.NextBackOff()
}

// pause waits; it returns the context's error once that is done.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Repeat runs a cold source again when it has completed, n times in all, and waits
// in between; n below 1 is without end.
//
//	in   a--b--|
//	out  a--b--a--b--|    (2 times)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: how often it has run; a durable consumer is refused, and so is one that
// asks for marks, with [stream.ErrNoMarks]: they would go back.
// Goroutines: none.
func Repeat[T any](o stream.Observable[stream.Cold, T], n int, wait time.Duration) stream.Observable[stream.Cold, T] {
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			switch {
			case sub.Consumer != "" || sub.From != nil:
				return &stream.NotResumableError{Consumer: sub.Consumer, Operator: "Repeat"}
			case sub.Mark != nil:
				return stream.ErrNoMarks
			}
			for i := 1; ; i++ {
				if err := o.Run(ctx, emit); err != nil || i == n {
					return err
				}
				if err := pause(ctx, wait); err != nil {
					return err
				}
			}
		}
	}, stream.Upstream[stream.Cold](o))
}
