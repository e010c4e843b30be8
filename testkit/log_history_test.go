package testkit

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// late hides the newest event from finite reads.
func late(f *faulty) {
	f.read = func(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
		head, err := f.Log.Head(ctx)
		if err != nil {
			return err
		}
		if p := head.Position(0); !q.Follow && p > q.From.Position(0)+1 {
			q.To = stream.At(p - 1)
		}
		return f.Log.Read(ctx, q, emit)
	}
}

// unlocked compares the expected version before it appends, not while.
func unlocked(f *faulty) {
	f.append = func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
		var version stream.Version
		q := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}
		err := f.Log.Read(ctx, q, func(block []stream.Record, _ stream.Mark) error {
			version += stream.Version(len(block))
			return nil
		})
		if err != nil {
			return nil, err
		}
		runtime.Gosched()
		if version == expected {
			expected = stream.AnyVersion
		}
		return f.Log.Append(ctx, id, expected, list...)
	}
}

// forgetful does not remember commands.
func forgetful(f *faulty) {
	f.append = func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
		for i := range list {
			list[i].Command = stream.EventID{}
		}
		return f.Log.Append(ctx, id, expected, list...)
	}
}

// skipping leaves the second event out of long blocks.
func skipping(f *faulty) {
	f.read = func(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
		return f.Log.Read(ctx, q, func(block []stream.Record, m stream.Mark) error {
			if len(block) > 2 {
				block = append(block[:1:1], block[2:]...)
			}
			return emit(block, m)
		})
	}
}

// leaking stores what it refuses.
func leaking(f *faulty) {
	f.append = func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
		got, err := f.Log.Append(ctx, id, expected, list...)
		if err != nil {
			_, _ = f.Log.Append(ctx, id, stream.AnyVersion, list...)
		}
		return got, err
	}
}

// losing drops every third checkpoint.
func losing(f *faulty) {
	var calls atomic.Int64
	f.checkpoint = func(ctx context.Context, name string, at stream.Cursor, changes []stream.Change) error {
		if calls.Add(1)%3 == 0 {
			return nil
		}
		return f.Log.Checkpoint(ctx, name, at, changes...)
	}
}

func TestHistoriesFindWhatIsBroken(t *testing.T) {
	for _, c := range []struct {
		claim string
		fault func(*faulty)
		want  string
	}{
		{"an acknowledged append that reads do not see yet", late, "a read sees all that was acknowledged"},
		{"an expected version that is compared outside the lock", unlocked, "an append is stored at the version that it expects"},
		{"a command that is stored twice", forgetful, "a command takes effect once"},
		{"a read that skips an event", skipping, "every event is seen once, in order"},
		{"a refused append that is seen", leaking, "only what was acknowledged is seen"},
		{"positions that are not dense", sparse, "positions are dense"},
		{"a checkpoint that is lost", losing, "a consumer's place and state are the last that were saved"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			for seed := uint64(1); seed <= 300; seed++ {
				f := newFaulty(memlog.New())
				c.fault(f)
				h := &history{seed: seed, log: f, beyond: 3, lacks: func(Rule) bool { return false }}
				err := h.run(t.Context())
				if err == nil {
					err = h.check()
				}
				if err == nil {
					continue
				}
				if !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("got %v, want an error that begins with %q", err, c.want)
				}
				t.Logf("seed %d: %v", seed, err)
				return
			}
			t.Error("nothing was found in 300 histories")
		})
	}
}
