package memlog

import (
	"context"
	"maps"
	"slices"
	"sort"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// The most that one block covers.
const (
	blockEvents = 1000
	blockBytes  = 1 << 20 // exceeded by one payload at most
)

// Read hands over the selected events block by block, as [stream.Log] says.
func (l *Log) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	r, err := l.begin(ctx, q)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		v, err := r.look(ctx, first)
		if err != nil {
			return err
		}
		records := r.block(v)
		mark := stream.Mark{At: stream.At(stream.Position(r.at)), Head: stream.At(stream.Position(v.end)), Live: r.at >= r.liveAt}
		if err := emit(records, mark); err != nil {
			return err
		}
		if !q.Follow && r.at >= v.end {
			return nil
		}
	}
}

// reader is one read. Places are counted in events from the log's beginning:
// records[at] is the next one to look at.
type reader struct {
	log    *Log
	query  stream.Query
	one    stream.ID // the only stream that is read; zero: the whole log
	at     int       // everything before this has been handed over
	liveAt int       // from here on, marks are live
	end    int       // where a finite read ends

	records []stream.Record // the block, used again for the next
	data    []byte          // its payloads
}

// view is what a reader sees at one moment. It does not change afterwards: an
// append writes behind what is seen here.
type view struct {
	records []stream.Record
	stream  []int // where in records the events of the reader's only stream are
	end     int   // the reader may go up to here
}

func (l *Log) begin(ctx context.Context, q stream.Query) (*reader, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	if err := engine.CheckFrom(q.From, l.head()); err != nil {
		return nil, err
	}
	r := &reader{log: l, query: q, at: int(q.From.Position(0)), end: len(l.records)}
	if !q.Follow && !q.To.IsZero() {
		r.end = max(r.at, int(min(q.To.Position(0), stream.Position(r.end))))
	}
	r.liveAt = r.end
	r.one = instance(q.Match)
	return r, nil
}

// instance is the one stream that is selected; zero if it is not only one.
func instance(match []stream.Match) stream.ID {
	if len(match) != 1 || match[0].Topic == "" || match[0].Key == "" {
		return stream.ID{}
	}
	return stream.ID{Topic: match[0].Topic, Key: match[0].Key}
}

// look returns what there is to hand over. The first look returns at once;
// later ones wait until there is something.
func (r *reader) look(ctx context.Context, first bool) (view, error) {
	for {
		if err := r.log.enter(ctx); err != nil {
			return view{}, err
		}
		if err := r.missing(); err != nil {
			r.log.mu.Unlock()
			return view{}, err
		}
		v := view{records: r.log.records, end: r.end}
		if r.one.Topic != "" {
			v.stream = r.log.streams[r.one]
		}
		if r.query.Follow {
			v.end = len(v.records)
		}
		grown := r.log.grown
		r.log.mu.Unlock()
		if first || r.at < v.end {
			return v, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
		}
	}
}

// block copies the next selected events and moves the reader behind them.
func (r *reader) block(v view) []stream.Record {
	r.records, r.data = r.records[:0], r.data[:0]
	if r.one.Topic != "" {
		r.oneStream(v)
		return r.records
	}
	for n := 0; n < blockEvents && r.at < v.end && len(r.data) < blockBytes; n++ {
		r.take(&v.records[r.at])
		r.at++
	}
	return r.records
}

// oneStream is block by way of a stream's own list of events.
func (r *reader) oneStream(v view) {
	next := sort.SearchInts(v.stream, r.at)
	for n := 0; n < blockEvents && len(r.data) < blockBytes; n++ {
		if next == len(v.stream) || v.stream[next] >= v.end {
			r.at = v.end
			return
		}
		r.take(&v.records[v.stream[next]])
		r.at = v.stream[next] + 1
		next++
	}
}

// take copies the record into the block if it is selected.
func (r *reader) take(rec *stream.Record) {
	if !r.query.Accepts(rec.Stream.Topic, rec.Stream.Key, rec.Type, rec.Tags) {
		return
	}
	begin := len(r.data)
	r.data = append(r.data, rec.Data...)
	c := *rec
	c.Data = r.data[begin:len(r.data):len(r.data)]
	c.Meta, c.Tags = maps.Clone(rec.Meta), slices.Clone(rec.Tags)
	r.records = append(r.records, c)
}
