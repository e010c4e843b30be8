package replay

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Decoding a block costs more than all else that a replay does, if its payloads are
// JSON. A block that is long and costly enough is decoded on all cores: an
// earlier one told what an event costs; it is divided into shares, and whoever is free
// takes the next. The subscriber's goroutine hands over what is ready, in order, and
// decodes whenever it would have to wait. No goroutine outlives its block.
const (
	share     = 16                    // events
	worthIt   = 40 * time.Microsecond // what a block must cost
	mostCores = 16
)

// deliver decodes a block into a slab of its own and hands it over.
func (r *reading[E]) deliver(records []stream.Record, emit func(*stream.Event[E]) error) error {
	if len(records) == 0 {
		return nil
	}
	slab := make([]stream.Event[E], 0, len(records)) // one for each, unless a name was retired
	switch {
	case len(records) <= 2*share || runtime.GOMAXPROCS(0) == 1:
		return r.deliverAlone(records, slab, emit)
	case r.cost*time.Duration(len(records)) >= worthIt:
		return r.deliverTogether(records, slab, emit)
	}
	began := time.Now()
	for i := range share {
		var err error
		if slab, err = r.topic.DecodeAll(&records[i], slab); err != nil {
			if err := hand(slab, emit); err != nil {
				return err
			}
			return r.goOn(records[i:], slab[len(slab):], err, emit)
		}
	}
	r.cost = time.Since(began) / share
	if err := hand(slab, emit); err != nil {
		return err
	}
	return r.deliverAlone(records[share:], slab[len(slab):], emit)
}

func hand[E any](events []stream.Event[E], emit func(*stream.Event[E]) error) error {
	for i := range events {
		if err := emit(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading[E]) deliverAlone(records []stream.Record, slab []stream.Event[E], emit func(*stream.Event[E]) error) error {
	for i := range records {
		var err error
		handed := len(slab)
		if slab, err = r.topic.DecodeAll(&records[i], slab); err != nil {
			return r.goOn(records[i:], slab, err, emit)
		}
		if err := hand(slab[handed:], emit); err != nil {
			return err
		}
	}
	return nil
}

// goOn asks the subscriber about the first of the records, which could not be decoded,
// and delivers the others.
func (r *reading[E]) goOn(records []stream.Record, slab []stream.Event[E], why error, emit func(*stream.Event[E]) error) error {
	if r.sub.Undecoded == nil {
		return why
	}
	if err := r.sub.Undecoded(records[0].Header, why); err != nil {
		return err
	}
	return r.deliverAlone(records[1:], slab, emit)
}

// decoders are those that help with the blocks of all subscribers of the process:
// one fewer than there are cores, however many subscribers there are.
var decoders atomic.Int32

// shares are the parts of one block.
type shares[E any] struct {
	topic   *stream.Topic[E]
	records []stream.Record
	slab    []stream.Event[E] // has room for one event of each record
	results []result[E]
	next    atomic.Int64 // the share to be taken next
	ready   chan int     // shares that are decoded, in any order; has room for all
}

// result is how far a share was decoded, and why no further.
type result[E any] struct {
	done   bool // the subscriber's goroutine has heard of it
	events []stream.Event[E]
	err    error
	failed int // the record that err is of
}

func (r *reading[E]) deliverTogether(records []stream.Record, slab []stream.Event[E], emit func(*stream.Event[E]) error) error {
	count := (len(records) + share - 1) / share
	s := &shares[E]{topic: r.topic, records: records, slab: slab, results: make([]result[E], count), ready: make(chan int, count)}
	var others sync.WaitGroup
	cores := min(runtime.GOMAXPROCS(0), mostCores)
	for range min(cores, count) - 1 {
		if decoders.Add(1) >= int32(cores) { // others' blocks have all cores
			decoders.Add(-1)
			break
		}
		others.Go(func() { // ends when all shares are taken; waited for below
			defer decoders.Add(-1)
			for s.decodeNext() {
			}
		})
	}
	defer others.Wait() // they read records that are the log's again once we return
	defer s.next.Store(int64(count))
	for i := range count {
		for !s.results[i].done {
			if !s.decodeNext() { // all are taken
				s.results[<-s.ready].done = true
			}
			s.hear()
		}
		if err := hand(s.results[i].events, emit); err != nil {
			return err
		}
		if err := s.results[i].err; err != nil {
			failed, to := s.results[i].failed, min((i+1)*share, len(records))
			if err := r.goOn(records[failed:to], nil, err, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// hear notes which shares have become ready.
func (s *shares[E]) hear() {
	for {
		select {
		case i := <-s.ready:
			s.results[i].done = true
		default:
			return
		}
	}
}

// errVanished stands for a codec that ended its goroutine.
var errVanished = errors.New("replay: decoding ended its goroutine (runtime.Goexit) instead of returning")

// decodeNext decodes the next share; false if all are taken.
func (s *shares[E]) decodeNext() bool {
	i := int(s.next.Add(1)) - 1
	if i >= len(s.results) {
		return false
	}
	result := &s.results[i] // ours until it is ready
	result.err, result.failed = errVanished, i*share
	defer func() { s.ready <- i }()
	from, to := i*share, min((i+1)*share, len(s.records))
	result.events = s.slab[from:from:to] // what does not fit there grows elsewhere
	for at := from; at < to; at++ {
		var err error
		if result.events, err = s.topic.DecodeAll(&s.records[at], result.events); err != nil {
			result.err, result.failed = err, at
			return true
		}
	}
	result.err = nil
	return true
}
