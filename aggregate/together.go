package aggregate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// Joint is a command over several instances, of one aggregate or of several.
type Joint struct {
	// ID makes it take effect once; zero: a fresh one.
	ID stream.EventID
	// CausedBy is the event that led to it; zero: what the context carries.
	CausedBy stream.Cause
	// Meta goes onto the events, as a [Command]'s does.
	Meta stream.Metadata
}

// Participant is a [*Part] of any aggregate.
type Participant interface {
	// of is whose part it is, and the store that it is kept in.
	of() (stream.ID, stream.Store)
	// begin tells the repository's hooks; done is to be called with what came of it.
	begin(ctx context.Context) (_ context.Context, done func(error))
	// load reads the instance; done is whether the command took effect on it before.
	load(ctx context.Context, o order) (done bool, err error)
	// decide is what the instance does, and what that depends on.
	decide(ctx context.Context, o order) (stream.Write, []stream.Condition, error)
	// settle takes what was stored of it.
	settle(ctx context.Context, o order, stored []stream.Record) error
	// cursor is just after the last of its events seen.
	cursor() stream.Cursor
}

// Together gives several instances their commands as one: all of it takes effect or
// nothing, at the versions that were seen, and on a conflict all are decided anew. A
// part that has nothing to do still must not have changed meanwhile. It returns the
// place just after the last event; the parts have their results. An ID stands for one
// command with the same parts: once it has taken effect it is not decided again, and
// the parts have what it did then.
//
// Errors: a [*RejectedError] if one of them refuses, an [*stream.InvalidError] for a
// part whose repository is on another store and for two parts of one instance, and as
// [Repository.Handle] returns.
func Together(ctx context.Context, store stream.MultiStore, j Joint, parts ...Participant) (at stream.Cursor, err error) {
	if err := fit(store, parts); err != nil {
		return stream.Cursor{}, err
	}
	for _, p := range parts {
		var done func(error)
		ctx, done = p.begin(ctx)
		defer func() { done(err) }()
	}
	o := newOrder(ctx, j.ID, j.CausedBy, j.Meta)
	for range maxAttempts {
		at, err = together(ctx, store, o, parts)
		if final, ok := errors.AsType[finalError](err); ok {
			return stream.Cursor{}, final.error
		}
		if !overtaken(err) && !overtakenByItself(err, parts) {
			return at, err
		}
		if err := ctx.Err(); err != nil {
			return stream.Cursor{}, err
		}
	}
	return stream.Cursor{}, fmt.Errorf("aggregate: a command over %d instances: gave up after %d conflicts: %w", len(parts), maxAttempts, err)
}

// overtakenByItself reports whether the command, given twice at once, took effect
// meanwhile on other parts than were to do something now: that is seen when they are
// loaded again.
func overtakenByItself(err error, parts []Participant) bool {
	reused, ok := errors.AsType[*stream.CommandReusedError](err)
	return ok && slices.ContainsFunc(parts, func(p Participant) bool {
		id, _ := p.of()
		return id == reused.First
	})
}

// fit returns an error unless the parts can be one command.
func fit(store stream.MultiStore, parts []Participant) error {
	seen := map[stream.ID]bool{}
	for _, p := range parts {
		id, of := p.of()
		if err := id.Validate(); err != nil {
			return err
		}
		if !sameStore(of, store) {
			return &stream.InvalidError{What: "part", Value: id.String(), Reason: "its repository is on another store"}
		}
		if seen[id] {
			return &stream.InvalidError{What: "part", Value: id.String(), Reason: "the command has another part of the same instance"}
		}
		seen[id] = true
	}
	return nil
}

// sameStore compares what may be of a type that can not be compared.
func sameStore(a, b stream.Store) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && (!reflect.TypeOf(a).Comparable() || a == b)
}

// finalError is a conflict with what the caller expects: no other attempt helps.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// together loads, decides and appends once.
func together(ctx context.Context, store stream.MultiStore, o order, parts []Participant) (at stream.Cursor, err error) {
	before := false
	for _, p := range parts {
		done, err := p.load(ctx, o)
		if err != nil {
			return at, err
		}
		before = before || done
	}
	if before {
		return furthest(parts), nil
	}
	var b stream.Batch
	events := 0
	for _, p := range parts {
		write, conditions, err := p.decide(ctx, o)
		if err != nil {
			return at, err
		}
		b.Writes, b.Conditions = append(b.Writes, write), append(b.Conditions, conditions...)
		events += len(write.Records)
	}
	if events == 0 {
		return furthest(parts), nil
	}
	stored, err := store.AppendAll(ctx, b)
	if err != nil {
		return at, err
	}
	of := map[stream.ID][]stream.Record{}
	for _, rec := range stored {
		of[rec.Stream] = append(of[rec.Stream], rec)
	}
	for _, p := range parts {
		id, _ := p.of()
		if err := p.settle(ctx, o, of[id]); err != nil {
			return at, err
		}
	}
	return furthest(parts), nil
}

// furthest is just after the last event that any of the parts has.
func furthest(parts []Participant) (at stream.Cursor) {
	for _, p := range parts {
		if c := p.cursor(); c.Reached(at) {
			at = c
		}
	}
	return at
}
