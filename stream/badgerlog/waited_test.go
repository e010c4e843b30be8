package badgerlog

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// A caller that found a command nearly forgotten, and then waited for very long, is
// told of what the command has done anew in between.
// Breaks when: latest takes what the caller found for the last effect, though two
// generations were stored since.
func TestWhoWaitedForLongIsToldOfTheLastEffect(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		log, err := Open(dir, Options{Durability: Unsynced})
		if err != nil {
			t.Fatal(err)
		}
		id, command := stream.ID{Topic: "t", Key: "1"}, one(stream.EventID{7})
		command.Remember = 60
		send := func(r stream.Record) {
			if _, err := log.Append(t.Context(), id, stream.AnyVersion, r); err != nil {
				t.Fatal(err)
			}
			if err := log.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		send(command)
		waits := [2]*request{log.queue.request(), nil}
		waits[0].id, waits[0].expected, waits[0].records = id, stream.AnyVersion, []stream.Record{command}
		waits[1], err = log.jointRequest(stream.Batch{Writes: []stream.Write{{Stream: id, Expected: stream.AnyVersion, Records: []stream.Record{command}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range waits {
			if err := log.prepare(r); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute + time.Nanosecond)
		send(command)
		for range 3 {
			send(one(stream.EventID{}))
		}
		for i, r := range waits {
			if !log.queue.put(r) {
				t.Fatal("the queue is closed")
			}
			if <-r.done; r.outcome.err != nil || len(r.outcome.earlier) != 1 || r.outcome.earlier[0].first != 2 {
				t.Errorf("request %d: got %+v, want the effect at version 2", i, r.outcome)
			}
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
}
