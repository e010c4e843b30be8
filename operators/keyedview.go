package operators

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// KeyedView is a view that has a state for each key and keeps the states in a
// table: what it is made of, without a place. [KeyedView.On] gives it one. Its
// functions may be called concurrently, for different keys, and must depend on
// nothing but their arguments.
type KeyedView[E, S any] struct {
	// Name is the view's; with the version it owns the table "name@version".
	Name string
	// Version is another one, from 1, for whatever would make other states or other
	// index entries of the same events.
	Version int
	// Keys says which keys an event concerns, for each of which it counts once; none:
	// it is passed over.
	// Default: the key of the event's instance.
	Keys func(e *stream.Event[E]) []string
	// Initial makes the state of a key that has none; default: the zero value.
	Initial func() S
	// Reduce folds an event into a key's state, which it may change and return.
	Reduce func(key string, s S, e *stream.Event[E]) S
	// Gone says that a key's state is not to be kept any longer: the key begins anew
	// if it comes again. Default: never.
	Gone func(S) bool
	// Indexes say by which values a state can be found, by the index's name.
	Indexes map[string]func(key string, s S) []string
	// Codec turns states into what is stored; default [stream.JSON]. Equal states
	// must give equal bytes, and what it leaves out of a state is lost.
	Codec stream.Codec
}

// KeyedOptions say how a keyed view is run. The zero value is ready for use.
type KeyedOptions struct {
	// Events is how many events are stored in one update, at most; default 10,000.
	// Up to three times as many are in memory.
	Events int
	// Every is how long what the source has marked may wait to be stored; default
	// 100 ms. Who waits for it has it stored at once.
	Every time.Duration
	// States is how many states are kept in memory between updates; default 65,536.
	States int
	// Workers is how many goroutines reduce, each key on one of them; default: as
	// many as there are cores.
	Workers int
	// Park keeps an event that can not be reduced, and later ones of its key behind
	// it, until they are retried or discarded; one that can not be decoded, too, if the
	// keys are the instances' (the default), as otherwise nobody knows whose it is.
	// Default: such an event ends the run.
	Park bool
	// Hooks are told of each event as it is handled, of each update, and of trouble.
	Hooks stream.Hooks
}

// KeyedTable is a keyed view in its table. It is brought up to date by Run, and
// can be asked whether it is being run or not: what is read is always what has been
// stored. All methods may be called concurrently.
type KeyedTable[E, S any] struct {
	view       KeyedView[E, S]
	tables     stream.Tables
	options    KeyedOptions
	name       string   // the table's
	byInstance bool     // the keys are the instances'
	indexes    []string // names, in order
	progress
	requests chan keyedRequest[E, S]

	commit   sync.Mutex // held over an update and telling the watchers of it
	watchers map[*keyedWatcher]struct{}
}

// On gives the view its table, which need not exist. A view that can not be, such as
// one of a state that JSON does not bring back and without a Codec, is an
// [*stream.InvalidError] or [*stream.TooLargeError].
func (v KeyedView[E, S]) On(tables stream.Tables, o KeyedOptions) (*KeyedTable[E, S], error) {
	if tables == nil || v.Reduce == nil || v.Name == "" || v.Version < 1 {
		return nil, &stream.InvalidError{What: "keyed view", Value: v.Name, Reason: "expected tables, a name, a version from 1 and Reduce"}
	}
	if v.Codec == nil {
		if left := leftOut(reflect.TypeFor[S](), nil); left != "" {
			return nil, &stream.InvalidError{What: "state of keyed view " + v.Name, Value: reflect.TypeFor[S]().String(), Reason: "JSON does not bring back " + left + "; give the view a Codec"}
		}
	}
	t := &KeyedTable[E, S]{view: v.withDefaults(), tables: tables, options: o.withDefaults(), name: keyedName(v.Name, v.Version), byInstance: v.Keys == nil}
	t.indexes = slices.Sorted(maps.Keys(v.Indexes))
	t.requests, t.watchers = make(chan keyedRequest[E, S]), map[*keyedWatcher]struct{}{}
	t.progress = newProgress(t.name)
	return t, engine.CheckTable(t.name)
}

// keyedName is the name of the table of a view's version.
func keyedName(name string, version int) string { return fmt.Sprintf("%s@%d", name, version) }

func (v KeyedView[E, S]) withDefaults() KeyedView[E, S] {
	if v.Keys == nil {
		v.Keys = func(e *stream.Event[E]) []string { return []string{e.Stream.Key} }
	}
	if v.Initial == nil {
		v.Initial = func() (zero S) { return zero }
	}
	if v.Gone == nil {
		v.Gone = func(S) bool { return false }
	}
	if v.Codec == nil {
		v.Codec = stream.JSON
	}
	return v
}

func (o KeyedOptions) withDefaults() KeyedOptions {
	if o.Events < 1 {
		o.Events = 10_000
	}
	if o.Every <= 0 {
		o.Every = 100 * time.Millisecond
	}
	if o.States < 1 {
		o.States = 1 << 16
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// Name is the name of the view's table: "name@version".
func (t *KeyedTable[E, S]) Name() string { return t.name }

// PoisonError says that an event could not be reduced. The view stands just before
// it, or its key is parked.
type PoisonError struct {
	View     string          // the table's name
	Key      string          // whose state it was for; empty if the keys are not known
	Stream   stream.ID       // the instance it happened to
	Position stream.Position // its place in the log
	Type     string          // its stored name
	Err      error           // a [*stream.PanicError], or why the state can not be stored
}

func (e *PoisonError) Error() string {
	return fmt.Sprintf("operators: view %s: event %d of %s, type %s, for key %.80q: %v", e.View, e.Position, e.Stream, e.Type, e.Key, e.Err)
}

// Unwrap returns why the event could not be reduced.
func (e *PoisonError) Unwrap() error { return e.Err }

// errSourceEnded is why a run is over whose source returned nil.
var errSourceEnded = errors.New("its source has ended")
