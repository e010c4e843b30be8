package testkit

import (
	"context"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// ForGuarded begins a specification of a repository that obeys rules over more than
// one instance, as the program itself makes it. It is [ForRepository] in all else;
// [Spec.GivenElsewhere] says what happened to other instances.
//
//	testkit.ForGuarded(t, NewUsers).
//		GivenElsewhere(testkit.Happened[Event](Users, "ann", EmailSet{"a"})).
//		When(SetEmail{"a"}).
//		ThenError(ErrEmailTaken)
func ForGuarded[C, E, S any](t testing.TB, build func(stream.MultiStore) *aggregate.Repository[C, E, S]) Spec[C, E, S] {
	t.Helper()
	s := begin(t, func(store stream.Store) *aggregate.Repository[C, E, S] {
		multi, ok := store.(stream.MultiStore)
		if !ok {
			return nil // which is told as a repository that was not built
		}
		return build(multi)
	}, here())
	s.guarded = true
	return s
}

// GivenElsewhere adds what happened to other instances, of this aggregate or of
// others. Like every part of a specification it must be followed by a When.
func (s Spec[C, E, S]) GivenElsewhere(happened ...Happening) Spec[C, E, S] {
	return s.with(specStep[C, E]{elsewhere: happened}, here(), "GivenElsewhere")
}

// elsewhere stores what happened to other instances.
func (r *specRun[C, E, S]) elsewhere(happened []Happening) error {
	for _, h := range happened {
		if h.err != nil {
			return h.err
		}
		if h.id == r.id {
			return fmt.Errorf("GivenElsewhere speaks of %s, the instance that the specification is about: use Given", h.id)
		}
		if _, err := r.raw.Append(context.Background(), h.id, stream.AnyVersion, h.records...); err != nil {
			return fmt.Errorf("what happened elsewhere can not be stored: append to %s: %w", h.id, err)
		}
	}
	return nil
}

// appends is what an operation is to store of the instance; false if it is none of
// its appends.
func (r *specRun[C, E, S]) appends(op *Op) bool {
	switch op.Kind {
	case OpAppend:
		return op.Stream == r.id
	case OpAppendAll:
		for _, w := range op.Batch.Writes {
			if w.Stream == r.id && len(w.Records) > 0 {
				return true
			}
		}
	}
	return false
}

// ofInstance are the records that are the instance's.
func (r *specRun[C, E, S]) ofInstance(all []stream.Record) (own []stream.Record) {
	for _, rec := range all {
		if rec.Stream == r.id {
			own = append(own, rec)
		}
	}
	return own
}
