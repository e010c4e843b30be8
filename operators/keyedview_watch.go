package operators

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// KeyedChange is a key's newest state.
type KeyedChange[S any] struct {
	Key   string        // whose it is
	State S             // the zero value if the key is gone
	Gone  bool          // it has no state any more
	At    stream.Cursor // the place that the state was read at
}

// KeyedWatch says what a watcher is told.
type KeyedWatch struct {
	States bool   // begin with the states that there are; otherwise: with the next change
	Prefix string // only keys that begin with it
	Most   int    // how many changed keys may wait for the watcher; default 1,048,576
}

// Watch is the range loop over the changes of the table, in the order in which they
// are stored. A watcher holds nobody up: a key that changes again before its turn is
// handed over once, with its newest state, at its newest place in the order; what
// waits are the keys alone. One that changes just then may be handed over once more as
// it is. The states to begin with are of one snapshot, which is kept until the last
// of them is taken. If more keys wait than may, the loop ends with a
// [*FullError]; its other errors are the context's, which ends it, and those of
// reading.
func (t *KeyedTable[E, S]) Watch(ctx context.Context, o KeyedWatch) iter.Seq2[KeyedChange[S], error] {
	return func(yield func(KeyedChange[S], error) bool) {
		w := &keyedWatcher{changed: newRecent[string, struct{}](mostOf(o.Most)), prefix: o.Prefix, news: make(chan struct{}, 1)}
		s, err := t.watch(ctx, w)
		if err == nil {
			defer t.unwatch(w)
			err = begin(s, o, yield)
		}
		for err == nil {
			select {
			case <-w.news:
				err = watchSome(ctx, t, w, yield)
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != errLeft { //nolint:errorlint // it is ours, and nobody wraps it
			yield(KeyedChange[S]{}, err)
		}
	}
}

// keyedWatcher is what one watcher has not been told yet.
type keyedWatcher struct {
	prefix string
	news   chan struct{} // has room for one

	mu      sync.Mutex
	changed *recent[string, struct{}]
	lost    bool // more keys changed than may wait
}

// tell notes that keys have changed.
func (w *keyedWatcher) tell(keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		if !strings.HasPrefix(key, w.prefix) {
			continue
		}
		if _, waits := w.changed.use(key); !waits {
			_, _, full := w.changed.add(key, struct{}{})
			w.lost = w.lost || full
		}
		signal(w.news)
	}
}

// begin hands over the states that there are, if they are asked for.
func begin[S any](s *KeyedSnapshot[S], o KeyedWatch, yield func(KeyedChange[S], error) bool) error {
	defer s.Close()
	if !o.States {
		return nil
	}
	return eachState(s, o.Prefix, func(c KeyedChange[S]) bool { return yield(c, nil) })
}

// watch makes a watcher be told from now on, which is when the snapshot is taken.
func (t *KeyedTable[E, S]) watch(ctx context.Context, w *keyedWatcher) (*KeyedSnapshot[S], error) {
	t.commit.Lock()
	defer t.commit.Unlock()
	s, err := t.Snapshot(ctx)
	if err == nil {
		t.watchers[w] = struct{}{}
	}
	return s, err
}

func (t *KeyedTable[E, S]) unwatch(w *keyedWatcher) {
	t.commit.Lock()
	defer t.commit.Unlock()
	delete(t.watchers, w)
}

// take takes the keys that have changed.
func (w *keyedWatcher) take(table string) (*recent[string, struct{}], error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost {
		return nil, &FullError{"Watch of " + table, w.changed.most}
	}
	changed := w.changed
	w.changed = newRecent[string, struct{}](changed.most)
	return changed, nil
}

// again reports whether a key has changed since it was taken.
func (w *keyedWatcher) again(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, again := w.changed.index[key]
	return again
}

// watchSome hands over what has changed. Each state is read when its turn comes, so
// that who is slow keeps no snapshot, and is told of the newest.
func watchSome[E, S any](ctx context.Context, t *KeyedTable[E, S], w *keyedWatcher, yield func(KeyedChange[S], error) bool) error {
	changed, err := w.take(t.name)
	if err != nil {
		return err
	}
	for at := changed.oldest; at != none; at = changed.cells[at].newer {
		key := changed.cells[at].key
		if w.again(key) {
			continue
		}
		c, err := changeOf(ctx, t, key)
		if err != nil {
			return err
		}
		if !yield(c, nil) {
			return errLeft
		}
	}
	return nil
}

func changeOf[E, S any](ctx context.Context, t *KeyedTable[E, S], key string) (c KeyedChange[S], err error) {
	s, err := t.Snapshot(ctx)
	if err != nil {
		return c, err
	}
	defer s.Close()
	state, ok, err := s.Get(key)
	return KeyedChange[S]{Key: key, State: state, Gone: !ok, At: s.At()}, err
}

// eachState hands over the states that there are.
func eachState[S any](s *KeyedSnapshot[S], prefix string, yield func(KeyedChange[S]) bool) error {
	from := statePrefix + prefix
	return s.s.Range(stream.TableRange{Table: s.table, From: from, To: following(from)}, func(row string, value []byte) error {
		key := row[len(statePrefix):]
		state, err := s.decode(key, value)
		if err != nil {
			return err
		}
		if !yield(KeyedChange[S]{Key: key, State: state, At: s.At()}) {
			return errLeft
		}
		return nil
	})
}

// errLeft says that a range loop was left.
var errLeft = errors.New("the range loop was left")
