package aggregate

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// Rule is something that holds over more than one instance, such as that no two users
// have one e-mail address: a decision over the events with certain tags, wherever they
// happened. [NewRule] makes one, [NewGuardedRepository] obeys it.
type Rule[C, E any] struct {
	name string
	of   func(key string, c C) []string
	// open begins a fold over the events and returns it and what judges it.
	open func() (fold func(*stream.Event[E]), judge func(key string, c C) error)
}

// NewRule makes a rule. of says which tags a command depends on (see
// [stream.TopicOptions]); none: the rule has nothing to say about it. All events of
// the topic with any of these tags are folded by evolve, in the order of the log,
// beginning with the zero R; judge then refuses the command or returns nil. The command
// takes effect only if no other event with one of the tags has come meanwhile;
// otherwise all is done anew. This is known as a dynamic consistency boundary. The
// functions must depend on their arguments alone.
func NewRule[C, E, R any](name string, of func(key string, c C) []string, evolve func(R, *stream.Event[E]) R, judge func(state R, key string, c C) error) Rule[C, E] {
	return Rule[C, E]{name: name, of: of, open: func() (func(*stream.Event[E]), func(string, C) error) {
		var state R
		fold := func(e *stream.Event[E]) { state = evolve(state, e) }
		return fold, func(key string, c C) error { return judge(state, key, c) }
	}}
}

// judge asks the rules about a command and returns under what conditions they let it
// take effect.
func (r *Repository[C, E, S]) judge(ctx context.Context, id stream.ID, c C) (conditions []stream.Condition, err error) {
	if len(r.rules) == 0 {
		return nil, nil
	}
	head, err := r.store.Head(ctx)
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
		condition := stream.Condition{After: head}
		for _, tag := range tags {
			condition.Match = append(condition.Match, stream.Match{Topic: id.Topic, Tags: []string{tag}})
		}
		conditions = append(conditions, condition)
		if err := r.apply(ctx, rule, id, c, condition); err != nil {
			return nil, err
		}
	}
	return conditions, nil
}

// apply folds what a rule depends on, up to where the condition begins, and asks it.
func (r *Repository[C, E, S]) apply(ctx context.Context, rule *Rule[C, E], id stream.ID, c C, condition stream.Condition) error {
	fold, judge := rule.open()
	topic := r.decider.Topic
	selected := stream.Query{Match: topic.Match("")}
	if !condition.After.IsZero() {
		q := stream.Query{Match: condition.Match, To: condition.After}
		err := r.store.Read(ctx, q, func(records []stream.Record, _ stream.Mark) error {
			slab := make([]stream.Event[E], 0, len(records))
			for i := range records {
				rec := &records[i]
				if !selected.Accepts(rec.Stream.Topic, rec.Stream.Key, rec.Type, rec.Tags) {
					continue
				}
				var err error
				if slab, err = topic.DecodeAll(rec, slab[len(slab):]); err != nil {
					return err
				}
				for j := range slab {
					if _, err := contained(rule.name, func() (any, error) { fold(&slab[j]); return nil, nil }); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("aggregate: read what rule %q about %s depends on: %w", rule.name, id, err)
		}
	}
	_, err := contained(rule.name, func() (any, error) {
		if err := judge(id.Key, c); err != nil {
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
