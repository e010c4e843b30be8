package memlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

func of(command stream.EventID, remember uint32, tags ...string) stream.Record {
	r := event("x")
	r.Command, r.Remember, r.Tags = command, remember, tags
	return r
}

// Breaks when: remembered forgets at the last moment, or one nanosecond too late.
func TestACommandIsForgottenAfterItsLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, command := memlog.New(), stream.NewID()
		first := mustAppend(t, log, of(command, 60))
		time.Sleep(time.Minute)
		if diff := cmp.Diff(first, mustAppend(t, log, of(command, 60))); diff != "" {
			t.Errorf("at the last moment:\n%s", diff)
		}
		time.Sleep(time.Nanosecond)
		if again := mustAppend(t, log, of(command, 60)); again[0].Position != 2 {
			t.Errorf("after it: got position %d, want 2", again[0].Position)
		}
	})
}

// Breaks when: end does not sweep, or sweep drops commands that are remembered.
func TestForgottenCommandsTakeNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, forever := memlog.New(), stream.NewID()
		first := mustAppend(t, log, of(forever, 0))
		for range 20_000 {
			mustAppend(t, log, of(stream.NewID(), 10))
			time.Sleep(100 * time.Millisecond)
		}
		if n := log.Commands(); n > 2048 {
			t.Errorf("%d commands are kept, of which 101 are remembered", n)
		}
		if diff := cmp.Diff(first, mustAppend(t, log, of(forever, 0))); diff != "" {
			t.Errorf("one that is remembered for ever:\n%s", diff)
		}
	})
}

// Breaks when: AppendAll stores tags that the caller keeps, or take hands out those
// that are kept.
func TestTagsAreNotSharedWithCallers(t *testing.T) {
	log, given := memlog.New(), []string{"a", "b"}
	stored, err := log.AppendAll(t.Context(), stream.Batch{Writes: []stream.Write{{Stream: ann, Records: []stream.Record{of(stream.EventID{}, 0, given...), of(stream.EventID{}, 0)}}}})
	if err != nil {
		t.Fatal(err)
	}
	given[0], stored[0].Tags[1] = "spoilt", "spoilt"
	for range 2 {
		err := log.Read(t.Context(), stream.Query{To: stream.At(1)}, func(block []stream.Record, _ stream.Mark) error {
			if diff := cmp.Diff([]string{"a", "b"}, block[0].Tags); diff != "" {
				t.Error(diff)
			}
			block[0].Tags[0] = "spoilt"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Breaks when: AppendAll answers a condition over what was removed.
func TestAConditionOverWhatWasRemovedIsRefused(t *testing.T) {
	log := memlog.New()
	mustAppend(t, log, event("1"), event("2"), event("3"))
	cut, err := log.Truncate(t.Context(), stream.At(2))
	if err != nil {
		t.Fatal(err)
	}
	for after := range stream.Position(4) {
		b := stream.Batch{
			Writes:     []stream.Write{{Stream: ann, Expected: stream.AnyVersion, Records: []stream.Record{event("4")}}},
			Conditions: []stream.Condition{{Match: []stream.Match{{Tags: []string{"none"}}}, After: stream.At(after)}},
		}
		_, err := log.AppendAll(t.Context(), b)
		var gone *stream.TruncatedError
		if missing := errors.As(err, &gone); missing != (after < cut.Position(0)) || err != nil && !missing {
			t.Errorf("after %d of a log cut at %s: got %v", after, cut, err)
		}
	}
}

// A unique name over all streams: the condition that nobody has it.
func ExampleLog_AppendAll() {
	log := memlog.New()
	register := func(user, mail string) {
		tag := "mail:" + mail
		_, err := log.AppendAll(context.Background(), stream.Batch{
			Writes: []stream.Write{{
				Stream:  stream.ID{Topic: "users", Key: user},
				Records: []stream.Record{{Header: stream.Header{Type: "REGISTERED", Tags: []string{tag}}, Data: []byte("{}")}},
			}},
			Conditions: []stream.Condition{{Match: []stream.Match{{Tags: []string{tag}}}}},
		})
		fmt.Println(user, err)
	}
	register("ann", "a@example.com")
	register("bob", "b@example.com")
	register("eve", "a@example.com")
	// Output:
	// ann <nil>
	// bob <nil>
	// eve stream: append under a condition: expected no event of any kind tagged "mail:a@example.com" after 0, found one at 1
}

// A condition on one instance that has all its events is answered, whatever was removed
// of others; one on more says that nobody knows.
// Breaks when: holds asks for the cut alone.
func TestAConditionOnAnInstanceThatIsWholeOutlivesTruncation(t *testing.T) {
	log, ctx := memlog.New(), t.Context()
	mustAppend(t, log, of(stream.EventID{}, 0))
	bob := stream.ID{Topic: ann.Topic, Key: "bob"}
	if _, err := log.Truncate(ctx, stream.At(1)); err != nil {
		t.Fatal(err)
	}
	add := func(match ...stream.Match) error {
		_, err := log.AppendAll(ctx, stream.Batch{
			Writes:     []stream.Write{{Stream: bob, Expected: stream.AnyVersion, Records: []stream.Record{of(stream.EventID{}, 0)}}},
			Conditions: []stream.Condition{{Match: match}},
		})
		return err
	}
	var gone *stream.TruncatedError
	if err := add(stream.Match{Topic: ann.Topic, Key: ann.Key}); !errors.As(err, &gone) || gone.Stream != ann {
		t.Errorf("on an instance whose events were removed: got %v, want a TruncatedError that names it", err)
	}
	if err := add(stream.Match{Topic: ann.Topic}); !errors.As(err, &gone) {
		t.Errorf("on a topic: got %v, want a TruncatedError", err)
	}
	whole := stream.Match{Topic: bob.Topic, Key: bob.Key}
	if err := add(whole); err != nil {
		t.Errorf("on one that has no events: got %v", err)
	}
	var broken *stream.ConditionError
	if err := add(whole); !errors.As(err, &broken) || !broken.Found.Equal(stream.At(2)) {
		t.Errorf("on one that has got its first: got %v, want a ConditionError at 2", err)
	}
}
