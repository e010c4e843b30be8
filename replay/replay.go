package replay

import (
	"context"
	"errors"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/internal/origin"
	"github.com/thaw-go/thaw/stream"
)

// Bound ends a cold source before the head.
type Bound struct {
	to stream.Cursor
	at time.Time
}

// UpTo ends the source at a place, inclusive: the log as it was then.
func UpTo(c stream.Cursor) Bound { return Bound{to: c} }

// AsOf ends the source after the last event that had been appended at that
// time. Times never go back within a shard, so this is a prefix of the log.
func AsOf(t time.Time) Bound { return Bound{at: t} }

// Cold is the topic's history up to the head at subscription, or up to the
// earliest bound; then it completes.
func Cold[E any](log stream.Log, topic *stream.Topic[E], bounds ...Bound) stream.Source[stream.Cold, E] {
	return history(log, topic, "", bounds)
}

// History is the history of one instance, as [Cold] is of all. It is how an
// aggregate is loaded. An instance that does not exist has no events; a key that
// can not be is a [*stream.InvalidError].
func History[E any](log stream.Log, topic *stream.Topic[E], key string, bounds ...Bound) stream.Source[stream.Cold, E] {
	id := stream.ID{Topic: "any", Key: key}
	if err := id.Validate(); err != nil {
		return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[*stream.Event[E]] {
			return func(context.Context, func(*stream.Event[E]) error) error { return err }
		})
	}
	return history(log, topic, key, bounds)
}

func history[E any](log stream.Log, topic *stream.Topic[E], key string, bounds []Bound) stream.Source[stream.Cold, E] {
	return source[stream.Cold](log, topic, func(ctx context.Context, r *reading[E]) error {
		head, err := log.Head(ctx)
		if err != nil {
			return err
		}
		if err := engine.CheckFrom(r.query.From, head); err != nil {
			return err
		}
		r.query.Match, r.query.To = topic.Match(key), head
		for _, b := range bounds {
			r.bound(b)
		}
		return nil
	})
}

// ColdHot is all of the topic's history, then everything new. It never ends.
func ColdHot[E any](log stream.Log, topic *stream.Topic[E]) stream.Source[stream.ColdHot, E] {
	return source[stream.ColdHot](log, topic, func(_ context.Context, r *reading[E]) error {
		r.query.Match, r.query.Follow = topic.Match(""), true
		return nil
	})
}

// Hot is what is appended to the topic after its consumer first came online. It
// never ends. The consumer's name is given by the sink, when it subscribes; the
// log must then keep cursors, or the error is a [*stream.NotDurableError].
func Hot[E any](log stream.Log, topic *stream.Topic[E]) stream.Source[stream.Hot, E] {
	return source[stream.Hot](log, topic, func(ctx context.Context, r *reading[E]) error {
		r.query.Match, r.query.Follow = topic.Match(""), true
		if r.placed {
			return nil
		}
		head, err := log.Head(ctx)
		if err != nil {
			return err
		}
		r.query.From = head
		return r.save(ctx, head)
	})
}

// reading is one subscription to a log.
type reading[E any] struct {
	log       stream.Log
	topic     *stream.Topic[E]
	sub       stream.Subscription
	consumers stream.Consumers // nil unless the consumer has a name
	query     stream.Query
	placed    bool          // the consumer has been here before, or says where to begin
	asOf      time.Time     // zero: no such bound
	cost      time.Duration // of decoding one event, as measured last
}

func source[K stream.Kind, E any](log stream.Log, topic *stream.Topic[E], begin func(context.Context, *reading[E]) error) stream.Source[K, E] {
	if log == nil || topic == nil {
		return stream.Source[K, E]{}
	}
	var kind any = *new(K)
	_, hot := kind.(stream.Hot)
	of := &origin.Of{Log: log, Hot: hot}
	return stream.New[K](of, func(sub stream.Subscription) stream.Run[*stream.Event[E]] {
		return func(ctx context.Context, emit func(*stream.Event[E]) error) error {
			r := &reading[E]{log: log, topic: topic, sub: sub}
			release, err := r.place(ctx)
			if err != nil {
				return err
			}
			defer release()
			if err := begin(ctx, r); err != nil {
				return err
			}
			return r.run(ctx, emit)
		}
	})
}

// place claims a named consumer and finds where it stopped.
func (r *reading[E]) place(ctx context.Context) (release func(), err error) {
	release = func() {}
	if r.sub.From != nil {
		r.query.From, r.placed = *r.sub.From, true
	}
	if r.sub.Consumer == "" {
		return release, nil
	}
	consumers, ok := r.log.(stream.Consumers)
	if !ok {
		return nil, &stream.NotDurableError{Consumer: r.sub.Consumer}
	}
	if release, err = consumers.Claim(ctx, r.sub.Consumer); err != nil {
		return nil, err
	}
	r.consumers = consumers
	if r.placed {
		return release, nil
	}
	r.query.From, r.placed, err = consumers.Cursor(ctx, r.sub.Consumer)
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// save stores a named consumer's first place.
func (r *reading[E]) save(ctx context.Context, at stream.Cursor) error {
	if r.consumers == nil {
		return nil
	}
	return r.consumers.SaveCursor(ctx, r.sub.Consumer, at)
}

func (r *reading[E]) bound(b Bound) {
	if !b.at.IsZero() {
		if r.asOf.IsZero() || b.at.Before(r.asOf) {
			r.asOf = b.at
		}
		return
	}
	r.query.To = earlier(r.query.To, b.to)
}

// earlier is the place that both cursors have reached, shard by shard. Logs of
// one shard are the only ones here whose heads can be bounded so far.
func earlier(a, b stream.Cursor) stream.Cursor {
	if a.Reached(b) {
		return b
	}
	return a
}

// errPast ends a read whose events have passed an AsOf bound.
var errPast = errors.New("replay: past the bound")

func (r *reading[E]) run(ctx context.Context, emit func(*stream.Event[E]) error) error {
	if !r.query.Follow && r.query.From.Reached(r.query.To) {
		return r.mark(stream.Mark{At: r.query.From, Head: r.query.To, Live: true})
	}
	past, at := false, r.query.From
	err := r.log.Read(ctx, r.query, func(records []stream.Record, m stream.Mark) error {
		if n := r.within(records); n < len(records) {
			records, past = records[:n], true
		}
		if err := r.deliver(records, emit); err != nil {
			return err
		}
		if past && len(records) > 0 {
			at = records[len(records)-1].Cursor()
		}
		if past {
			return errPast
		}
		at = m.At
		return r.mark(m)
	})
	if past && errors.Is(err, errPast) {
		return r.mark(stream.Mark{At: at, Head: r.query.To, Live: true})
	}
	return err
}

// within counts the records before an AsOf bound.
func (r *reading[E]) within(records []stream.Record) int {
	if r.asOf.IsZero() {
		return len(records)
	}
	for i := range records {
		if records[i].Time.After(r.asOf) {
			return i
		}
	}
	return len(records)
}

func (r *reading[E]) mark(m stream.Mark) error {
	if r.sub.Mark == nil {
		return nil
	}
	return r.sub.Mark(m)
}
