package testkit

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// onFollowers puts a function around emit of the reads that follow; n counts
// them.
func (f *faulty) onFollowers(change func(n int64, q stream.Query, emit emitFunc) emitFunc) {
	var followers atomic.Int64
	f.onBlocks(func(q stream.Query, emit emitFunc) emitFunc {
		if !q.Follow {
			return emit
		}
		return change(followers.Add(1), q, emit)
	})
}

// atSeam changes the first block that is not empty behind a follower's first
// live mark, for those that do not begin at the beginning.
func atSeam(change func([]stream.Record) []stream.Record) func(*faulty) {
	return func(f *faulty) {
		f.onFollowers(func(_ int64, q stream.Query, emit emitFunc) emitFunc {
			live, passed := false, q.From.IsZero()
			return func(block []stream.Record, m stream.Mark) error {
				if live && !passed && len(block) > 0 {
					passed = true
					block = change(block)
				}
				live = m.Live
				return emit(block, m)
			}
		})
	}
}

// endsWith replaces the error with which a follower ends.
func endsWith(change func(q stream.Query, last stream.Mark, emitted, err error) error) func(*faulty) {
	return func(f *faulty) {
		f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
			var last stream.Mark
			var emitted error
			err := f.Log.Read(ctx, q, func(block []stream.Record, m stream.Mark) error {
				last, emitted = m, emit(block, m)
				return emitted
			})
			if q.Follow {
				return change(q, last, emitted, err)
			}
			return err
		}
	}
}

// grown reports whether the log has grown past what a mark knew.
func (f *faulty) grown(m stream.Mark) bool {
	head, err := f.Log.Head(context.Background())
	return err == nil && !m.Head.Reached(head)
}

var errStopped = errors.New("stopped")

var brokenFollowers = []broken{
	{rule: "follow-new", fault: "a live mark names a head that is not there yet", make: func(f *faulty) {
		f.onFollowers(func(_ int64, _ stream.Query, emit emitFunc) emitFunc {
			live := false
			return func(block []stream.Record, m stream.Mark) error {
				if live {
					m.Head = at(m.Head.Position(0) + 1)
				}
				live = m.Live
				return emit(block, m)
			}
		})
	}},
	{rule: "follow-live", fault: "the first live mark of a long log names a head that is not there yet", make: func(f *faulty) {
		f.onFollowers(func(_ int64, _ stream.Query, emit emitFunc) emitFunc {
			return func(block []stream.Record, m stream.Mark) error {
				if m.Live && m.Head.Equal(at(2000)) {
					m.Head = at(2001)
				}
				return emit(block, m)
			}
		})
	}},
	{rule: "follow-marks", fault: "a follower ends at an append that it did not select", make: func(f *faulty) {
		f.onFollowers(func(_ int64, q stream.Query, emit emitFunc) emitFunc {
			live := false
			return func(block []stream.Record, m stream.Mark) error {
				if live && len(block) == 0 && q.Match[0].Topic == "none" {
					return errStopped
				}
				live = m.Live
				return emit(block, m)
			}
		})
	}},
	{rule: "follow-endless", fault: "a follower ends at the place up to which it was to read", make: func(f *faulty) {
		f.onQuery(func(_ context.Context, q *stream.Query) { q.Follow = q.Follow && q.To.IsZero() })
	}},
	{rule: "seam", fault: "the first live event is lost", make: atSeam(func(block []stream.Record) []stream.Record { return block[1:] })},
	{rule: "many-followers", fault: "the followers behind the thirtieth miss an event", make: func(f *faulty) {
		f.onFollowers(func(n int64, _ stream.Query, emit emitFunc) emitFunc {
			return func(block []stream.Record, m stream.Mark) error {
				if n > 30 && at(80).Reached(m.Head) {
					block = slices.DeleteFunc(slices.Clone(block), func(r stream.Record) bool { return r.Position == 40 })
				}
				return emit(block, m)
			}
		})
	}},
	{rule: "slow-follower", fault: "a follower that is far behind skips to what is new", make: func(f *faulty) {
		f.onFollowers(func(_ int64, _ stream.Query, emit emitFunc) emitFunc {
			live := false
			return func(block []stream.Record, m stream.Mark) error {
				if live && m.Head.Position(0)-m.At.Position(0) > 5000 {
					return nil
				}
				live = live || m.Live
				return emit(block, m)
			}
		})
	}},
	{rule: "follow-cancelled", fault: "a follower that waits ends with an error of its own when it is cancelled", make: func(f *faulty) {
		endsWith(func(_ stream.Query, last stream.Mark, _, err error) error {
			if errors.Is(err, context.Canceled) && !last.At.IsZero() && !f.grown(last) {
				return errStopped
			}
			return err
		})(f)
	}},
	{rule: "follow-cancelled-busy", fault: "a follower that is busy ends with an error of its own when it is cancelled", make: func(f *faulty) {
		endsWith(func(_ stream.Query, last stream.Mark, _, err error) error {
			if errors.Is(err, context.Canceled) && !last.At.IsZero() && f.grown(last) {
				return errStopped
			}
			return err
		})(f)
	}},
	{rule: "follow-emit-fails", fault: "a follower keeps the error of emit to itself", make: endsWith(func(_ stream.Query, last stream.Mark, emitted, err error) error {
		if emitted != nil && !errors.Is(emitted, errEnough) && last.At.Equal(at(11)) {
			return nil
		}
		return err
	})},
}

// Faults at the seam beside the one that brokenEngines has.
var brokenSeams = []broken{
	{rule: "seam", fault: "the first live event comes twice", make: atSeam(func(block []stream.Record) []stream.Record {
		return append(block[:1:1], block...)
	})},
	{rule: "seam", fault: "the first two live events come in the wrong order", make: atSeam(func(block []stream.Record) []stream.Record {
		if block = slices.Clone(block); len(block) > 1 {
			block[0], block[1] = block[1], block[0]
		} else {
			block = append(block[:1:1], block...)
		}
		return block
	})},
}
