package badgerlog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// TestStatsCountWhatThereIs: in memory, in the database and after reopening they
// say the same of the log.
// Breaks when: applied.after does not add the generation's streams.
func TestStatsCountWhatThereIs(t *testing.T) {
	dir := t.TempDir()
	log := open(t, dir, badgerlog.Options{}.SmallGenerations(10))
	for i := range int64(35) {
		appendOne(t, log, noteID(i%7))
	}
	counted := func(s badgerlog.Stats) [3]uint64 { return [3]uint64{s.Events, s.Streams, uint64(s.Head)} }
	before, err := log.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([3]uint64{35, 7, 35}, counted(before)); diff != "" {
		t.Errorf("events, streams and head (- want, + got):\n%s", diff)
	}
	if before.LastSync.IsZero() || before.TailEvents != 35 || before.DiskBytes < int64(before.Bytes) || before.Bytes < 35*200 {
		t.Errorf("got %+v, want a last sync, 35 events in the tail, and at least their 200 bytes each, on the disk too", before)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := open(t, dir, badgerlog.Options{}).Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(counted(before), counted(after)); diff != "" {
		t.Errorf("after reopening (- before, + after):\n%s", diff)
	}
	if after.Bytes != before.Bytes || after.Stored != 35 || after.Blocks != 4 {
		t.Errorf("after reopening: %d bytes, stored up to %d in %d blocks, want %d bytes up to 35 in 4", after.Bytes, after.Stored, after.Blocks, before.Bytes)
	}
}

func TestStatsTellWhoReadsAndHowFarTheyAreBehind(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{})
	appendOne(t, log, noteID(1))
	at, resume := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		first := true
		ended <- log.Read(t.Context(), stream.Query{Follow: true}, func(records []stream.Record, m stream.Mark) error {
			if first {
				first = false
				close(at)
				<-resume
			}
			if m.At.Position(0) == 5 {
				return errStop
			}
			return nil
		})
	}()
	<-at
	for range 4 {
		appendOne(t, log, noteID(1))
	}
	s, err := log.Stats(t.Context())
	if err != nil || len(s.Readers) != 1 || s.Readers[0].Lag != 5 || !s.Readers[0].Query.Follow {
		t.Errorf("got %+v: %v, want one that follows and has 5 events before it", s.Readers, err)
	}
	close(resume)
	if err := <-ended; err != errStop {
		t.Error(err)
	}
	if s, err := log.Stats(t.Context()); err != nil || len(s.Readers) != 0 {
		t.Errorf("got %+v: %v, want no reader", s.Readers, err)
	}
}
