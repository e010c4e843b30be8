package aggregate

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// maxAttempts bounds how often a command is decided anew after a conflict. Each
// conflict means that another writer got on, so only a storm reaches it.
const maxAttempts = 100

// Options are how a repository is made. The zero value is ready for use.
type Options struct {
	// Cache is how many instances' states are kept in memory; default 1024, negative:
	// none. What is decided on a state from memory is stored only if the log still has
	// the instance at that version, and a refusal is looked up before it is given. A
	// state is kept if its type holds plain values alone (numbers, strings, times, and
	// structs and arrays of them), or if the decider has a Clone.
	Cache int
	// Snapshots keep the states of instances with long histories.
	Snapshots Snapshots
	// Keys seal what a payload says of persons (see [stream.Sealed]).
	Keys stream.Keys
	// Hooks are told of commands, and of snapshots that were not stored or not usable.
	Hooks stream.Hooks
}

// Repository loads instances of an aggregate and gives them commands. It is safe for
// concurrent use, and so are several of them on one log.
type Repository[C, E, S any] struct {
	store   stream.Store
	multi   stream.MultiStore // needed by rules
	decider Decider[C, E, S]
	options Options
	cache   *cache[S] // nil: none
	rules   []Rule[C, E]
}

// NewRepository makes a repository over a store. A log without
// compare-and-append is no [stream.Store] and does not compile here.
func NewRepository[C, E, S any](store stream.Store, d Decider[C, E, S]) *Repository[C, E, S] {
	return NewRepositoryWith(store, d, Options{})
}

// NewRepositoryWith makes a repository with options.
func NewRepositoryWith[C, E, S any](store stream.Store, d Decider[C, E, S], o Options) *Repository[C, E, S] {
	return &Repository[C, E, S]{store: store, decider: d, options: o, cache: newCache(o.Cache, d.Clone)}
}

// NewGuardedRepository makes a repository whose commands also obey rules over more
// than one instance, which a [stream.MultiStore] can keep: what a rule has looked at
// has not changed when the command takes effect, or it is decided again.
func NewGuardedRepository[C, E, S any](store stream.MultiStore, d Decider[C, E, S], o Options, rules ...Rule[C, E]) *Repository[C, E, S] {
	r := NewRepositoryWith(store, d, o)
	r.multi, r.rules = store, rules
	return r
}

// Decider is what the repository was made with: who has the repository can fold
// a history as it does.
func (r *Repository[C, E, S]) Decider() Decider[C, E, S] { return r.decider }

// Execute gives an instance a command under a fresh ID. It returns as Handle
// does.
func (r *Repository[C, E, S]) Execute(ctx context.Context, key string, c C) (Result[E, S], error) {
	return r.Handle(ctx, Command[C]{Key: key, Data: c})
}

// Handle loads the instance, decides, and appends at the version it saw; on a
// conflict it loads and decides again. If the command's ID has taken effect
// before, nothing is decided and the first result is returned. A context that is
// done by then stores nothing. Errors: a
// [*RejectedError] if the command was refused; a [*stream.ConflictError] if the
// instance is not at the version that the command expects, or after
// 100 conflicts; a [*stream.PanicError] if Decide or Evolve panicked; a
// [*stream.DecodeError] for a history that can not be read; and what the store's
// Append returns.
func (r *Repository[C, E, S]) Handle(ctx context.Context, c Command[C]) (result Result[E, S], err error) {
	id := stream.ID{Topic: r.decider.Topic.Name(), Key: c.Key}
	if err := id.Validate(); err != nil {
		return Result[E, S]{}, err
	}
	ctx, done := r.begin(ctx, id, c.Data, &result)
	defer func() { done(err) }()
	o := newOrder(ctx, c.ID, c.CausedBy, c.Meta)
	for i := range maxAttempts {
		result, err = r.attempt(ctx, id, o, c, i == 0)
		if !overtaken(err) {
			return result, err
		}
		if _, ok := errors.AsType[*stream.ConflictError](err); ok && c.Expected != nil {
			return Result[E, S]{}, err // whoever gave it has to look again
		}
		if err := ctx.Err(); err != nil {
			return Result[E, S]{}, err
		}
	}
	return Result[E, S]{}, fmt.Errorf("aggregate: %T for %s: gave up after %d conflicts: %w", c.Data, id, maxAttempts, err)
}

// begin tells the hooks of a command, and done of what came of it.
func (r *Repository[C, E, S]) begin(ctx context.Context, id stream.ID, c C, result *Result[E, S]) (_ context.Context, done func(error)) {
	hook := r.options.Hooks.Command
	if hook == nil {
		return ctx, func(error) {}
	}
	ctx, told := hook(ctx, id, c)
	if told == nil {
		told = func([]stream.Header, error) {}
	}
	return ctx, func(err error) {
		if err != nil {
			told(nil, err)
			return
		}
		told(headers(result.Events), nil)
	}
}

// overtaken reports whether another writer was faster.
func overtaken(err error) bool {
	if _, ok := errors.AsType[*stream.ConflictError](err); ok {
		return true
	}
	_, ok := errors.AsType[*stream.ConditionError](err)
	return ok
}

func headers[E any](events []*stream.Event[E]) []stream.Header {
	list := make([]stream.Header, len(events))
	for i, e := range events {
		list[i] = e.Header
	}
	return list
}

// attempt loads, decides and appends once. A state from memory may be old: what is
// stored on top of it proves that it was not, and anything else is decided again on
// what the log has.
func (r *Repository[C, E, S]) attempt(ctx context.Context, id stream.ID, o order, c Command[C], first bool) (Result[E, S], error) {
	now, ok := r.cache.get(id.Key)
	switch {
	case !ok:
		now = r.snapshot(ctx, id)
	case first:
		if result, stored, err := r.try(ctx, id, o, c, now); stored {
			return result, err
		}
		if now, ok = r.cache.get(id.Key); !ok { // the state was given to Decide
			now = r.snapshot(ctx, id)
		}
	}
	result, err := r.onLog(ctx, id, o, c, now)
	if ok && isTruncated(err) && r.options.Snapshots.Tables != nil { // its place is gone; a snapshot may have seen more
		return r.onLog(ctx, id, o, c, r.snapshot(ctx, id))
	}
	return result, err
}

// onLog decides on the instance as the log has it, which is folded from a state that
// it had before.
func (r *Repository[C, E, S]) onLog(ctx context.Context, id stream.ID, o order, c Command[C], before known[S]) (Result[E, S], error) {
	loaded, err := r.load(ctx, id, before, sought{command: o.id})
	if err != nil || len(loaded.Events) > 0 {
		return loaded, err
	}
	r.remember(ctx, id, before.version, loaded) // also for who is overtaken now and reads on from here
	result, stored, err := r.try(ctx, id, o, c, known[S]{state: loaded.State, version: loaded.Version, cursor: loaded.Cursor})
	if stored || before.version == 0 || !o.given {
		return result, err
	}
	// Nothing is to be stored, perhaps because the command took effect long ago,
	// before the state that this began with.
	first, missing := r.first(ctx, id, o)
	if missing != nil || len(first.Events) > 0 {
		return first, missing
	}
	return result, err
}

// first is what a command did the first time; without events if it did nothing. What
// it did before the events that the log still has can not be said: that is a
// [*stream.TruncatedError].
func (r *Repository[C, E, S]) first(ctx context.Context, id stream.ID, o order) (Result[E, S], error) {
	first, err := r.load(ctx, id, r.unborn(), sought{command: o.id})
	cut, ok := errors.AsType[*stream.TruncatedError](err)
	if !ok {
		return first, err
	}
	want := sought{command: o.id}
	rest := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}, From: cut.Cut}
	err = r.store.Read(ctx, rest, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			if want.found(&records[i]) {
				return cut
			}
		}
		return nil
	})
	return Result[E, S]{}, err
}

// try decides on a state and appends; stored is false if there was nothing to store.
func (r *Repository[C, E, S]) try(ctx context.Context, id stream.ID, o order, c Command[C], now known[S]) (result Result[E, S], stored bool, err error) {
	result = Result[E, S]{State: now.state, Version: now.version, Cursor: now.cursor}
	if c.Expected != nil && *c.Expected != now.version {
		return Result[E, S]{}, false, &stream.ConflictError{Stream: id, Expected: *c.Expected, Actual: now.version}
	}
	decided, err := r.decide(id, now.state, c.Data)
	if err != nil || len(decided) == 0 {
		if err != nil {
			result = Result[E, S]{}
		}
		return result, false, err
	}
	conditions, err := r.judge(ctx, id, c.Data)
	if err != nil {
		return Result[E, S]{}, false, err
	}
	records, err := r.records(ctx, id, o, o.id, c.Data, decided)
	if err != nil {
		return Result[E, S]{}, true, err
	}
	appending := ctx
	if !o.given {
		appending = engine.WithFresh(ctx)
	}
	done, err := r.append(appending, id, now.version, records, conditions)
	if err != nil {
		return Result[E, S]{}, true, err
	}
	if done[0].Version != now.version+1 {
		// The same command took effect before, so what is stored is its doing: load
		// up to it.
		result, err = r.load(ctx, id, r.unborn(), sought{o.id, done[0].Version})
		return result, true, err
	}
	result, err = r.result(id, result, done)
	if err == nil {
		r.remember(ctx, id, now.version, result)
	}
	return result, true, err
}

// append stores records, under conditions if there are any.
func (r *Repository[C, E, S]) append(ctx context.Context, id stream.ID, version stream.Version, records []stream.Record, conditions []stream.Condition) ([]stream.Record, error) {
	if len(conditions) == 0 {
		return r.store.Append(ctx, id, version, records...)
	}
	return r.multi.AppendAll(ctx, stream.Batch{
		Writes:     []stream.Write{{Stream: id, Expected: version, Records: records}},
		Conditions: conditions,
	})
}

// remember keeps a state that the log has for the next command.
func (r *Repository[C, E, S]) remember(ctx context.Context, id stream.ID, before stream.Version, now Result[E, S]) {
	if now.Version == 0 {
		return
	}
	r.cache.put(id.Key, known[S]{state: now.State, version: now.Version, cursor: now.Cursor})
	r.keepSnapshot(ctx, id, before, now)
}

func (r *Repository[C, E, S]) decide(id stream.ID, state S, c C) (events []E, err error) {
	in := true
	defer stream.Contain("Decide of "+id.String(), &in, &err)
	events, err = r.decider.Decide(state, c)
	in = false
	if err != nil {
		return nil, &RejectedError{Stream: id, Command: fmt.Sprintf("%T", c), Err: err}
	}
	return events, nil
}

func (r *Repository[C, E, S]) records(ctx context.Context, id stream.ID, o order, series stream.EventID, c C, events []E) ([]stream.Record, error) {
	records := make([]stream.Record, len(events))
	for i, e := range events {
		err := stream.CloseSealed(ctx, r.options.Keys, e)
		if err == nil {
			records[i], err = r.decider.Topic.Encode(e)
		}
		if err != nil {
			return nil, fmt.Errorf("aggregate: %T for %s: %w", c, id, err)
		}
		o.mark(&records[i], series, i)
	}
	return records, nil
}
