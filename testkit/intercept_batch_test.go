package testkit_test

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

// Breaks when: Intercept hides AppendAll or passes it by the function, Stream does not
// look at a batch's writes, or a batch that fails returns records.
func TestBatchesAreIntercepted(t *testing.T) {
	full := errors.New("disk full")
	ann, bob := stream.ID{Topic: "users", Key: "ann"}, stream.ID{Topic: "users", Key: "bob"}
	record := stream.Record{Header: stream.Header{Type: "A"}, Data: []byte("{}")}
	log := testkit.Intercept(memlog.New(), testkit.Faults(
		testkit.Fail(full, testkit.On(testkit.OpAppendAll).Stream(bob).Once()),
		testkit.FailAfter(full, testkit.On(testkit.OpAppendAll).Stream(bob).Once()),
	)).(stream.MultiStore)
	for i, want := range []struct {
		streams []stream.ID
		err     error
		head    stream.Position
	}{
		{[]stream.ID{ann}, nil, 1},
		{[]stream.ID{ann, bob}, full, 1},
		{[]stream.ID{ann, bob}, full, 3}, // the second fault is asked when the first lets it pass
		{[]stream.ID{bob, ann}, nil, 5},
	} {
		var b stream.Batch
		for _, id := range want.streams {
			b.Writes = append(b.Writes, stream.Write{Stream: id, Expected: stream.AnyVersion, Records: []stream.Record{record}})
		}
		got, err := log.AppendAll(t.Context(), b)
		if !errors.Is(err, want.err) || err != nil && got != nil || err == nil && len(got) != len(b.Writes) {
			t.Errorf("batch %d: got %d records and %v, want %v", i+1, len(got), err, want.err)
		}
		if head, err := log.Head(t.Context()); err != nil || !head.Equal(stream.At(want.head)) {
			t.Errorf("after batch %d the head is %s (%v), want %d", i+1, head, err, want.head)
		}
	}
}
