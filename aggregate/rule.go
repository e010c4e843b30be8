package aggregate

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// Rule is something that holds over more than one instance, such as that no two users
// have one e-mail address: a decision over the events with certain tags, wherever they
// happened. [NewRule] and [NewRuleOver] make one, [NewGuardedRepository] obeys it.
type Rule[C, E any] struct {
	name string
	of   func(key string, c C) []string
	// begin begins a fold over events of a topic: the rule's own, or the aggregate's.
	begin func(aggregates *stream.Topic[E]) folding[C]
}

// folding is a rule at work on one command.
type folding[C any] struct {
	match []stream.Match // the topic's
	fold  func(*stream.Record) error
	judge func(key string, c C) error
}

// NewRule makes a rule over events of the aggregate's own topic. of says which tags a
// command depends on (see [stream.TopicOptions]); none: the rule has nothing to say
// about it. All events of the topic with any of these tags are folded by evolve, in the
// order of the log, beginning with the zero R; judge then refuses the command or returns
// nil. It is asked about what the aggregate has decided to do, not about a command that
// does nothing. The command takes effect only if no other event with one of the tags has
// come meanwhile; otherwise all is done anew. This is known as a dynamic consistency
// boundary. On a log whose first events were removed nobody knows all of them, and the
// command fails with a [*stream.TruncatedError]. The functions must depend on their
// arguments alone.
func NewRule[C, E, R any](name string, of func(key string, c C) []string, evolve func(R, *stream.Event[E]) R, judge func(state R, key string, c C) error) Rule[C, E] {
	return Rule[C, E]{name: name, of: of, begin: func(own *stream.Topic[E]) folding[C] { return foldWith(own, evolve, judge) }}
}

// NewRuleOver makes a rule over events of another topic than the aggregate's, or of a
// union of several. It is NewRule in all else.
func NewRuleOver[E, C, F, R any](topic *stream.Topic[F], name string, of func(key string, c C) []string, evolve func(R, *stream.Event[F]) R, judge func(state R, key string, c C) error) Rule[C, E] {
	return Rule[C, E]{name: name, of: of, begin: func(*stream.Topic[E]) folding[C] { return foldWith(topic, evolve, judge) }}
}

func foldWith[C, F, R any](topic *stream.Topic[F], evolve func(R, *stream.Event[F]) R, judge func(R, string, C) error) folding[C] {
	var state R
	var slab []stream.Event[F]
	return folding[C]{
		match: topic.Match(""),
		fold: func(rec *stream.Record) (err error) {
			if slab, err = topic.DecodeAll(rec, slab[len(slab):]); err != nil {
				return err
			}
			for i := range slab { // more or less than one, if its name was retired
				state = evolve(state, &slab[i])
			}
			return nil
		},
		judge: func(key string, c C) error { return judge(state, key, c) },
	}
}

// judge asks the rules about a command and returns under what conditions they let it
// take effect.
func (r *Repository[C, E, S]) judge(ctx context.Context, id stream.ID, c C) (conditions []stream.Condition, err error) {
	if len(r.rules) == 0 {
		return nil, nil
	}
	head, err := r.store.Head(ctx) // before anything is read: what comes from here on breaks the condition
	if err != nil {
		return nil, err
	}
	for i := range r.rules {
		rule := &r.rules[i]
		tags, err := contained(rule.name, func() ([]string, error) { return rule.of(id.Key, c), nil })
		if err != nil {
			return nil, err
		}
		if len(tags) == 0 {
			continue
		}
		work := rule.begin(r.decider.Topic)
		condition := stream.Condition{After: head}
		for _, tag := range tags {
			for _, m := range work.match {
				m.Tags = []string{tag}
				condition.Match = append(condition.Match, m)
			}
		}
		conditions = append(conditions, condition)
		if err := r.apply(ctx, rule.name, work, id, c, condition); err != nil {
			return nil, err
		}
	}
	return conditions, nil
}

// apply folds what a rule depends on, up to where the condition begins, and asks it.
func (r *Repository[C, E, S]) apply(ctx context.Context, name string, work folding[C], id stream.ID, c C, condition stream.Condition) error {
	if !condition.After.IsZero() {
		q := stream.Query{Match: condition.Match, To: condition.After}
		err := r.store.Read(ctx, q, func(records []stream.Record, _ stream.Mark) error {
			_, err := contained(name, func() (any, error) {
				for i := range records {
					if err := work.fold(&records[i]); err != nil {
						return nil, err
					}
				}
				return nil, nil
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("aggregate: read what rule %q about %s depends on: %w", name, id, err)
		}
	}
	_, err := contained(name, func() (any, error) {
		if err := work.judge(id.Key, c); err != nil {
			return nil, &RejectedError{Stream: id, Command: fmt.Sprintf("%T", c), Err: err}
		}
		return nil, nil
	})
	return err
}

// contained calls a rule's function and returns its panic as an error.
func contained[T any](rule string, f func() (T, error)) (result T, err error) {
	in := true
	defer stream.Contain("rule "+rule, &in, &err)
	result, err = f()
	in = false
	return result, err
}

func isTruncated(err error) bool {
	_, ok := errors.AsType[*stream.TruncatedError](err)
	return ok
}
