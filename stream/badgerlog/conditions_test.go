package badgerlog_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// claim appends an event that only one may carry the tag of.
func claim(t testing.TB, log *badgerlog.Log, tag string, who int, command stream.EventID) error {
	_, err := log.AppendAll(t.Context(), stream.Batch{
		Writes:     []stream.Write{write("users", fmt.Sprint(tag, "-", who), 0, mail(command, "any", tag))},
		Conditions: []stream.Condition{{Match: []stream.Match{{Topic: "users", Tags: []string{tag}}}}},
	})
	return err
}

// Of 64 writers who want the same tag exactly one gets it, on each of many tags, while
// others do something else; the others are told which event was first.
// Breaks when: plan.firstMatch does not look at what the plan has accepted, or at what
// became visible since the caller looked.
func TestOfManyWritersWhoWantTheSameTagOneGetsIt(t *testing.T) {
	const writers = 64
	tags := 200
	if testing.Short() {
		tags = 40
	}
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			log := open(t, t.TempDir(), o)
			var all sync.WaitGroup
			won, lost := make([]atomic.Int64, tags), make([]atomic.Int64, tags)
			for who := range writers {
				all.Go(func() {
					for i := range tags {
						err := claim(t, log, fmt.Sprint("mail:", i), who, stream.NewID())
						var broken *stream.ConditionError
						switch {
						case err == nil:
							won[i].Add(1)
						case errors.As(err, &broken) && !broken.Found.IsZero():
							lost[i].Add(1)
						default:
							t.Error(err)
						}
						appendOne(t, log, stream.ID{Topic: "other", Key: fmt.Sprint(who)})
					}
				})
			}
			all.Wait()
			for i := range tags {
				at := collect(t, log, stream.Query{Match: []stream.Match{{Tags: []string{fmt.Sprint("mail:", i)}}}})
				if won[i].Load() != 1 || lost[i].Load() != writers-1 || len(at) != 1 {
					t.Errorf("tag %d: %d writers were told that they have it, %d that they have not; it stands at %v", i, won[i].Load(), lost[i].Load(), at)
				}
			}
			if err := log.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// A condition holds after its place and of what it selects, and no command breaks its
// own: sent again, it answers with what it did.
// Breaks when: submitJoint returns at the first broken condition, or firstOf does not
// compare the place.
func TestAConditionIsOfWhatCameAfterItsPlace(t *testing.T) {
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			log := open(t, t.TempDir(), o)
			command := stream.NewID()
			if err := claim(t, log, "m:1", 1, command); err != nil {
				t.Fatal(err)
			}
			if err := claim(t, log, "m:1", 1, command); err != nil {
				t.Errorf("the same command again: %v", err)
			}
			for range 5 {
				appendOne(t, log, stream.ID{Topic: "other", Key: "1"})
			}
			for _, c := range []struct {
				after stream.Position
				match []stream.Match
				found stream.Position
			}{
				{0, []stream.Match{{Tags: []string{"any"}}}, 1},
				{0, []stream.Match{{Tags: []string{"none"}}, {Topic: "other"}}, 2},
				{1, []stream.Match{{Tags: []string{"any"}}}, 0},
				{0, []stream.Match{{Topic: "other", Tags: []string{"any"}}}, 0},
				{4, nil, 5},
				{2, []stream.Match{{Topic: "other", Key: "1", Types: []string{"NOTE_ADDED"}}}, 3},
				{0, []stream.Match{{Topic: "users", Types: []string{"NOTE_ADDED"}}}, 0},
			} {
				b := stream.Batch{
					Writes:     []stream.Write{write("w", "1", stream.AnyVersion, mail(stream.EventID{})), write("users", "m:1-1", 7)},
					Conditions: []stream.Condition{{Match: c.match, After: stream.At(c.after)}},
				}
				if c.found == 0 {
					b.Writes[1].Expected = 1
				} else {
					b.Writes = b.Writes[:1]
				}
				_, err := log.AppendAll(t.Context(), b)
				var broken *stream.ConditionError
				switch {
				case c.found == 0 && err != nil, c.found > 0 && !errors.As(err, &broken), c.found > 0 && !broken.Found.Equal(stream.At(c.found)):
					t.Errorf("no event of %+v after %d: got %v, want one found at %d", c.match, c.after, err, c.found)
				}
			}
			if _, err := log.AppendAll(t.Context(), stream.Batch{
				Writes:     []stream.Write{write("w", "1", stream.AnyVersion, mail(stream.EventID{}))},
				Conditions: []stream.Condition{{After: stream.At(1000)}},
			}); err == nil {
				t.Error("a condition after a place past the head was taken")
			}
		})
	}
}
