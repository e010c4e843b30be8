package aggregate

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// maxAttempts bounds how often a command is decided anew after a conflict. Each
// conflict means that another writer got on, so only a storm reaches it.
const maxAttempts = 100

// Command is a command with all that may be said about it.
type Command[C any] struct {
	// ID makes the command take effect once in its topic; zero: a fresh one.
	ID stream.EventID
	// Key is the instance it is for.
	Key string
	// Data is the command itself.
	Data C
	// CausedBy is the event that led to it; zero: what the context carries, if
	// anything (see [stream.WithCause]).
	CausedBy stream.Cause
}

// Result is what a command did.
type Result[E, S any] struct {
	Events  []*stream.Event[E] // as stored; none if there was nothing to do
	State   S                  // right after them
	Version stream.Version     // the instance's, right after them
	Cursor  stream.Cursor      // just after the last of the instance's events seen
}

// Repository loads instances of an aggregate and gives them commands. It holds
// no state of its own and is safe for concurrent use.
type Repository[C, E, S any] struct {
	store   stream.Store
	decider Decider[C, E, S]
}

// NewRepository makes a repository over a store. A log without
// compare-and-append is no [stream.Store] and does not compile here.
func NewRepository[C, E, S any](store stream.Store, d Decider[C, E, S]) *Repository[C, E, S] {
	return &Repository[C, E, S]{store: store, decider: d}
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
// before, nothing is decided and the first result is returned. Errors: a
// [*RejectedError] if the command was refused; a [*stream.ConflictError] after
// 100 conflicts; a [*stream.PanicError] if Decide or Evolve panicked; a
// [*stream.DecodeError] for a history that can not be read; and what the store's
// Append returns.
func (r *Repository[C, E, S]) Handle(ctx context.Context, c Command[C]) (Result[E, S], error) {
	if c.ID.IsZero() {
		c.ID = stream.NewID()
	}
	if c.CausedBy.IsZero() {
		c.CausedBy = stream.CauseOf(ctx)
	}
	id := stream.ID{Topic: r.decider.Topic.Name(), Key: c.Key}
	if err := id.Validate(); err != nil {
		return Result[E, S]{}, err
	}
	var conflict *stream.ConflictError
	for range maxAttempts {
		result, err := r.attempt(ctx, id, c)
		if !errors.As(err, &conflict) {
			return result, err
		}
		if err := ctx.Err(); err != nil {
			return Result[E, S]{}, err
		}
	}
	return Result[E, S]{}, fmt.Errorf("aggregate: %T for %s: gave up after %d conflicts: %w", c.Data, id, maxAttempts, conflict)
}

// attempt loads, decides and appends once.
func (r *Repository[C, E, S]) attempt(ctx context.Context, id stream.ID, c Command[C]) (Result[E, S], error) {
	loaded, err := r.load(ctx, id, c.ID)
	if err != nil || len(loaded.Events) > 0 {
		return loaded, err
	}
	decided, err := r.decide(id, loaded.State, c.Data)
	if err != nil {
		return Result[E, S]{}, err
	}
	if len(decided) == 0 {
		return loaded, nil
	}
	records, err := r.records(id, c, decided)
	if err != nil {
		return Result[E, S]{}, err
	}
	stored, err := r.store.Append(ctx, id, loaded.Version, records...)
	if err != nil {
		return Result[E, S]{}, err
	}
	if stored[0].Version != loaded.Version+1 {
		// The same command took effect between our load and our append, so what
		// is stored is its doing: load up to it.
		return r.load(ctx, id, c.ID)
	}
	return r.result(id, loaded, stored)
}

// load folds the instance's history. If it meets the events of a command, it
// stops after them and returns them as that command's result. It reads all the
// instance's events, as the version counts those too that the topic skips.
func (r *Repository[C, E, S]) load(ctx context.Context, id stream.ID, command stream.EventID) (result Result[E, S], err error) {
	in := true
	defer stream.Contain("Evolve of "+id.String(), &in, &err)
	result.State = r.decider.initial()
	in = false
	selected := stream.Query{Match: r.decider.Topic.Match(id.Key)}
	all := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}
	err = r.store.Read(ctx, all, func(records []stream.Record, _ stream.Mark) error {
		slab := make([]stream.Event[E], 0, len(records))
		for i := range records {
			rec := &records[i]
			own := rec.Command == command
			if !own && len(result.Events) > 0 {
				return errFound
			}
			result.Version, result.Cursor = rec.Version, rec.Cursor()
			if !selected.Accepts(rec.Stream.Topic, rec.Stream.Key, rec.Type, rec.Tags) {
				continue
			}
			var err error
			if slab, err = r.decider.Topic.DecodeAll(rec, slab[len(slab):]); err != nil {
				return err
			}
			for j := range slab { // more or less than one, if its name was retired
				if own {
					result.Events = append(result.Events, &slab[j])
				}
				in = true
				result.State = r.decider.Evolve(result.State, slab[j].Data)
				in = false
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return Result[E, S]{}, err
	}
	return result, nil
}

// errFound stops a load behind the events it was looking for.
var errFound = errors.New("aggregate: found")

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

func (r *Repository[C, E, S]) records(id stream.ID, c Command[C], events []E) ([]stream.Record, error) {
	correlation := c.CausedBy.Correlation
	if correlation.IsZero() {
		correlation = c.ID
	}
	records := make([]stream.Record, len(events))
	for i, e := range events {
		rec, err := r.decider.Topic.Encode(e)
		if err != nil {
			return nil, fmt.Errorf("aggregate: %T for %s: %w", c.Data, id, err)
		}
		rec.ID = stream.DeriveID(c.ID, "event", i)
		rec.Command, rec.CausedBy, rec.Correlation = c.ID, c.CausedBy.Event, correlation
		if !c.CausedBy.Event.IsZero() {
			rec.Depth = c.CausedBy.Depth + 1
		}
		records[i] = rec
	}
	return records, nil
}

// result folds what was stored into what was loaded.
func (r *Repository[C, E, S]) result(id stream.ID, loaded Result[E, S], stored []stream.Record) (result Result[E, S], err error) {
	result = loaded
	slab := make([]stream.Event[E], len(stored))
	var in bool
	defer stream.Contain("Evolve of "+id.String(), &in, &err)
	for i := range stored {
		if err := r.decider.Topic.Decode(&stored[i], &slab[i]); err != nil {
			return Result[E, S]{}, err
		}
		in = true
		result.State = r.decider.Evolve(result.State, slab[i].Data)
		in = false
		result.Events = append(result.Events, &slab[i])
		result.Version, result.Cursor = slab[i].Version, slab[i].Cursor()
	}
	return result, nil
}
