package operators

import (
	"context"
	"errors"
	"iter"
	"strings"

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
// waits are the keys alone. If more keys wait than may, the loop ends with a
// [*FullError]; its other errors are the context's, which ends it, and those of
// reading.
func (t *KeyedTable[E, S]) Watch(ctx context.Context, o KeyedWatch) iter.Seq2[KeyedChange[S], error] {
	return func(yield func(KeyedChange[S], error) bool) {
		w := &keyedWatcher{changed: newRecent[string, struct{}](mostOf(o.Most)), prefix: o.Prefix, news: make(chan struct{}, 1)}
		s, err := t.watch(ctx, w)
		if err == nil {
			defer t.unwatch(w)
			if o.States {
				err = eachState(s, o.Prefix, func(c KeyedChange[S]) bool { return yield(c, nil) })
			}
			s.Close()
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

// keyedWatcher is what one watcher has not been told yet. Its fields belong to who
// holds the table's commit lock.
type keyedWatcher struct {
	prefix  string
	changed *recent[string, struct{}]
	lost    bool          // more keys changed than may wait
	news    chan struct{} // has room for one
}

// tell notes that keys have changed.
func (w *keyedWatcher) tell(keys []string) {
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

// take takes what has changed, and a snapshot of the same moment.
func (t *KeyedTable[E, S]) take(ctx context.Context, w *keyedWatcher) (changed *recent[string, struct{}], s *KeyedSnapshot[S], err error) {
	t.commit.Lock()
	defer t.commit.Unlock()
	if w.lost {
		return nil, nil, &FullError{"Watch of " + t.name, w.changed.most}
	}
	changed, w.changed = w.changed, newRecent[string, struct{}](w.changed.most)
	s, err = t.Snapshot(ctx)
	return changed, s, err
}

// watchSome hands over what has changed.
func watchSome[E, S any](ctx context.Context, t *KeyedTable[E, S], w *keyedWatcher, yield func(KeyedChange[S], error) bool) error {
	changed, s, err := t.take(ctx, w)
	if err != nil {
		return err
	}
	defer s.Close()
	for at := changed.oldest; at != none; at = changed.cells[at].newer {
		c := KeyedChange[S]{Key: changed.cells[at].key, At: s.At()}
		state, ok, err := s.Get(c.Key)
		if err != nil {
			return err
		}
		if c.State, c.Gone = state, !ok; !yield(c, nil) {
			return errLeft
		}
	}
	return nil
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
