package operators

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// trailLength is how many footprints a view keeps at most.
const trailLength = 256

// trail is where a state has been, as digests of it at marks: what [View.Verify]
// finds the place by at which the state went wrong.
type trail struct {
	every int // items between two; 0: only those that a snapshot leaves
	since int // items since the last one
	marks []footprint
}

// footprint is what a state was at a place. Its fields are exported for a snapshot.
type footprint struct {
	At     stream.Cursor
	Digest string
}

func (t *trail) due() bool { return t.every > 0 && t.since >= t.every }

// add leaves a footprint. If there are too many, every other one of the older half
// goes: the way back is known the better the shorter it is.
func (t *trail) add(at stream.Cursor, state []byte) {
	t.since = 0
	if n := len(t.marks); n > 0 && t.marks[n-1].At.Equal(at) {
		return
	}
	if len(t.marks) == trailLength {
		thin := t.marks[:0]
		for i, m := range t.marks {
			if i >= trailLength/2 || i%2 == 1 {
				thin = append(thin, m)
			}
		}
		t.marks = thin
	}
	t.marks = append(t.marks, footprint{at, digest(state)})
}

func digest(state []byte) string {
	sum := sha256.Sum256(state)
	return hex.EncodeToString(sum[:12])
}

// Trail makes the view's runs note a digest of the state at the first mark after
// each so many items, 256 of them at most and the newer the denser, so that
// [View.Verify] can say where a state went wrong. Each costs as much as encoding
// the state. It returns the view; call it before Run.
func (v *View[T, S]) Trail(every int) *View[T, S] {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trail.every = max(every, 0)
	return v
}

// stand is a state at a mark, encoded.
type stand struct {
	state []byte
	at    stream.Cursor
	trail []footprint
	err   error
}

// standing is how the state stands. The lock is held, and the state is at a mark.
func (v *View[T, S]) standing() stand {
	state, err := v.encode()
	return stand{state, v.at, append([]footprint(nil), v.trail.marks...), err}
}

// broken says that the state is at no mark, and never will be.
func (v *View[T, S]) broken() error {
	return fmt.Errorf("%w: %s: its state is at no mark: %d items after %s: %w", ErrViewEnded, v.name, v.loose, v.at, v.run.ended)
}

// stands waits until the state is at a mark. In the middle of a block that is soon.
func (v *View[T, S]) stands(ctx context.Context) (stand, error) {
	told := make(chan stand, 1) // has room: nobody waits for who has gone
	v.mu.Lock()
	switch {
	case v.loose == 0:
		told <- v.standing()
	case v.run.ended != nil:
		told <- stand{err: v.broken()}
	default:
		v.asked = append(v.asked, told)
	}
	v.mu.Unlock()
	select {
	case s := <-told:
		return s, s.err
	case <-ctx.Done():
		return stand{}, ctx.Err()
	}
}

// encode is the state as the view's codec writes it. The lock is held, or it is the
// run that asks.
func (v *View[T, S]) encode() ([]byte, error) { return v.encoded(v.codec(), v.state) }

// encoded is any state of the view, as a codec writes it.
func (v *View[T, S]) encoded(codec stream.Codec, state S) (data []byte, err error) {
	in := true
	defer stream.Contain("view "+v.name+": the codec", &in, &err)
	if data, err = codec.Marshal(state); err != nil {
		return nil, fmt.Errorf("operators: view %s: encode its state: %w", v.name, err)
	}
	return data, nil
}

func (v *View[T, S]) codec() stream.Codec {
	if v.snapshots != nil && v.snapshots.Codec != nil {
		return v.snapshots.Codec
	}
	return stream.JSON
}
