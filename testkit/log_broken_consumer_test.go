package testkit

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// sharedClaims are claims of all logs of one broken engine.
var sharedClaims sync.Map

var brokenConsumers = []broken{
	{rule: "never-saved", fault: "a place at the beginning is taken for none", make: func(f *faulty) {
		f.cursor = func(ctx context.Context, name string) (stream.Cursor, bool, error) {
			at, known, err := f.Log.Cursor(ctx, name)
			return at, known && !(at.IsZero() && name == "mailer"), err
		}
	}},
	{rule: "place-forward", fault: "a place goes back", make: func(f *faulty) {
		f.overlay(func(name string, asked stream.Cursor, refused *stream.BackwardsError) (stream.Cursor, bool) {
			return asked, refused.Head.Reached(asked)
		})
	}},
	{rule: "place-within", fault: "a place past the head is saved", make: func(f *faulty) {
		f.overlay(func(name string, asked stream.Cursor, refused *stream.BackwardsError) (stream.Cursor, bool) {
			return asked, !refused.Head.Reached(asked)
		})
	}},
	{rule: "places-apart", fault: "a slash at the end of a name is dropped", make: func(f *faulty) {
		f.cursor = func(ctx context.Context, name string) (stream.Cursor, bool, error) {
			return f.Log.Cursor(ctx, trimmed(name))
		}
		f.save = func(ctx context.Context, name string, at stream.Cursor) error {
			return f.Log.SaveCursor(ctx, trimmed(name), at)
		}
	}},
	{rule: "consumer-names", fault: "new lines in a name are dropped", make: func(f *faulty) {
		f.save = func(ctx context.Context, name string, at stream.Cursor) error {
			return f.Log.SaveCursor(ctx, strings.ReplaceAll(name, "\n", ""), at)
		}
	}},
	{rule: "one-runner", fault: "a second release frees the consumer of another runner", make: func(f *faulty) {
		f.ownClaims(&sync.Map{}, func(held *sync.Map, name string) (func(), bool) {
			_, busy := held.LoadOrStore(name, true)
			return func() { held.Delete(name) }, !busy
		})
	}},
	{rule: "one-claim-wins", fault: "in a storm of claims everyone gets the consumer", make: func(f *faulty) {
		var calls atomic.Int64
		claim := f.claim
		f.claim = func(ctx context.Context, name string) (func(), error) {
			if calls.Add(1) > 20 {
				return func() {}, nil
			}
			return claim(ctx, name)
		}
	}},
	{rule: "logs-apart", fault: "claims count for all logs of the process", make: func(f *faulty) {
		f.ownClaims(&sharedClaims, func(held *sync.Map, name string) (func(), bool) {
			_, busy := held.LoadOrStore(name, true)
			return sync.OnceFunc(func() { held.Delete(name) }), !busy
		})
	}},
	{rule: CheckpointTogether, fault: "a checkpoint with changes forgets the place", make: func(f *faulty) {
		f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			if saved, _, err := f.Log.Cursor(ctx, name); err == nil && len(changes) > 0 {
				at = saved
			}
			return f.Log.Checkpoint(ctx, name, at, changes...)
		}
	}},
	{rule: "checkpoint-refused", fault: "the state of a refused checkpoint is stored", make: func(f *faulty) {
		f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			err := f.Log.Checkpoint(ctx, name, at, changes...)
			var refused *stream.BackwardsError
			if errors.As(err, &refused) {
				_ = f.Log.Checkpoint(ctx, name, refused.Saved, changes...)
			}
			return err
		}
	}},
	{rule: "state-forgotten", fault: "forgetting a key that is not there makes it", make: func(f *faulty) {
		f.onChange(func(c *stream.Change) {
			if c.Value == nil && c.Key == "never" {
				c.Value = []byte{}
			}
		})
	}},
	{rule: "state-order", fault: "states come in the opposite order", make: func(f *faulty) {
		f.states = func(ctx context.Context, name, prefix string, emit func(string, []byte) error) error {
			var list []stream.Change
			err := f.Log.States(ctx, name, prefix, func(key string, value []byte) error {
				list = append(list, stream.Change{Key: key, Value: value})
				return nil
			})
			for _, c := range slices.Backward(list) {
				if err == nil {
					err = emit(c.Key, c.Value)
				}
			}
			return err
		}
	}},
	{rule: "state-emit-fails", fault: "the states keep the error of emit to themselves", make: func(f *faulty) {
		f.states = func(ctx context.Context, name, prefix string, emit func(string, []byte) error) error {
			var failed error
			err := f.Log.States(ctx, name, prefix, func(key string, value []byte) error {
				failed = emit(key, value)
				return failed
			})
			if failed != nil {
				return nil
			}
			return err
		}
	}},
	{rule: "states-apart", fault: "a slash at the end of a name is dropped for states", make: func(f *faulty) {
		f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			return f.Log.Checkpoint(ctx, trimmed(name), at, changes...)
		}
		f.state = func(ctx context.Context, name, key string) ([]byte, bool, error) {
			return f.Log.State(ctx, trimmed(name), key)
		}
		f.states = func(ctx context.Context, name, prefix string, emit func(string, []byte) error) error {
			return f.Log.States(ctx, trimmed(name), prefix, emit)
		}
	}},
	{rule: "state-copies", fault: "the state that is kept is handed out", make: sharesStates},
	{rule: "many-changes", fault: "of many changes the first thousand are stored", make: func(f *faulty) {
		f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
			return f.Log.Checkpoint(ctx, name, at, changes[:min(1000, len(changes))]...)
		}
	}},
}

func trimmed(name string) string {
	if cut := strings.TrimRight(name, "/"); cut != "" {
		return cut
	}
	return name
}

// onChange changes what checkpoints store.
func (f *faulty) onChange(change func(*stream.Change)) {
	f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
		changes = slices.Clone(changes)
		for i := range changes {
			change(&changes[i])
		}
		return f.Log.Checkpoint(ctx, name, at, changes...)
	}
}

// overlay remembers places that the log refuses to save.
func (f *faulty) overlay(accept func(name string, asked stream.Cursor, refused *stream.BackwardsError) (stream.Cursor, bool)) {
	var places sync.Map
	f.save = func(ctx context.Context, name string, at stream.Cursor) error {
		err := f.Log.SaveCursor(ctx, name, at)
		var refused *stream.BackwardsError
		if errors.As(err, &refused) {
			if place, ok := accept(name, at, refused); ok {
				places.Store(name, place)
				return nil
			}
		}
		return err
	}
	f.cursor = func(ctx context.Context, name string) (stream.Cursor, bool, error) {
		at, known, err := f.Log.Cursor(ctx, name)
		if place, ok := places.Load(name); ok && err == nil {
			return place.(stream.Cursor), true, nil
		}
		return at, known, err
	}
}

// ownClaims replaces the log's claims.
func (f *faulty) ownClaims(held *sync.Map, take func(held *sync.Map, name string) (func(), bool)) {
	f.claim = func(ctx context.Context, name string) (func(), error) {
		release, err := f.Log.Claim(ctx, name) // it still refuses what it must
		if err != nil {
			var busy *stream.BusyError
			if !errors.As(err, &busy) {
				return nil, err
			}
		} else {
			release()
		}
		release, ok := take(held, name)
		if !ok {
			return nil, &stream.BusyError{Consumer: name}
		}
		return release, nil
	}
}

// sharesStates hands out the same slice again as long as it has the same value.
func sharesStates(f *faulty) {
	var mu sync.Mutex
	kept := map[string][]byte{}
	stored := map[string][]byte{}
	f.state = func(ctx context.Context, name, key string) ([]byte, bool, error) {
		value, ok, err := f.Log.State(ctx, name, key)
		if err != nil || !ok {
			return value, ok, err
		}
		mu.Lock()
		defer mu.Unlock()
		place := name + "\x00" + key
		if !bytes.Equal(stored[place], value) {
			stored[place], kept[place] = bytes.Clone(value), value
		}
		return kept[place], true, nil
	}
}
