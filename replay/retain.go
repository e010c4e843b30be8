package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Retention says which events a log keeps. At least one of Age and Events must be
// set; what either of them keeps is kept.
type Retention struct {
	// Age keeps the events that were appended at most so long ago.
	Age time.Duration
	// Events keeps so many of the newest events.
	Events uint64
	// Consumers keeps what any of these durable consumers has not passed yet; one
	// that has no place in the log keeps everything.
	Consumers []string
	// Places keeps what comes after any of these, such as where views and backups
	// have come to, and before the first event that a view has parked.
	Places []stream.Cursor
}

// Retained is a log whose history can be removed, as [Retain] needs it.
type Retained interface {
	stream.Log
	stream.Truncater
	stream.Consumers
}

// Retain removes the events that a retention does not keep, up to somewhat before
// them, and returns up to where events are gone. It reads a few single events to find
// the place, as times never go back. What is removed can be had from a backup alone;
// instances and views that began before need a snapshot from then on. It is for logs
// of one shard. It returns an error for a retention that keeps nothing, and what the log returns.
func Retain(ctx context.Context, log Retained, r Retention) (stream.Cursor, error) {
	if r.Age <= 0 && r.Events == 0 {
		return stream.Cursor{}, errors.New("replay: a retention by neither age nor number of events would keep nothing")
	}
	head, err := log.Head(ctx)
	if err != nil {
		return stream.Cursor{}, err
	}
	cut := head.Position(0)
	if r.Events > 0 {
		cut -= min(cut, stream.Position(r.Events))
	}
	for _, name := range r.Consumers {
		at, known, err := log.Cursor(ctx, name)
		if err != nil {
			return stream.Cursor{}, fmt.Errorf("replay: retain what consumer %s needs: %w", name, err)
		}
		if !known {
			cut = 0
		}
		cut = min(cut, at.Position(0))
	}
	for _, at := range r.Places {
		cut = min(cut, at.Position(0))
	}
	if r.Age > 0 {
		if cut, err = olderThan(ctx, log, time.Now().Add(-r.Age), cut); err != nil {
			return stream.Cursor{}, err
		}
	}
	return log.Truncate(ctx, stream.At(cut))
}

// olderThan is the last position up to a limit whose event was appended before a
// time; 0 if there is none.
func olderThan(ctx context.Context, log stream.Log, t time.Time, limit stream.Position) (stream.Position, error) {
	low, high := stream.Position(0), limit // low is older or 0, what is behind high is not
	for low < high {
		middle := low + (high-low+1)/2
		older, err := isOlder(ctx, log, middle, t)
		if err != nil {
			return 0, err
		}
		if older {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}

// isOlder reports whether the event at a position was appended before a time. One
// that was removed is older than what is left.
func isOlder(ctx context.Context, log stream.Log, at stream.Position, t time.Time) (older bool, err error) {
	err = log.Read(ctx, stream.Query{From: stream.At(at - 1), To: stream.At(at)}, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			older = records[i].Time.Before(t)
		}
		return nil
	})
	if _, gone := errors.AsType[*stream.TruncatedError](err); gone {
		return true, nil
	}
	return older, err
}
