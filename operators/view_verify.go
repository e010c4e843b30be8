package operators

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// VerifyError says that a view's state is not what its reducer makes of the log, and
// where the two part.
type VerifyError struct {
	View     string        // which one
	At       stream.Cursor // where the states were compared
	Live     []byte        // the view's state there, as its codec writes it
	Replayed []byte        // what the reducer makes of the log up to there
	// After is where the state was right for the last time that is known, and Until
	// where it was wrong for the first: one of the items in between did it. Without
	// footprints that is everything up to At.
	After, Until stream.Cursor
	Items        int // how many there are in between
	// Event is the event at which they part: the only one in between, or the first
	// that the reducer does not handle the same way twice. Nil if it is neither: the
	// state was changed from outside, the live view saw something else, or its
	// snapshot was made by another reducer.
	Event *stream.Header
	// Difference is the first thing that differs, in words.
	Difference string
}

func (e *VerifyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "operators: verify view %s at %s: %s; ", e.View, e.At, e.Difference)
	if e.Event != nil {
		fmt.Fprintf(&b, "they part at %s of %s, position %d", e.Event.Type, e.Event.Stream, e.Event.Position)
		return b.String()
	}
	fmt.Fprintf(&b, "they part at one of %d items after %s and up to %s", e.Items, e.After, e.Until)
	return b.String()
}

// Verify compares the state of the view, running or not, with a fresh replay up to
// the place where it is. source returns what the view reads up to a place, such as
// replay.Cold(log, topic, replay.UpTo(at)). If the states differ, the error is a
// [*VerifyError] that names the place where they part: between two footprints of
// [View.Trail] or [View.Keep], and the event wherever it can be told.
//
// States are compared as the view's codec writes them, JSON or that of its
// snapshots. A view that is running is held up only while its state is encoded; one
// that ended in the middle of a block, as by a panic, is an [ErrViewEnded]. Other
// errors: the source's, the codec's, the context's.
func (v *View[T, S]) Verify(ctx context.Context, source func(at stream.Cursor) stream.Observable[stream.Cold, T]) error {
	live, err := v.stands(ctx)
	if err != nil {
		return err
	}
	v.mu.RLock()
	r := &verifying[T, S]{view: v, codec: v.codec(), source: source}
	v.mu.RUnlock()
	marks := append(live.trail, footprint{live.at, digest(live.state)})
	replayed, first, err := r.follow(ctx, marks)
	if _, holds := errors.AsType[*stream.NotResumableError](err); holds {
		marks = marks[len(marks)-1:] // what is before the view remembers: in one go
		replayed, first, err = r.follow(ctx, marks)
	}
	if err != nil || bytes.Equal(replayed, live.state) {
		return err
	}
	found := &VerifyError{View: v.name, At: live.at, Live: live.state, Replayed: replayed, Until: marks[first].At, Difference: difference(live.state, replayed)}
	if first > 0 {
		found.After = marks[first-1].At
	}
	if err := r.search(ctx, found); err != nil {
		return errors.Join(found, err)
	}
	return found
}

// verifying is one comparison.
type verifying[T, S any] struct {
	view   *View[T, S]
	codec  stream.Codec
	source func(stream.Cursor) stream.Observable[stream.Cold, T]
}

// follow replays along a trail, stage by stage. It returns the state at its end, and
// the first footprint that does not fit.
func (r *verifying[T, S]) follow(ctx context.Context, marks []footprint) (state []byte, first int, err error) {
	var in bool
	defer stream.Contain("view "+r.view.name, &in, &err)
	in = true
	fresh := r.view.initial()
	in = false
	first = len(marks) - 1
	for i, m := range marks {
		var sub stream.Subscription
		if i > 0 {
			sub.From = &marks[i-1].At
		}
		err := r.source(m.At).Subscribe(ctx, sub, func(item T) error {
			in = true
			fresh = r.view.reduce(fresh, item)
			in = false
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		if state, err = r.view.encoded(r.codec, fresh); err != nil {
			return nil, 0, err
		}
		if digest(state) != m.Digest {
			first = min(first, i)
		}
	}
	return state, first, nil
}

// search looks for the event between the last footprint that fits and the first that
// does not, with twins: two states that the reducer makes of the same events.
func (r *verifying[T, S]) search(ctx context.Context, found *VerifyError) (err error) {
	var in bool
	defer stream.Contain("view "+r.view.name, &in, &err)
	in = true
	one, other := r.view.initial(), r.view.initial()
	in = false
	reduce := func(item T) error {
		in = true
		one, other = r.view.reduce(one, item), r.view.reduce(other, item)
		in = false
		return nil
	}
	var sub stream.Subscription
	if !found.After.IsZero() {
		if err := r.source(found.After).Run(ctx, reduce); err != nil {
			return err
		}
		sub.From = &found.After
	}
	alike, err := r.alike(one, other)
	if err != nil {
		return err
	}
	var suspect *stream.Header
	err = r.source(found.Until).Subscribe(ctx, sub, func(item T) error {
		found.Items++
		if found.Items == 1 {
			suspect = headerOf(item)
		}
		_ = reduce(item)
		if !alike {
			return nil
		}
		var err error
		if alike, err = r.alike(one, other); err == nil && !alike {
			found.Event = headerOf(item)
		}
		return err
	})
	if found.Event == nil && found.Items == 1 {
		found.Event = suspect
	}
	return err
}

// alike reports whether the twins still are.
func (r *verifying[T, S]) alike(one, other S) (bool, error) {
	a, err := r.view.encoded(r.codec, one)
	if err != nil {
		return false, err
	}
	b, err := r.view.encoded(r.codec, other)
	return bytes.Equal(a, b), err
}

// headerOf is the header of an item that is an event; nil of another.
func headerOf(item any) *stream.Header {
	v := reflect.Indirect(reflect.ValueOf(item))
	if v.Kind() != reflect.Struct {
		return nil
	}
	f := v.FieldByName("Header")
	if !f.IsValid() || !f.CanInterface() {
		return nil
	}
	h, ok := f.Interface().(stream.Header)
	if !ok {
		return nil
	}
	return &h
}
