package memlog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLogKeepsEveryPromise(t *testing.T) {
	testkit.TestLog(t, testkit.Engine{
		Open: func(testing.TB, string) testkit.Log { return memlog.New() },
	})
}

var ann = stream.ID{Topic: "users", Key: "ann"}

func event(data string) stream.Record {
	return stream.Record{Header: stream.Header{Type: "SAID", Schema: 1, Meta: stream.Metadata{"by": "ann"}}, Data: []byte(data)}
}

func mustAppend(t testing.TB, log *memlog.Log, records ...stream.Record) []stream.Record {
	t.Helper()
	stored, err := log.Append(t.Context(), ann, stream.AnyVersion, records...)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// texts reads the whole log.
func texts(t *testing.T, log *memlog.Log) (list []string) {
	t.Helper()
	err := log.Read(t.Context(), stream.Query{}, func(block []stream.Record, _ stream.Mark) error {
		for i := range block {
			list = append(list, string(block[i].Data)+" by "+block[i].Meta["by"])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Breaks when: copyOf keeps r.Data or r.Meta, store returns the records that it
// keeps, or take hands out the payloads or metadata that are kept.
func TestNothingIsSharedWithCallers(t *testing.T) {
	spoil := func(r *stream.Record) {
		copy(r.Data, "spoilt")
		r.Meta["by"] = "eve"
		r.Data = append(r.Data, "!"...)
	}
	want := []string{"first by ann", "second by ann"}
	for claim, spoilAll := range map[string]func(*testing.T, *memlog.Log, []stream.Record){
		"what append returned may be changed": func(_ *testing.T, _ *memlog.Log, stored []stream.Record) {
			for i := range stored {
				spoil(&stored[i])
			}
		},
		"what a read handed over may be changed": func(t *testing.T, log *memlog.Log, _ []stream.Record) {
			for _, match := range [][]stream.Match{nil, {{Topic: "users", Key: "ann"}}} {
				err := log.Read(t.Context(), stream.Query{Match: match}, func(block []stream.Record, _ stream.Mark) error {
					for i := range block {
						spoil(&block[i])
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(claim, func(t *testing.T) {
			log := memlog.New()
			spoilAll(t, log, mustAppend(t, log, event("first"), event("second")))
			if diff := cmp.Diff(want, texts(t, log)); diff != "" {
				t.Errorf("the log has changed (- want, + got):\n%s", diff)
			}
		})
	}
}

// Breaks when: a follower waits for a lock instead of the channel, or store
// does not wake.
func TestFollowersWaitInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		ctx, cancel := context.WithCancel(t.Context())
		var at []time.Duration
		began := time.Now()
		ended := make(chan error)
		go func() {
			ended <- log.Read(ctx, stream.Query{Follow: true}, func([]stream.Record, stream.Mark) error {
				at = append(at, time.Since(began))
				return nil
			})
		}()
		for range 3 {
			time.Sleep(time.Hour)
			mustAppend(t, log, event("the hour"))
			synctest.Wait()
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		if diff := cmp.Diff([]time.Duration{0, time.Hour, 2 * time.Hour, 3 * time.Hour}, at); diff != "" {
			t.Errorf("blocks came at other times (- want, + got):\n%s", diff)
		}
	})
}

func TestTimesAreTheClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		time.Sleep(time.Minute)
		got := mustAppend(t, log, event("a"), event("b"))
		for _, r := range got {
			if !r.Time.Equal(time.Now()) {
				t.Errorf("event %d: got %s, want %s", r.Position, r.Time, time.Now())
			}
		}
	})
}

func TestHistoryOfOneInstanceDoesNotLookAtTheOthers(t *testing.T) {
	log := memlog.New()
	for range 5 {
		for range 2000 {
			if _, err := log.Append(t.Context(), stream.ID{Topic: "users", Key: "others"}, stream.AnyVersion, event("noise")); err != nil {
				t.Fatal(err)
			}
		}
		mustAppend(t, log, event("one"))
	}
	blocks, events := 0, 0
	q := stream.Query{Match: []stream.Match{{Topic: "users", Key: "ann"}}}
	err := log.Read(t.Context(), q, func(block []stream.Record, _ stream.Mark) error {
		blocks++
		events += len(block)
		return nil
	})
	if err != nil || blocks != 1 || events != 5 {
		t.Errorf("got %d events in %d blocks (error %v), want 5 in 1", events, blocks, err)
	}
}
