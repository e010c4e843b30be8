package testkit

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var brokenAppends = []broken{
	{rule: DensePositions, fault: "every second position is left out", make: sparse},
	{rule: CommitOrder, fault: "an append is stored with one of the same stream that came before", make: ahead},
	{rule: "dense-versions", fault: "a version is left out in the middle of a stream", make: func(f *faulty) {
		f.onReads(func(r *stream.Record) {
			if r.Stream == (stream.ID{Topic: "lots", Key: "2"}) && r.Version > 5 {
				r.Version++
			}
		})
	}},
	{rule: ExpectedVersion, fault: "an append at the version that is there is refused", make: func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if expected == 4 {
					return nil, &stream.ConflictError{Stream: id, Expected: expected, Actual: expected + 1}
				}
				return next(ctx, id, expected, list)
			}
		})
	}},
	{rule: "conflict-stores-nothing", fault: "a conflict is reported and stored", make: storesConflict("COUNTED", true)},
	{rule: "one-winner", fault: "a writer who comes second is stored, too", make: storesConflict("WON", false)},
	{rule: "refused-unseen", fault: "a conflict is reported, and seen by followers", make: storesConflict("REFUSED", true)},
	{rule: "whole-appends", fault: "an append is stored in two parts", make: inParts},
	{rule: "headers", fault: "the cause is forgotten", make: func(f *faulty) {
		f.onRecords(func(r *stream.Record) { r.CausedBy = stream.EventID{} })
	}},
	{rule: "event-ids", fault: "a given event ID is not kept", make: func(f *faulty) {
		f.changing(func(r *stream.Record) { r.ID = stream.EventID{} })
	}},
	{rule: "byte-exact", fault: "payloads are stored as text", make: func(f *faulty) {
		f.changing(func(r *stream.Record) { r.Data = bytes.ToValidUTF8(r.Data, []byte("?")) })
	}},
	{rule: "callers-slices", fault: "the caller's payload is kept, not a copy", make: sharesPayloads},
	{rule: "times-forward", fault: "times go back now and then", make: func(f *faulty) {
		f.onRecords(func(r *stream.Record) {
			if r.Position%97 == 0 {
				r.Time = r.Time.Add(-time.Hour)
			}
		})
	}},
	{rule: "limits-reached", fault: "the most events in one append are one too many", make: func(f *faulty) {
		f.refusing(func(_ stream.ID, list []stream.Record) error {
			if len(list) == engine.MaxAppendEvents {
				return &stream.TooLargeError{Size: int64(len(list)), Limit: engine.MaxAppendEvents - 1}
			}
			return nil
		})
	}},
	{rule: "invalid-refused", fault: "control characters in a key are dropped", make: func(f *faulty) {
		f.renaming(func(id *stream.ID) { id.Key = strings.ReplaceAll(id.Key, "\x7f", "") })
	}},
	{rule: "too-large-refused", fault: "a key that is too long is cut", make: func(f *faulty) {
		f.renaming(func(id *stream.ID) { id.Key = id.Key[:min(len(id.Key), stream.MaxKeyBytes)] })
	}},
	{rule: "too-much-refused", fault: "too large an append is stored in two", make: func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if len(list) <= engine.MaxAppendEvents {
					return next(ctx, id, expected, list)
				}
				first, err := next(ctx, id, expected, list[:10])
				if err != nil {
					return nil, err
				}
				rest, err := next(ctx, id, stream.AnyVersion, list[10:])
				return append(first, rest...), err
			}
		})
	}},
	{rule: "refused-whole", fault: "the events before the bad one are stored", make: func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				for i := range list {
					if i > 0 && len(list[i].Data) == 0 {
						_, _ = next(ctx, id, expected, list[:i])
					}
				}
				return next(ctx, id, expected, list)
			}
		})
	}},
	{rule: "cancelled-append", fault: "a cancelled context is not looked at", make: func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				return next(context.WithoutCancel(ctx), id, expected, list)
			}
		})
	}},
}

// changing changes what is stored of each record that is appended.
func (f *faulty) changing(change func(*stream.Record)) {
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			list = append([]stream.Record(nil), list...)
			for i := range list {
				change(&list[i])
			}
			return next(ctx, id, expected, list)
		}
	})
}

// refusing refuses appends that the log would store.
func (f *faulty) refusing(check func(stream.ID, []stream.Record) error) {
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			if err := check(id, list); err != nil {
				return nil, err
			}
			return next(ctx, id, expected, list)
		}
	})
}

// renaming stores under another name.
func (f *faulty) renaming(change func(*stream.ID)) {
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			change(&id)
			return next(ctx, id, expected, list)
		}
	})
}

// storesConflict stores events of a type although the version is another; for
// what it tells the writer, see told. Events of a command are left out: other
// rules are about them.
func storesConflict(typ string, told bool) func(*faulty) {
	return func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				got, err := next(ctx, id, expected, list)
				var conflict *stream.ConflictError
				if !errors.As(err, &conflict) || list[0].Type != typ || !list[0].Command.IsZero() {
					return got, err
				}
				got, _ = next(ctx, id, stream.AnyVersion, list)
				if told {
					return nil, err
				}
				return got, nil
			}
		})
	}
}

// ahead stores an append of one event to users/0 together with the one before it,
// and answers it when it comes; four times.
func ahead(f *faulty) {
	var mu sync.Mutex
	var times int
	var stored []stream.Record
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			if id != (stream.ID{Topic: "users", Key: "0"}) || len(list) != 1 {
				return next(ctx, id, expected, list)
			}
			mu.Lock()
			defer mu.Unlock()
			if got := stored; got != nil {
				stored = nil
				return got, nil
			}
			got, err := next(ctx, id, expected, list)
			if times++; err == nil && times <= 4 {
				stored, err = next(ctx, id, stream.AnyVersion, list)
			}
			return got, err
		}
	})
}

// inParts stores an append of seven events in two parts, the first time not
// before a reader has looked at the log in between.
func inParts(f *faulty) {
	var seen atomic.Bool // a reader has seen a part
	var once sync.Once
	f.head = func(ctx context.Context) (stream.Cursor, error) {
		head, err := f.Log.Head(ctx)
		if head.Position(0)%7 != 0 {
			seen.Store(true)
		}
		return head, err
	}
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			if len(list) != 7 {
				return next(ctx, id, expected, list)
			}
			first, err := next(ctx, id, expected, list[:3])
			if err != nil {
				return nil, err
			}
			once.Do(func() {
				for !seen.Load() && ctx.Err() == nil {
					runtime.Gosched()
				}
			})
			rest, err := next(ctx, id, stream.AnyVersion, list[3:])
			return append(first, rest...), err
		}
	})
}

// sharesPayloads hands over what the caller's slice holds now.
func sharesPayloads(f *faulty) {
	var mu sync.Mutex
	given := map[stream.Position][]byte{}
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			got, err := next(ctx, id, expected, list)
			mu.Lock()
			defer mu.Unlock()
			for i := range got {
				if _, ok := given[got[i].Position]; !ok && len(got) == len(list) {
					given[got[i].Position] = list[i].Data
				}
			}
			return got, err
		}
	})
	f.onReads(func(r *stream.Record) {
		mu.Lock()
		defer mu.Unlock()
		if data, ok := given[r.Position]; ok {
			r.Data = data
		}
	})
}
