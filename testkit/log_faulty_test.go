package testkit

import (
	"context"
	"errors"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

type (
	emitFunc   = func([]stream.Record, stream.Mark) error
	appendFunc = func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error)
	batchFunc  = func(ctx context.Context, b stream.Batch) ([]stream.Record, error)
	readFunc   = func(ctx context.Context, q stream.Query, emit emitFunc) error
)

// faulty is a log that breaks a promise: some of its methods are replaced.
type faulty struct {
	Log
	append     appendFunc
	appendAll  batchFunc
	read       readFunc
	head       func(ctx context.Context) (stream.Cursor, error)
	claim      func(ctx context.Context, name string) (func(), error)
	cursor     func(ctx context.Context, name string) (stream.Cursor, bool, error)
	save       func(ctx context.Context, name string, at stream.Cursor) error
	checkpoint func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error
	state      func(ctx context.Context, name, key string) ([]byte, bool, error)
	states     func(ctx context.Context, name, prefix string, emit func(string, []byte) error) error
	truncate   func(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error)
	close      func() error
}

// newFaulty does everything as the log does.
func newFaulty(log Log) *faulty {
	return &faulty{
		Log: log, head: log.Head, read: log.Read, claim: log.Claim, cursor: log.Cursor, save: log.SaveCursor,
		state: log.State, states: log.States, close: log.Close, truncate: log.(stream.Truncater).Truncate,
		appendAll: log.(stream.MultiStore).AppendAll,
		append: func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			return log.Append(ctx, id, expected, list...)
		},
		checkpoint: func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			return log.Checkpoint(ctx, name, at, changes...)
		},
	}
}

func (f *faulty) Append(ctx context.Context, id stream.ID, expected stream.Version, list ...stream.Record) ([]stream.Record, error) {
	return f.append(ctx, id, expected, list)
}

func (f *faulty) AppendAll(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
	return f.appendAll(ctx, b)
}

func (f *faulty) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	return f.read(ctx, q, emit)
}

func (f *faulty) Head(ctx context.Context) (stream.Cursor, error) { return f.head(ctx) }

func (f *faulty) Claim(ctx context.Context, name string) (func(), error) { return f.claim(ctx, name) }

func (f *faulty) Cursor(ctx context.Context, name string) (stream.Cursor, bool, error) {
	return f.cursor(ctx, name)
}

func (f *faulty) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	return f.save(ctx, name, at)
}

func (f *faulty) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	return f.checkpoint(ctx, name, at, changes)
}

func (f *faulty) State(ctx context.Context, name, key string) ([]byte, bool, error) {
	return f.state(ctx, name, key)
}

func (f *faulty) States(ctx context.Context, name, prefix string, emit func(string, []byte) error) error {
	return f.states(ctx, name, prefix, emit)
}

func (f *faulty) Truncate(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
	return f.truncate(ctx, upTo)
}

func (f *faulty) Close() error { return f.close() }

// onAppend puts a function in front of Append.
func (f *faulty) onAppend(change func(next appendFunc) appendFunc) { f.append = change(f.append) }

// onBatch puts a function in front of AppendAll.
func (f *faulty) onBatch(change func(next batchFunc) batchFunc) { f.appendAll = change(f.appendAll) }

// onBlocks puts a function around emit, made anew for each read.
func (f *faulty) onBlocks(change func(q stream.Query, emit emitFunc) emitFunc) {
	next := f.read
	f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error { return next(ctx, q, change(q, emit)) }
}

// onRecords changes what is stored, as appends return it and as reads hand it
// over.
func (f *faulty) onRecords(change func(*stream.Record)) {
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			stored, err := next(ctx, id, expected, list)
			stored = slices.Clone(stored) // as do readers
			for i := range stored {
				change(&stored[i])
			}
			return stored, err
		}
	})
	f.onBatch(func(next batchFunc) batchFunc {
		return func(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
			stored, err := next(ctx, b)
			for i := range stored {
				change(&stored[i])
			}
			return stored, err
		}
	})
	f.onReads(change)
}

// onReads changes what reads hand over.
func (f *faulty) onReads(change func(*stream.Record)) {
	f.onBlocks(func(_ stream.Query, emit emitFunc) emitFunc {
		return func(block []stream.Record, m stream.Mark) error {
			block = slices.Clone(block) // others may share it
			for i := range block {
				change(&block[i])
			}
			return emit(block, m)
		}
	})
}

// sparse uses every second position.
func sparse(f *faulty) {
	double := func(c stream.Cursor) stream.Cursor { return stream.At(2 * c.Position(0)) }
	half := func(ctx context.Context, c stream.Cursor) stream.Cursor {
		head, err := f.Log.Head(ctx)
		if err != nil || !double(head).Reached(c) { // as far past the head
			past := c.Position(0) - 2*head.Position(0)
			return stream.At(head.Position(0)+past, c.Position(1))
		}
		return stream.At(c.Position(0) / 2)
	}
	told := func(err error, asked stream.Cursor) error {
		var condition *stream.ConditionError
		if errors.As(err, &condition) {
			condition.Condition.After, condition.Found = double(condition.Condition.After), double(condition.Found)
		}
		var backwards *stream.BackwardsError
		var gone *stream.TruncatedError
		switch {
		case errors.As(err, &backwards):
			backwards.Saved, backwards.Head, backwards.Asked = double(backwards.Saved), double(backwards.Head), asked
		case errors.As(err, &gone):
			gone.From, gone.Cut = asked, double(gone.Cut)
		}
		return err
	}
	f.onRecords(func(r *stream.Record) { r.Position *= 2 })
	f.onBlocks(func(_ stream.Query, emit emitFunc) emitFunc {
		return func(block []stream.Record, m stream.Mark) error {
			m.At, m.Head = double(m.At), double(m.Head)
			return emit(block, m)
		}
	})
	read := f.read
	f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
		asked := q.From
		q.From, q.To = half(ctx, q.From), half(ctx, q.To)
		return told(read(ctx, q, emit), asked)
	}
	f.onBatch(func(next batchFunc) batchFunc {
		return func(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
			b.Conditions = slices.Clone(b.Conditions)
			for i := range b.Conditions {
				b.Conditions[i].After = half(ctx, b.Conditions[i].After)
			}
			stored, err := next(ctx, b)
			return stored, told(err, stream.Cursor{})
		}
	})
	f.head = func(ctx context.Context) (stream.Cursor, error) {
		head, err := f.Log.Head(ctx)
		return double(head), err
	}
	f.cursor = func(ctx context.Context, name string) (stream.Cursor, bool, error) {
		at, known, err := f.Log.Cursor(ctx, name)
		return double(at), known, err
	}
	f.save = func(ctx context.Context, name string, at stream.Cursor) error {
		return told(f.Log.SaveCursor(ctx, name, half(ctx, at)), at)
	}
	f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
		return told(f.Log.Checkpoint(ctx, name, half(ctx, at), changes...), at)
	}
	f.truncate = func(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
		cut, err := f.Log.(stream.Truncater).Truncate(ctx, half(ctx, upTo))
		return double(cut), err
	}
}
