package testkit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/stream"
)

var brokenLifetimes = []broken{
	{rule: "truncated-told", fault: "a read that would begin with removed events begins behind them", make: func(f *faulty) {
		f.skipping(func(q stream.Query, blocks int) bool { return len(q.Match) == 0 && blocks == 0 })
	}},
	{rule: "truncated-instances", fault: "an instance is read without its removed events", make: func(f *faulty) {
		f.skipping(func(q stream.Query, blocks int) bool { return ofInstance(q) && blocks == 0 })
	}},
	{rule: "truncated-meanwhile", fault: "a reader goes on behind what was removed", make: func(f *faulty) {
		f.skipping(func(_ stream.Query, blocks int) bool { return blocks > 0 })
	}},
	{rule: "truncated-rest", fault: "versions begin again behind the cut", make: func(f *faulty) {
		cut := f.cutting()
		f.onRecords(func(r *stream.Record) {
			if cut.Load() && r.Type == "NEXT" {
				r.Version = 1
			}
		})
	}},
	{rule: "truncated-commands", fault: "a command whose events are gone is still answered", make: func(f *faulty) {
		cut := f.cutting()
		var results sync.Map
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if len(list) == 0 || list[0].Command.IsZero() {
					return next(ctx, id, expected, list)
				}
				if got, ok := results.Load(list[0].Command); ok && cut.Load() {
					return got.([]stream.Record), nil
				}
				got, err := next(ctx, id, expected, list)
				if err == nil {
					results.Store(list[0].Command, got)
				}
				return got, err
			}
		})
	}},
	{rule: "truncated-consumers", fault: "places before the cut are moved to it", make: func(f *faulty) {
		var cut stream.Cursor
		truncate := f.truncate
		f.truncate = func(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
			at, err := truncate(ctx, upTo)
			cut = at
			return at, err
		}
		f.cursor = func(ctx context.Context, name string) (stream.Cursor, bool, error) {
			at, known, err := f.Log.Cursor(ctx, name)
			if known && !at.Reached(cut) {
				at = cut
			}
			return at, known, err
		}
	}},
	{rule: "truncated-places", fault: "truncating past the head removes everything", make: func(f *faulty) {
		truncate := f.truncate
		f.truncate = func(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
			if head, err := f.Log.Head(ctx); err == nil && !head.Reached(upTo) {
				upTo = head
			}
			return truncate(ctx, upTo)
		}
	}},
	{rule: "truncated-for-good", fault: "a log that is opened again does not say what was removed", disk: true, make: func(f *faulty) {
		f.skipping(func(stream.Query, int) bool { return true })
	}},
	{rule: "closed-calls", fault: "a closed log still tells its head", make: func(f *faulty) {
		f.head = func(ctx context.Context) (stream.Cursor, error) {
			head, err := f.Log.Head(ctx)
			if errors.Is(err, stream.ErrClosed) {
				return stream.Cursor{}, nil
			}
			return head, err
		}
	}},
	{rule: "closed-again", fault: "closing for the third time fails", make: func(f *faulty) {
		var calls atomic.Int64
		f.close = func() error {
			if calls.Add(1) > 2 {
				return errors.New("it is closed already")
			}
			return f.Log.Close()
		}
	}},
	{rule: "closed-followers", fault: "a follower ends without an error when the log is closed", make: endsWith(func(_ stream.Query, last stream.Mark, _, err error) error {
		if errors.Is(err, stream.ErrClosed) && last.Live {
			return nil
		}
		return err
	})},
	{rule: "closed-among-writers", fault: "a writer is told of the closing by an error of the engine's own", make: func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				got, err := next(ctx, id, expected, list)
				if errors.Is(err, stream.ErrClosed) && expected != stream.AnyVersion {
					return nil, errStopped
				}
				return got, err
			}
		})
	}},
	{rule: "reopen-events", fault: "the last event of a long log is lost when it is closed", disk: true, make: func(f *faulty) {
		f.onBlocks(func(q stream.Query, emit emitFunc) emitFunc {
			return func(block []stream.Record, m stream.Mark) error {
				if n := len(block); n > 0 && m.Head.Reached(at(3000)) && m.At.Equal(m.Head) {
					block = block[:n-1]
				}
				return emit(block, m)
			}
		})
	}},
	{rule: "reopen-goes-on", fault: "times begin again when the log is opened", disk: true, make: func(f *faulty) {
		head, err := f.Log.Head(context.Background())
		f.onRecords(func(r *stream.Record) {
			if err == nil && r.Position > head.Position(0) {
				r.Time = time.Unix(0, 0)
			}
		})
	}},
	{rule: "reopen-commands", fault: "commands are forgotten when the log is closed", disk: true, make: func(f *faulty) {
		f.changing(func(r *stream.Record) {
			if r.Remember == 0 {
				r.Command = stream.EventID{}
			}
		})
	}},
	{rule: "reopen-consumers", fault: "a claim outlives the log", disk: true, make: func(f *faulty) {
		f.claim = func(context.Context, string) (func(), error) { return nil, &stream.BusyError{Consumer: "a"} }
	}},
	{rule: "reopen-empty", fault: "a log that is empty can not be opened again", disk: true, make: func(f *faulty) {
		f.head = func(ctx context.Context) (stream.Cursor, error) {
			head, err := f.Log.Head(ctx)
			if err == nil && head.IsZero() {
				err = errors.New("there is no log here")
			}
			return head, err
		}
	}},
	{rule: "any-history", fault: "of three changes in a checkpoint the last one is lost", make: func(f *faulty) {
		f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			if len(changes) == 3 && name == "c/c" {
				changes = changes[:2]
			}
			return f.Log.Checkpoint(ctx, name, at, changes...)
		}
	}},
	{rule: "concurrent-history", fault: "every third checkpoint is lost", make: func(f *faulty) {
		var calls atomic.Int64
		f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			if len(changes) == 1 && changes[0].Key == "k" && slices.Contains(modelConsumers, name) && calls.Add(1)%3 == 0 {
				return nil
			}
			return f.Log.Checkpoint(ctx, name, at, changes...)
		}
	}},
}

// cutting says whether the log was truncated.
func (f *faulty) cutting() *atomic.Bool {
	var cut atomic.Bool
	truncate := f.truncate
	f.truncate = func(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
		at, err := truncate(ctx, upTo)
		cut.Store(cut.Load() || err == nil && !at.IsZero())
		return at, err
	}
	return &cut
}

// skipping goes on behind removed events instead of telling, for the reads that
// are asked for, with the number of blocks that had been handed over by then.
func (f *faulty) skipping(asked func(q stream.Query, blocks int) bool) {
	f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
		blocks := 0
		count := func(block []stream.Record, m stream.Mark) error {
			blocks++
			return emit(block, m)
		}
		err := f.Log.Read(ctx, q, count)
		var gone *stream.TruncatedError
		if !errors.As(err, &gone) || !asked(q, blocks) {
			return err
		}
		q.From, q.Match = gone.Cut, append([]stream.Match{{Topic: "users"}}, q.Match...)[1:]
		if ofInstance(q) { // read by its events, as the log would still tell
			q.Match = []stream.Match{q.Match[0], q.Match[0]}
		}
		return f.Log.Read(ctx, q, count)
	}
}
