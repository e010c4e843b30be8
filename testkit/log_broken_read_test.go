package testkit

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// ofInstance reports whether a query is about one instance.
func ofInstance(q stream.Query) bool {
	return len(q.Match) == 1 && q.Match[0].Topic != "" && q.Match[0].Key != ""
}

// onQuery changes what is read.
func (f *faulty) onQuery(change func(ctx context.Context, q *stream.Query)) {
	next := f.read
	f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
		change(ctx, &q)
		return next(ctx, q, emit)
	}
}

// onMarks changes the marks of finite reads.
func (f *faulty) onMarks(change func(q stream.Query, block []stream.Record, m *stream.Mark)) {
	f.onBlocks(func(q stream.Query, emit emitFunc) emitFunc {
		return func(block []stream.Record, m stream.Mark) error {
			if !q.Follow {
				change(q, block, &m)
			}
			return emit(block, m)
		}
	})
}

var brokenReads = []broken{
	{rule: "empty-log", fault: "the mark of an empty log is not live", make: func(f *faulty) {
		f.onMarks(func(_ stream.Query, _ []stream.Record, m *stream.Mark) { m.Live = m.Live && !m.Head.IsZero() })
	}},
	{rule: "cold-ends", fault: "a finite read looks at the head again at its end", make: func(f *faulty) {
		f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
			var end stream.Mark
			err := f.Log.Read(ctx, q, func(block []stream.Record, m stream.Mark) error {
				end = m
				return emit(block, m)
			})
			if head, failed := f.Log.Head(ctx); err == nil && failed == nil && !q.Follow && q.To.IsZero() && !head.Equal(end.At) {
				q.From = end.At
				return f.Log.Read(ctx, q, func(block []stream.Record, m stream.Mark) error {
					m.Live = true // as the first read's last mark was
					return emit(block, m)
				})
			}
			return err
		}
	}},
	{rule: "cold-prefix", fault: "the newest event of 600 is not read yet", make: func(f *faulty) {
		f.onQuery(func(ctx context.Context, q *stream.Query) {
			if head, err := f.Log.Head(ctx); err == nil && head.Equal(at(600)) && !q.Follow {
				q.To = at(599)
			}
		})
	}},
	{rule: "read-bounds", fault: "a read goes up to a place without including it", make: func(f *faulty) {
		f.onQuery(func(_ context.Context, q *stream.Query) {
			if to := q.To.Position(0); to > 1 && len(q.Match) == 0 && to > q.From.Position(0) {
				q.To = at(to - 1)
			}
		})
	}},
	{rule: "read-matches", fault: "only the first of several matches is looked at", make: func(f *faulty) {
		f.onQuery(func(_ context.Context, q *stream.Query) {
			if len(q.Match) > 1 && len(q.Match[0].Tags) == 0 && len(q.Match[1].Tags) == 0 {
				q.Match = q.Match[:1]
			}
		})
	}},
	{rule: "nothing-selected", fault: "a read that selects nothing ends with a mark that is not live", make: func(f *faulty) {
		f.onMarks(func(q stream.Query, block []stream.Record, m *stream.Mark) {
			if len(q.Match) == 1 && len(block) == 0 {
				m.Live = false
			}
		})
	}},
	{rule: "past-head", fault: "a read from past the head begins at the head", make: func(f *faulty) {
		f.onQuery(func(ctx context.Context, q *stream.Query) {
			if head, err := f.Log.Head(ctx); err == nil && !head.Reached(q.From) {
				q.From = head
			}
		})
	}},
	{rule: "whole-instance", fault: "an event of the instance is not in its index", make: func(f *faulty) {
		f.onBlocks(func(q stream.Query, emit emitFunc) emitFunc {
			return func(block []stream.Record, m stream.Mark) error {
				if ofInstance(q) && q.Match[0].Topic == "t" {
					block = slices.DeleteFunc(slices.Clone(block), func(r stream.Record) bool { return r.Version == 5 })
				}
				return emit(block, m)
			}
		})
	}},
	{rule: "read-marks", fault: "marks of a long read are live too early", make: func(f *faulty) {
		f.onMarks(func(_ stream.Query, _ []stream.Record, m *stream.Mark) {
			m.Live = m.Live || m.Head.Reached(at(5000))
		})
	}},
	{rule: "emit-fails", fault: "a finite read keeps the error of emit to itself", make: func(f *faulty) {
		f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
			var failed error
			err := f.Log.Read(ctx, q, func(block []stream.Record, m stream.Mark) error {
				failed = emit(block, m)
				return failed
			})
			if failed != nil && !q.Follow {
				return nil
			}
			return err
		}
	}},
	{rule: "read-cancelled", fault: "a finite read does not look at its context", make: func(f *faulty) {
		f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
			if !q.Follow {
				ctx = context.WithoutCancel(ctx)
			}
			return f.Log.Read(ctx, q, emit)
		}
	}},
	{rule: "reader-may-write", fault: "no place can be saved while a block is handled", make: func(f *faulty) {
		var inside atomic.Int64
		f.onBlocks(func(_ stream.Query, emit emitFunc) emitFunc {
			return func(block []stream.Record, m stream.Mark) error {
				inside.Add(1)
				defer inside.Add(-1)
				return emit(block, m)
			}
		})
		f.save = func(ctx context.Context, name string, at stream.Cursor) error {
			if inside.Load() > 0 {
				return errors.New("the log is being read")
			}
			return f.Log.SaveCursor(ctx, name, at)
		}
	}},
}
