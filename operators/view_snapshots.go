package operators

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Snapshots says where a view's state is kept, and how often.
type Snapshots struct {
	// Tables hold them, in a table that has the view's name and "@snapshot".
	Tables stream.Tables
	// Version is that of the reducer and of the state's shape. What another version
	// kept is not used.
	Version uint32
	// Events is after how many items a snapshot is due, at the next mark; default
	// 100,000. Each one encodes the whole state, and holds the run up meanwhile.
	Events int
	// Interval is after how much time one is due, if anything has come, at the next
	// mark; default a minute, negative: never for that reason.
	Interval time.Duration
	// Codec encodes the state, all of it: what it leaves out is lost at a restart.
	// It must write equal states as equal bytes. Nil: [stream.JSON].
	Codec stream.Codec
	// Hooks.Trouble is told of a snapshot that was not stored, or could not be used.
	Hooks stream.Hooks
}

// Keep makes the view's runs keep snapshots of its state, each with its place in the
// log in one write, and begin with the last one: the next run goes on from there. One
// more is kept when a run ends. It returns the view; call it before Run.
//
// A snapshot is never the truth: without it the view is rebuilt and is the same. One
// that is damaged, was kept by another version, or does not belong to the log is
// not used. That one could not be stored does not end the run.
//
// Run then also returns a [*stream.BusyError] while another view has the table, a
// [*stream.NotDurableError] if the observable reads no log, a
// [*stream.NotResumableError] if a stage before the view remembers something, a
// [*stream.InvalidError] if the state has something that JSON does not bring
// back and no Codec is given, and what the tables say when they are closed.
func (v *View[T, S]) Keep(s Snapshots) *View[T, S] {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.snapshots = &s
	return v
}

const (
	snapshotEvents   = 100_000
	snapshotInterval = time.Minute
)

// keeper keeps the snapshots of one run. A nil one keeps none.
type keeper[T, S any] struct {
	Snapshots
	view    *View[T, S]
	shelf   shelf
	log     stream.Log
	release func()

	since int       // items that are in no snapshot
	at    int       // items of the run at the last mark
	first time.Time // when the first of them was passed
}

func (v *View[T, S]) keeper(ctx context.Context, log stream.Log) (*keeper[T, S], error) {
	v.mu.RLock()
	kept := v.snapshots
	v.mu.RUnlock()
	if kept == nil {
		return nil, nil
	}
	k := &keeper[T, S]{Snapshots: *kept, view: v, log: log}
	if k.Events <= 0 {
		k.Events = snapshotEvents
	}
	if k.Interval == 0 {
		k.Interval = snapshotInterval
	}
	if k.Codec == nil {
		k.Codec = stream.JSON
		if left := leftOut(reflect.TypeFor[S](), nil); left != "" {
			return nil, &stream.InvalidError{What: "state of view " + v.name, Value: reflect.TypeFor[S]().String(), Reason: "JSON does not bring back " + left + "; give Snapshots a Codec"}
		}
	}
	table := v.name + "@snapshot"
	switch {
	case k.Tables == nil:
		return nil, &stream.InvalidError{What: "snapshots of view", Value: v.name, Reason: "they have no Tables"}
	case log == nil:
		return nil, &stream.NotDurableError{Consumer: v.name}
	}
	if err := engine.CheckTable(table); err != nil {
		return nil, err
	}
	k.shelf = shelf{tables: k.Tables, table: table}
	var err error
	if k.release, err = k.Tables.Claim(ctx, table); err != nil {
		return nil, fmt.Errorf("operators: view %s: %w", v.name, err)
	}
	return k, nil
}

// passed stores a snapshot if it is due. The run is between two items.
func (k *keeper[T, S]) passed(ctx context.Context, m stream.Mark) {
	if k == nil {
		return
	}
	k.view.mu.RLock()
	total := k.view.items
	k.view.mu.RUnlock()
	k.since += total - k.at
	k.at = total
	switch {
	case k.since == 0:
		return
	case k.first.IsZero():
		k.first = time.Now()
	}
	if k.since >= k.Events || k.Interval > 0 && time.Since(k.first) >= k.Interval {
		k.store(ctx, m.At)
	}
}

// close stores what is in no snapshot, if the state is at a mark, and lets go of the
// table.
func (k *keeper[T, S]) close(ctx context.Context) {
	if k == nil {
		return
	}
	k.view.mu.RLock()
	at, whole := k.view.at, k.view.loose == 0
	k.view.mu.RUnlock()
	if whole && k.since > 0 {
		k.store(ctx, at)
	}
	k.release()
}

// store stores the state as it is now, which only the run changes. If that fails the
// next one is due as if it had not.
func (k *keeper[T, S]) store(ctx context.Context, at stream.Cursor) {
	ctx = context.WithoutCancel(ctx) // a run that is stopped leaves a whole one
	k.since, k.first = 0, time.Time{}
	state, err := k.view.encoded(k.Codec, k.view.state)
	if err != nil {
		k.trouble(ctx, err)
		return
	}
	k.view.mu.Lock()
	k.view.trail.add(at, state)
	marks := append([]footprint(nil), k.view.trail.marks...)
	k.view.mu.Unlock()
	last, err := eventAt(ctx, k.log, at)
	if err == nil {
		err = k.shelf.store(ctx, label{Version: k.Version, At: at, Event: last, Trail: marks}, state)
	}
	if err != nil {
		k.trouble(ctx, fmt.Errorf("operators: view %s: its snapshot at %s was not stored: %w", k.view.name, at, err))
	}
}

func (k *keeper[T, S]) trouble(ctx context.Context, err error) {
	if k.Hooks.Trouble != nil {
		k.Hooks.Trouble(ctx, "view "+k.view.name, err)
	}
}

// leftOut names a field of a type that JSON does not bring back; empty if there is
// none.
func leftOut(t reflect.Type, seen []reflect.Type) string {
	for _, s := range seen {
		if s == t {
			return ""
		}
	}
	if encodes(t) || encodes(reflect.PointerTo(t)) {
		return ""
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return leftOut(t.Elem(), seen)
	case reflect.Interface, reflect.Func, reflect.Chan:
		return "a " + t.Kind().String()
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
			if !f.IsExported() && !embedded || strings.Split(f.Tag.Get("json"), ",")[0] == "-" {
				return t.String() + "." + f.Name
			}
			if inner := leftOut(f.Type, seen); inner != "" {
				return inner
			}
		}
	}
	return ""
}

// encodes reports whether values of a type write and read themselves.
func encodes(t reflect.Type) bool {
	for _, name := range []string{"MarshalJSON", "MarshalText"} {
		if _, ok := t.MethodByName(name); ok {
			return true
		}
	}
	return false
}
