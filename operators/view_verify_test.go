package operators

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// notesUpTo is what Verify replays.
func notesUpTo(log stream.Log) func(stream.Cursor) stream.Source[stream.Cold, noted] {
	return func(at stream.Cursor) stream.Source[stream.Cold, noted] {
		return replay.Cold(log, notes, replay.UpTo(at))
	}
}

// Breaks when: pass does not move the place with the state.
func TestAViewThatIsRightIsVerifiedWhileItRuns(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v := newSums(func() {})
	var all sync.WaitGroup
	all.Go(func() { _ = v.Run(ctx, replay.ColdHot(log, notes)) })
	for w := range 2 {
		all.Go(func() { write(t, log, w, 300) })
	}
	for !v.Mark().At.Reached(stream.At(600)) {
		if err := v.Verify(ctx, notesUpTo(log)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	all.Wait()
	if err := v.Verify(t.Context(), notesUpTo(log)); err != nil {
		t.Errorf("once it has ended: %v", err)
	}
}

func verifyError(t *testing.T, err error) *VerifyError {
	t.Helper()
	found, ok := errors.AsType[*VerifyError](err)
	if !ok {
		t.Fatalf("got %v, want a *VerifyError", err)
	}
	return found
}

// TestVerifyNamesTheEventThatIsNotHandledTwiceTheSame: an event's number is the
// reducer's chance to throw dice.
// Breaks when: search does not compare the twins, or begins at the wrong place.
func TestVerifyNamesTheEventThatIsNotHandledTwiceTheSame(t *testing.T) {
	for _, trail := range []int{0, 1, 7, 1000} {
		for _, dice := range []int{0, 1, 42, 99} {
			log := noteLog(t, 100)
			v := NewView("dice", func() sums { return sums{Of: map[string]int{}} }, func(s sums, e *stream.Event[noted]) sums {
				s.Of["n"]++
				if e.Data.N == dice {
					s.Of["dice"] = rand.Int()
				}
				return s
			}).Trail(trail)
			if err := runTo(t, log, v); err != nil {
				t.Fatal(err)
			}
			found := verifyError(t, v.Verify(t.Context(), notesUpTo(log)))
			if found.Event == nil || found.Event.Position != stream.Position(dice+1) || !strings.Contains(found.Error(), "position") {
				t.Errorf("dice at %d with a trail of %d: got %v, want position %d", dice, trail, found, dice+1)
			}
			if !strings.Contains(found.Difference, "dice") {
				t.Errorf("got %q, want it to name the key", found.Difference)
			}
		}
	}
}

// TestVerifyFindsWhereAStateWasChangedFromOutside: nothing in the reducer tells where,
// only the footprints do.
// Breaks when: pass leaves no footprints, or follow does not compare them.
func TestVerifyFindsWhereAStateWasChangedFromOutside(t *testing.T) {
	for every, items := range map[int]int{0: 100, 10: 10, 1: 1} {
		log := memlog.New()
		var v *sumsView
		v = newSums(func() {
			if v != nil && v.state.Of["a"] == 1+2+3+4+5 { // at the event of number 6, position 7
				v.state.Of["a"]++
			}
		}).Trail(every)
		mine := v
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- mine.Run(ctx, replay.ColdHot(log, notes)) }()
		for n := range 100 { // one block each
			rec, err := notes.Encode(noted{0, n})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.Append(ctx, stream.ID{Topic: "notes", Key: "a"}, stream.AnyVersion, rec); err != nil {
				t.Fatal(err)
			}
			if err := mine.WaitFor(ctx, stream.At(stream.Position(n+1))); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		<-ended
		v = nil // what is from outside does not come to the replay
		found := verifyError(t, mine.Verify(t.Context(), notesUpTo(log)))
		if found.Items != items || !found.Until.Reached(stream.At(7)) || found.After.Reached(stream.At(7)) {
			t.Errorf("footprints each %d: got %d items after %s up to %s, want %d around 7", every, found.Items, found.After, found.Until, items)
		}
		if (found.Event != nil) != (items == 1) || found.Event != nil && found.Event.Position != 7 {
			t.Errorf("footprints each %d: got event %v", every, found.Event)
		}
		_ = log.Close()
	}
}

// TestVerifyFindsASnapshotOfAnotherReducer: the version was forgotten.
// Breaks when: the footprints are not in the snapshot.
func TestVerifyFindsASnapshotOfAnotherReducer(t *testing.T) {
	log, tables := noteLog(t, 50), memtables.New()
	wrong := NewView("sums", func() sums { return sums{Of: map[string]int{}} }, func(s sums, e *stream.Event[noted]) sums {
		s.Of[e.Stream.Key] += 2 * e.Data.N
		return s
	})
	if err := runTo(t, log, wrong.Keep(Snapshots{Tables: tables})); err != nil {
		t.Fatal(err)
	}
	write(t, log, 0, 50)
	v := newSums(func() {}).Keep(Snapshots{Tables: tables})
	if err := runTo(t, log, v); err != nil {
		t.Fatal(err)
	}
	found := verifyError(t, v.Verify(t.Context(), notesUpTo(log)))
	if !found.Until.Equal(stream.At(50)) || !found.At.Equal(stream.At(100)) {
		t.Errorf("got %v, want it to part up to 50, where the snapshot was kept", found)
	}
}

// Breaks when: stands waits for a mark that never comes.
func TestAStateThatWasLeftInTheMiddleOfABlockIsNotVerified(t *testing.T) {
	log := noteLog(t, 10)
	v := NewView("sums", func() sums { return sums{} }, func(s sums, e *stream.Event[noted]) sums {
		if e.Data.N == 5 {
			panic("five")
		}
		return s
	})
	_ = v.Run(t.Context(), replay.ColdHot(log, notes))
	if err := v.Verify(t.Context(), notesUpTo(log)); !errors.Is(err, ErrViewEnded) {
		t.Errorf("got %v, want %v", err, ErrViewEnded)
	}
}
