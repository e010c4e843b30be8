package testkit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

var brokenBatches = []broken{
	{rule: "headers-kept", fault: "an event's depth is lost", make: func(f *faulty) {
		f.onReads(func(r *stream.Record) { r.Depth = 0 })
	}},
	{rule: "read-tags", fault: "of three tags two are enough", make: func(f *faulty) {
		next := f.read
		f.read = func(ctx context.Context, q stream.Query, emit emitFunc) error {
			q.Match = slices.Clone(q.Match)
			for i := range q.Match {
				if len(q.Match[i].Tags) == 3 {
					q.Match[i].Tags = q.Match[i].Tags[:2]
				}
			}
			return next(ctx, q, emit)
		}
	}},
	{rule: "batch-stored", fault: "a batch's records come back in another order", make: onBatches(func(ctx context.Context, b stream.Batch, next batchFunc) ([]stream.Record, error) {
		got, err := next(ctx, b)
		if len(b.Writes) == 4 {
			slices.Reverse(got)
		}
		return got, err
	})},
	{rule: "batch-conflict", fault: "a write that only checks a version is not looked at", make: onBatches(func(ctx context.Context, b stream.Batch, next batchFunc) ([]stream.Record, error) {
		b.Writes = slices.DeleteFunc(slices.Clone(b.Writes), func(w stream.Write) bool {
			return len(w.Records) == 0 && w.Expected != stream.AnyVersion
		})
		return next(ctx, b)
	})},
	{rule: "batch-whole", fault: "the streams of a batch are stored one after the other", make: onBatches(func(ctx context.Context, b stream.Batch, next batchFunc) (all []stream.Record, err error) {
		events := 0
		for _, w := range b.Writes {
			events += len(w.Records)
		}
		if events != 7 {
			return next(ctx, b)
		}
		for _, w := range b.Writes {
			got, err := next(ctx, stream.Batch{Writes: []stream.Write{w}})
			if err != nil {
				return nil, err
			}
			all = append(all, got...)
			time.Sleep(time.Millisecond) // for the reader to come
		}
		return all, nil
	})},
	{rule: "batch-refused", fault: "of too many conditions the last are not looked at", make: onBatches(func(ctx context.Context, b stream.Batch, next batchFunc) ([]stream.Record, error) {
		b.Conditions = b.Conditions[:min(100, len(b.Conditions))]
		return next(ctx, b)
	})},
	{rule: "batch-condition", fault: "of two conditions the second is not looked at", make: onBatches(func(ctx context.Context, b stream.Batch, next batchFunc) ([]stream.Record, error) {
		if len(b.Conditions) == 2 {
			b.Conditions = b.Conditions[:1]
		}
		return next(ctx, b)
	})},
	{rule: "condition-one-winner", fault: "a condition is looked at before the moment of storing", make: func(f *faulty) {
		f.onBatch(func(next batchFunc) batchFunc {
			return func(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
				if len(b.Conditions) != 1 || len(b.Conditions[0].Match) == 0 {
					return next(ctx, b)
				}
				c := b.Conditions[0]
				p := &tape{query: stream.Query{Match: c.Match, From: c.After}}
				if err := f.Log.Read(ctx, p.query, p.take); err != nil {
					return nil, err
				}
				if len(p.records) > 0 {
					return nil, &stream.ConditionError{Condition: c, Found: p.records[0].Cursor()}
				}
				time.Sleep(time.Millisecond) // for another writer to come
				b.Conditions = nil
				return next(ctx, b)
			}
		})
	}},
	{rule: "batch-command", fault: "a command over three streams that comes again is stored again", make: func(f *faulty) {
		var mu sync.Mutex
		came := map[stream.EventID]bool{}
		f.onBatch(func(next batchFunc) batchFunc {
			return func(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
				if len(b.Writes) != 3 || len(b.Writes[0].Records) == 0 || b.Writes[0].Records[0].Command.IsZero() {
					return next(ctx, b)
				}
				mu.Lock()
				defer mu.Unlock()
				command := b.Writes[0].Records[0].Command
				if came[command] {
					return next(ctx, uncommanded(b))
				}
				got, err := next(ctx, b)
				came[command] = err == nil
				return got, err
			}
		})
	}},
	{rule: "batch-command-reused", fault: "a command that took effect on other streams takes effect again", make: onBatches(func(ctx context.Context, b stream.Batch, next batchFunc) ([]stream.Record, error) {
		got, err := next(ctx, b)
		var reused *stream.CommandReusedError
		if errors.As(err, &reused) {
			return next(ctx, uncommanded(b))
		}
		return got, err
	})},
	{rule: "command-forgotten", fault: "a command is remembered for ever", make: func(f *faulty) {
		var first sync.Map
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if len(list) == 0 || list[0].Remember == 0 {
					return next(ctx, id, expected, list)
				}
				if got, ok := first.Load(list[0].Command); ok {
					return got.([]stream.Record), nil
				}
				got, err := next(ctx, id, expected, list)
				if err == nil {
					first.Store(list[0].Command, got)
				}
				return got, err
			}
		})
	}},
	{rule: "reopen-forgotten", fault: "a command that is not remembered for ever is forgotten when the log is closed", disk: true, make: func(f *faulty) {
		f.changing(func(r *stream.Record) {
			if r.Remember > 0 {
				r.Command = stream.EventID{}
			}
		})
	}},
}

// onBatches handles every append of a batch.
func onBatches(handle func(context.Context, stream.Batch, batchFunc) ([]stream.Record, error)) func(*faulty) {
	return func(f *faulty) {
		f.onBatch(func(next batchFunc) batchFunc {
			return func(ctx context.Context, b stream.Batch) ([]stream.Record, error) { return handle(ctx, b, next) }
		})
	}
}

// uncommanded is the batch without a command, whatever the versions.
func uncommanded(b stream.Batch) stream.Batch {
	b.Writes, b.Conditions = slices.Clone(b.Writes), nil
	for i := range b.Writes {
		w := &b.Writes[i]
		w.Expected, w.Records = stream.AnyVersion, slices.Clone(w.Records)
		for j := range w.Records {
			w.Records[j].Command = stream.EventID{}
		}
	}
	return b
}
