package testkit

import (
	"context"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// OpKind says which operation of a log an [Op] is.
type OpKind int

// The operations of a log.
const (
	OpHead  OpKind = iota + 1
	OpRead         // a whole read, from the call to its return
	OpBlock        // one block that a read hands over
	OpAppend
	OpClaim
	OpCursor
	OpSaveCursor
	OpCheckpoint
	OpState
	OpStates
	OpTruncate
	OpAppendAll
	opKinds
)

// Op is one call of a log's method, or one block that a read hands over.
type Op struct {
	Kind     OpKind          // which operation
	Nth      int             // which one of its kind, from 1, over all callers
	Stream   stream.ID       // OpAppend: where to
	Batch    stream.Batch    // OpAppendAll: what is appended
	Consumer string          // the consumer's operations: its name
	Query    stream.Query    // OpRead, OpBlock: what is read
	Records  []stream.Record // OpAppend: what is appended and, once it is done, what was stored; OpAppendAll: what was stored; OpBlock: what is handed over, valid only during the call
	Mark     stream.Mark     // OpBlock: the mark that comes with it
	At       stream.Cursor   // OpSaveCursor, OpCheckpoint: the place; OpTruncate: up to where
	Changes  []stream.Change // OpCheckpoint: what changes with it
}

// Around is called in place of each operation, on the goroutine of the caller.
// It does the operation by calling do, not at all, once or again, and what it
// returns is what the caller gets; a result that was never made is the zero one.
type Around func(ctx context.Context, op *Op, do func(context.Context) error) error

// Intercept puts a function around every operation of a log but Close: to watch
// it, to delay it, or to let it fail. If the log is a [stream.Truncater] or a
// [stream.MultiStore], so is the result. It may be called as concurrently as the log.
func Intercept(log Log, around Around) Log {
	l := &intercepted{log: func() Log { return log }, around: around}
	_, truncates := log.(stream.Truncater)
	_, multi := log.(stream.MultiStore)
	switch {
	case truncates && multi:
		return interceptedBoth{interceptedTruncater{l}, interceptedMulti{l}, l}
	case truncates:
		return interceptedTruncater{l}
	case multi:
		return interceptedMulti{l}
	}
	return l
}

type intercepted struct {
	log    func() Log // as it is now
	around Around

	mu    sync.Mutex
	count [opKinds]int
}

// call does one operation.
func (l *intercepted) call(ctx context.Context, op *Op, do func(context.Context) error) error {
	l.mu.Lock()
	l.count[op.Kind]++
	op.Nth = l.count[op.Kind]
	l.mu.Unlock()
	return l.around(ctx, op, do)
}

func (l *intercepted) Head(ctx context.Context) (head stream.Cursor, err error) {
	err = l.call(ctx, &Op{Kind: OpHead}, func(ctx context.Context) (err error) {
		head, err = l.log().Head(ctx)
		return err
	})
	return head, err
}

func (l *intercepted) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	return l.call(ctx, &Op{Kind: OpRead, Query: q}, func(ctx context.Context) error {
		return l.log().Read(ctx, q, func(records []stream.Record, m stream.Mark) error {
			op := &Op{Kind: OpBlock, Query: q, Records: records, Mark: m}
			return l.call(ctx, op, func(context.Context) error { return emit(op.Records, op.Mark) })
		})
	})
}

func (l *intercepted) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) (stored []stream.Record, err error) {
	op := &Op{Kind: OpAppend, Stream: id, Records: records}
	err = l.call(ctx, op, func(ctx context.Context) (err error) {
		if stored, err = l.log().Append(ctx, id, expected, records...); err == nil {
			op.Records = stored
		}
		return err
	})
	if err != nil {
		stored = nil
	}
	return stored, err
}

func (l *intercepted) Claim(ctx context.Context, name string) (release func(), err error) {
	err = l.call(ctx, &Op{Kind: OpClaim, Consumer: name}, func(ctx context.Context) (err error) {
		release, err = l.log().Claim(ctx, name)
		return err
	})
	if err != nil && release != nil {
		release()
	}
	return release, err
}

func (l *intercepted) Cursor(ctx context.Context, name string) (at stream.Cursor, known bool, err error) {
	err = l.call(ctx, &Op{Kind: OpCursor, Consumer: name}, func(ctx context.Context) (err error) {
		at, known, err = l.log().Cursor(ctx, name)
		return err
	})
	return at, known, err
}

func (l *intercepted) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	return l.call(ctx, &Op{Kind: OpSaveCursor, Consumer: name, At: at}, func(ctx context.Context) error {
		return l.log().SaveCursor(ctx, name, at)
	})
}

func (l *intercepted) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	op := &Op{Kind: OpCheckpoint, Consumer: name, At: at, Changes: changes}
	return l.call(ctx, op, func(ctx context.Context) error { return l.log().Checkpoint(ctx, name, at, changes...) })
}

func (l *intercepted) State(ctx context.Context, name, key string) (value []byte, known bool, err error) {
	err = l.call(ctx, &Op{Kind: OpState, Consumer: name}, func(ctx context.Context) (err error) {
		value, known, err = l.log().State(ctx, name, key)
		return err
	})
	return value, known, err
}

func (l *intercepted) States(ctx context.Context, name, prefix string, emit func(string, []byte) error) error {
	return l.call(ctx, &Op{Kind: OpStates, Consumer: name}, func(ctx context.Context) error {
		return l.log().States(ctx, name, prefix, emit)
	})
}

func (l *intercepted) Close() error { return l.log().Close() }

// interceptedBoth is an intercepted log that can do both.
type interceptedBoth struct {
	interceptedTruncater
	interceptedMulti
	*intercepted
}

// interceptedTruncater is an intercepted log that can be truncated.
type interceptedTruncater struct{ *intercepted }

func (l interceptedTruncater) Truncate(ctx context.Context, upTo stream.Cursor) (cut stream.Cursor, err error) {
	err = l.call(ctx, &Op{Kind: OpTruncate, At: upTo}, func(ctx context.Context) (err error) {
		cut, err = l.log().(stream.Truncater).Truncate(ctx, upTo)
		return err
	})
	return cut, err
}

// interceptedMulti is an intercepted log that appends to several streams at once.
type interceptedMulti struct{ *intercepted }

func (l interceptedMulti) AppendAll(ctx context.Context, b stream.Batch) (stored []stream.Record, err error) {
	op := &Op{Kind: OpAppendAll, Batch: b}
	err = l.call(ctx, op, func(ctx context.Context) (err error) {
		if stored, err = l.log().(stream.MultiStore).AppendAll(ctx, b); err == nil {
			op.Records = stored
		}
		return err
	})
	if err != nil {
		stored = nil
	}
	return stored, err
}
