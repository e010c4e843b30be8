package testkit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// withoutGaps shows a log whose positions have gaps as one whose events are
// numbered from 1, so that every promise but density can be tested as it is: a
// place means how many events lie before it. The numbers are learnt by reading.
func withoutGaps(log Log) Log {
	return (&gapless{Log: log, known: &numbers{}}).asAble()
}

// asAble is the view with the methods that the log has beside a [Log]'s.
func (g *gapless) asAble() Log {
	_, truncates := g.Log.(stream.Truncater)
	_, multi := g.Log.(stream.MultiStore)
	switch {
	case truncates && multi:
		return gaplessBoth{gaplessTruncater{g}, gaplessMulti{g}, g}
	case truncates:
		return gaplessTruncater{g}
	case multi:
		return gaplessMulti{g}
	}
	return g
}

// numbers are where the events of a log are.
type numbers struct {
	mu sync.Mutex
	at []stream.Position // of each event, in order
	to stream.Position   // every event up to here is in at
}

type gapless struct {
	Log
	known *numbers
}

// reopened is the view of the same log, opened again.
func (g *gapless) reopened(log Log) Log {
	return (&gapless{Log: log, known: g.known}).asAble()
}

// learn reads on until every event up to a position is known. Who waits for the
// lock meanwhile waits for a read, never for a caller's function.
func (g *gapless) learn(ctx context.Context, upTo stream.Position) error {
	n := g.known
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to >= upTo {
		return nil
	}
	err := g.Log.Read(context.WithoutCancel(ctx), stream.Query{From: stream.At(n.to)}, func(block []stream.Record, m stream.Mark) error {
		for i := range block {
			p := block[i].Position
			if len(n.at) > 0 && p <= n.at[len(n.at)-1] {
				return fmt.Errorf("position %d is read behind position %d", p, n.at[len(n.at)-1])
			}
			n.at = append(n.at, p)
		}
		n.to = m.At.Position(0)
		return nil
	})
	if err == nil && n.to < upTo {
		return fmt.Errorf("the log told of position %d, but a read ends at %d", upTo, n.to)
	}
	return err
}

// count is how many events there are up to a place.
func (g *gapless) count(ctx context.Context, place stream.Cursor) (stream.Cursor, error) {
	p := place.Position(0)
	if err := g.learn(ctx, p); err != nil {
		return stream.Cursor{}, err
	}
	g.known.mu.Lock()
	defer g.known.mu.Unlock()
	return at(sort.Search(len(g.known.at), func(i int) bool { return g.known.at[i] > p })), nil
}

// place is where the log has its n first events behind it; as far past the head
// as n is past their number.
func (g *gapless) place(ctx context.Context, n stream.Cursor) (stream.Cursor, error) {
	if !stream.At(n.Position(0)).Equal(n) {
		return n, nil // of more than one shard: past every head
	}
	for learnt := false; ; learnt = true {
		g.known.mu.Lock()
		have, to := stream.Position(len(g.known.at)), g.known.to
		var p stream.Position
		if k := n.Position(0); k > 0 && k <= have {
			p = g.known.at[k-1]
		} else if k > have {
			p = to + k - have
		}
		g.known.mu.Unlock()
		if learnt || n.Position(0) <= have {
			return stream.At(p), nil
		}
		head, err := g.Log.Head(ctx)
		if err != nil {
			return stream.Cursor{}, err
		}
		if err := g.learn(ctx, head.Position(0)); err != nil {
			return stream.Cursor{}, err
		}
	}
}

// counted are the records with their numbers.
func (g *gapless) counted(ctx context.Context, list []stream.Record) ([]stream.Record, error) {
	list = slices.Clone(list)
	for i := range list {
		n, err := g.count(ctx, stream.At(list[i].Position))
		if err != nil {
			return nil, err
		}
		list[i].Position = n.Position(0)
	}
	return list, nil
}

// told is an error with the places in it counted.
func (g *gapless) told(ctx context.Context, err error, asked stream.Cursor) error {
	var backwards *stream.BackwardsError
	var gone *stream.TruncatedError
	var condition *stream.ConditionError
	var failed [3]error
	switch {
	case errors.As(err, &backwards):
		told := *backwards
		told.Asked = asked
		told.Saved, failed[0] = g.count(ctx, backwards.Saved)
		told.Head, failed[1] = g.count(ctx, backwards.Head)
		err = &told
	case errors.As(err, &gone):
		told := *gone
		told.From = asked
		told.Cut, failed[2] = g.count(ctx, gone.Cut)
		err = &told
	case errors.As(err, &condition):
		told := *condition
		told.Condition.After, failed[0] = g.count(ctx, condition.Condition.After)
		told.Found, failed[1] = g.count(ctx, condition.Found)
		err = &told
	}
	if also := errors.Join(failed[:]...); also != nil {
		return also
	}
	return err
}

func (g *gapless) Head(ctx context.Context) (stream.Cursor, error) {
	head, err := g.Log.Head(ctx)
	if err != nil {
		return head, err
	}
	return g.count(ctx, head)
}

func (g *gapless) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	stored, err := g.Log.Append(ctx, id, expected, records...)
	if err != nil {
		return stored, err
	}
	return g.counted(ctx, stored)
}

func (g *gapless) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	asked := q.From
	var err error
	if q.From, err = g.place(ctx, q.From); err != nil {
		return err
	}
	if !q.To.IsZero() {
		if q.To, err = g.place(ctx, q.To); err != nil {
			return err
		}
	}
	return g.told(ctx, g.Log.Read(ctx, q, func(block []stream.Record, m stream.Mark) (err error) {
		if block, err = g.counted(ctx, block); err != nil {
			return err
		}
		if m.At, err = g.count(ctx, m.At); err != nil {
			return err
		}
		if m.Head, err = g.count(ctx, m.Head); err != nil {
			return err
		}
		return emit(block, m)
	}), asked)
}

func (g *gapless) Cursor(ctx context.Context, name string) (stream.Cursor, bool, error) {
	saved, known, err := g.Log.Cursor(ctx, name)
	if err != nil || !known {
		return saved, known, err
	}
	saved, err = g.count(ctx, saved)
	return saved, known, err
}

func (g *gapless) SaveCursor(ctx context.Context, name string, to stream.Cursor) error {
	place, err := g.place(ctx, to)
	if err != nil {
		return err
	}
	return g.told(ctx, g.Log.SaveCursor(ctx, name, place), to)
}

func (g *gapless) Checkpoint(ctx context.Context, name string, to stream.Cursor, changes ...stream.Change) error {
	place, err := g.place(ctx, to)
	if err != nil {
		return err
	}
	return g.told(ctx, g.Log.Checkpoint(ctx, name, place, changes...), to)
}

// gaplessTruncater is the view of a log that can be truncated.
type gaplessTruncater struct{ *gapless }

func (g gaplessTruncater) Truncate(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
	if _, err := g.Head(ctx); err != nil { // what is removed can not be learnt later
		return stream.Cursor{}, err
	}
	place, err := g.place(ctx, upTo)
	if err != nil {
		return stream.Cursor{}, err
	}
	cut, err := g.Log.(stream.Truncater).Truncate(ctx, place)
	if err != nil {
		return cut, err
	}
	return g.count(ctx, cut)
}

// gaplessMulti is the view of a log that appends to several streams at once.
type gaplessMulti struct{ *gapless }

func (g gaplessMulti) AppendAll(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
	b.Conditions = slices.Clone(b.Conditions)
	for i := range b.Conditions {
		place, err := g.place(ctx, b.Conditions[i].After)
		if err != nil {
			return nil, err
		}
		b.Conditions[i].After = place
	}
	stored, err := g.Log.(stream.MultiStore).AppendAll(ctx, b)
	if err != nil {
		return stored, g.told(ctx, err, stream.Cursor{})
	}
	return g.counted(ctx, stored)
}

// gaplessBoth is the view of a log that can do both.
type gaplessBoth struct {
	gaplessTruncater
	gaplessMulti
	*gapless
}
