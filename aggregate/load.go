package aggregate

import (
	"context"
	"errors"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// known is a state that an instance had.
type known[S any] struct {
	state   S
	version stream.Version
	cursor  stream.Cursor // just after the event of that version
	seen    stream.Cursor // nothing happened to it between there and here; zero: not known

	last stream.EventID // of that event, if it was removed and only a snapshot knows it
}

// from is where to read on.
func (k *known[S]) from() stream.Cursor {
	if k.seen.Reached(k.cursor) {
		return k.seen
	}
	return k.cursor
}

// sought is the command whose events a load looks for.
type sought struct {
	command stream.EventID
	since   stream.Version // it stands at this version or later, as the store said; 0: wherever it is remembered
}

// found reports whether an event is of the command. One that is forgotten by now is
// of no command: the same ID takes effect again.
func (s *sought) found(rec *stream.Record) bool {
	if rec.Command != s.command || rec.Version < s.since {
		return false
	}
	return s.since > 0 || rec.Remember == 0 || time.Since(rec.Time) < time.Duration(rec.Remember)*time.Second
}

// unborn is every instance's state before its first event. The state is made when
// it is needed, as Initial is the user's.
func (r *Repository[C, E, S]) unborn() known[S] { return known[S]{} }

// errFound stops a load behind the events it was looking for.
var errFound = errors.New("aggregate: found")

// load folds the instance's history from a state that it had. If it meets the events
// of a command, it stops after them and returns them as that command's result. It
// reads all the instance's events, as the version counts those too that the topic
// skips.
func (r *Repository[C, E, S]) load(ctx context.Context, id stream.ID, from known[S], want sought) (result Result[E, S], err error) {
	in := true
	defer stream.Contain("Evolve of "+id.String(), &in, &err)
	result = Result[E, S]{State: from.state, Version: from.version, Cursor: from.cursor}
	if from.version == 0 {
		result.State = r.decider.initial()
	}
	in = false
	selected := stream.Query{Match: r.decider.Topic.Match(id.Key)}
	all := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}, From: from.from()}
	err = r.store.Read(ctx, all, func(records []stream.Record, _ stream.Mark) error {
		slab := make([]stream.Event[E], 0, len(records))
		for i := range records {
			rec := &records[i]
			own := want.found(rec)
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
