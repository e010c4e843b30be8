package testkit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

const (
	historyCallers   = 6
	historySteps     = 25 // calls of each caller
	historyFollowers = 5  // two from the beginning, the others from the middle on
)

// concurrentHistories checks as many histories as THAW_HISTORIES says, from the
// seed THAW_SEED on, each on a log of its own: 20 if it is not set, thousands in
// a long run.
func concurrentHistories(s *subject) {
	count, first := s.setting("THAW_HISTORIES", 20), s.setting("THAW_SEED", 1)
	calls := 0
	for seed := first; seed < first+count; seed++ {
		h := &history{seed: seed, log: s.open(s.t.TempDir()), beyond: 3, lacks: s.lacks}
		if s.lacks(DensePositions) {
			h.beyond = 1 // where it lies depends on what others append meanwhile
		}
		ctx, cancel := context.WithTimeout(s.t.Context(), patience) // however many there are
		err := h.run(ctx)
		cancel()
		if closing := h.log.Close(); err == nil {
			err = closing
		}
		if err == nil {
			err = h.check()
		}
		if err != nil {
			s.broken("%v\nseed %d; to run it again: THAW_SEED=%d THAW_HISTORIES=1 (the order of the calls varies: more histories may be needed)", err, seed, seed)
		}
		calls += len(h.calls)
	}
	s.t.Logf("%d histories of %d calls and blocks handed to followers, from seed %d", count, calls, first)
}

func (s *subject) setting(name string, value uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return value
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		s.t.Fatalf("%s: got %q, want a number", name, text)
	}
	return n
}

// history is what concurrent callers did to a log and what they got. Ticks order
// beginnings and ends over all callers.
type history struct {
	seed   uint64
	log    Log
	lacks  func(Rule) bool
	beyond uint64 // how far from the head a consumer's place may be, at most, plus 1
	tick   atomic.Int64

	mu    sync.Mutex
	calls []*call
}

// call is one call and its outcome, or one block that a follower was handed.
type call struct {
	caller       int
	began, ended int64
	kind         string // append, read, head, saw, live, save, cursor
	id           stream.ID
	expected     stream.Version
	command      stream.EventID
	sent, got    []stream.Record
	from, at     stream.Position
	consumer     string
	value        string // what save remembers and cursor finds
	known        bool   // whether cursor found a place
	err          error
}

func (h *history) note(c *call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

// run has the callers make their calls while followers read along. At the end
// it reads the whole log once more and waits until every follower has it all.
func (h *history) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var end atomic.Pointer[stream.Cursor]
	failed := make([]error, historyCallers+historyFollowers)
	var callers, followers sync.WaitGroup
	follow := func(i int, from stream.Position) {
		followers.Go(func() { failed[historyCallers+i] = h.follow(ctx, historyCallers+i, from, &end) })
	}
	follow(0, 0)
	follow(1, 0)
	for i := range historyCallers {
		callers.Go(func() { failed[i] = h.act(ctx, i, func(from stream.Position) { follow(i, from) }) })
	}
	callers.Wait()
	// One more event wakes followers that already wait at the head.
	err := h.append(ctx, 0, &call{id: ann, expected: stream.AnyVersion, sent: []stream.Record{record("LAST", "last")}}, func(head stream.Cursor) { end.Store(&head) })
	if err == nil {
		err = h.read(ctx, 0, 0, stream.ID{})
	}
	if err != nil {
		stop()
	}
	followers.Wait()
	return errors.Join(append(failed, err)...)
}

// act makes a caller's calls. Those of some callers begin to follow at one of
// them, from somewhere in what is there.
func (h *history) act(ctx context.Context, caller int, follow func(from stream.Position)) error {
	random := rand.New(rand.NewPCG(h.seed, uint64(caller)+1))
	var seen stream.Version
	var head stream.Position
	follows := 1 + random.IntN(historySteps-1)
	for step := range historySteps {
		var err error
		if step == follows && caller >= 2 && caller < historyFollowers {
			follow(stream.Position(random.Uint64N(uint64(head) + 1)))
		}
		switch n := random.IntN(10); {
		case n < 5:
			c := &call{id: pick(random, modelStreams[:3]), command: stream.EventID{byte(random.IntN(40))}}
			c.expected = pick(random, []stream.Version{stream.AnyVersion, stream.AnyVersion, 0, seen, seen + 1})
			if h.lacks(ExpectedVersion) {
				c.expected = stream.AnyVersion
			}
			if h.lacks(CommandOnce) {
				c.command = stream.EventID{}
			}
			for i := range 1 + random.IntN(3) {
				r := record("SAID", fmt.Sprintf("%d.%d.%d", caller, step, i))
				r.Command = c.command
				c.sent = append(c.sent, r)
			}
			err = h.append(ctx, caller, c, nil)
			if len(c.got) > 0 {
				last := c.got[len(c.got)-1]
				seen, head = last.Version, max(head, last.Position)
			}
			var conflict *stream.ConflictError
			if errors.As(c.err, &conflict) {
				seen = conflict.Actual
			}
		case n < 7:
			err = h.read(ctx, caller, stream.Position(random.Uint64N(uint64(head)+1)), pick(random, []stream.ID{{}, {}, ann, bob, lot}))
		case n < 8:
			c := &call{caller: caller, kind: "head", began: h.tick.Add(1)}
			var at stream.Cursor
			at, err = h.log.Head(ctx)
			c.at, c.ended = at.Position(0), h.tick.Add(1)
			h.note(c)
		default:
			err = h.remember(ctx, caller, step, pick(random, modelConsumers), stream.Position(random.Uint64N(uint64(head)+h.beyond)), random.IntN(2) == 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *history) append(ctx context.Context, caller int, c *call, before func(stream.Cursor)) error {
	if before != nil {
		head, err := h.log.Head(ctx)
		if err != nil {
			return err
		}
		before(stream.At(head.Position(0) + 1))
	}
	c.caller, c.kind, c.began = caller, "append", h.tick.Add(1)
	c.got, c.err = h.log.Append(ctx, c.id, c.expected, c.sent...)
	c.ended = h.tick.Add(1)
	h.note(c)
	var conflict *stream.ConflictError
	var reused *stream.CommandReusedError
	if c.err == nil || errors.As(c.err, &conflict) || errors.As(c.err, &reused) {
		return nil
	}
	return fmt.Errorf("append to %s: %w", c.id, c.err)
}

// read reads one instance, or the whole log if id is zero.
func (h *history) read(ctx context.Context, caller int, from stream.Position, id stream.ID) error {
	c := &call{caller: caller, kind: "read", from: from, id: id, began: h.tick.Add(1)}
	p := &tape{query: stream.Query{From: stream.At(from)}}
	if id.Topic != "" {
		p.query.Match = []stream.Match{{Topic: id.Topic, Key: id.Key}}
	}
	err := h.log.Read(ctx, p.query, p.take)
	c.got, c.at, c.ended = p.records, p.last().At.Position(0), h.tick.Add(1)
	h.note(c)
	return err
}

// follow reads along from a place on until it has reached end.
func (h *history) follow(ctx context.Context, caller int, from stream.Position, end *atomic.Pointer[stream.Cursor]) error {
	p := &tape{query: stream.Query{From: stream.At(from), Follow: true}}
	began, live := h.tick.Add(1), false
	err := h.log.Read(ctx, p.query, func(block []stream.Record, m stream.Mark) error {
		before := max(from, p.last().At.Position(0))
		now := h.tick.Add(1)
		if err := p.take(block, m); err != nil {
			return err
		}
		h.note(&call{caller: caller, kind: "saw", began: now, ended: h.tick.Add(1), from: before, at: m.At.Position(0), got: p.records[len(p.records)-len(block):]})
		if m.Live && !live {
			live = true
			h.note(&call{caller: caller, kind: "live", began: began, ended: h.tick.Add(1), at: m.At.Position(0)})
		}
		if last := end.Load(); last != nil && m.At.Reached(*last) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return fmt.Errorf("follow: %w", err)
}

// remember saves a consumer's place, and the value that goes with it, or looks
// at the place.
func (h *history) remember(ctx context.Context, caller, step int, name string, to stream.Position, save bool) error {
	c := &call{caller: caller, consumer: name, at: to, began: h.tick.Add(1)}
	if save {
		c.kind, c.value = "save", fmt.Sprintf("%d.%d", caller, step)
		if h.lacks(CheckpointTogether) {
			c.err = h.log.SaveCursor(ctx, name, stream.At(to))
		} else {
			c.err = h.log.Checkpoint(ctx, name, stream.At(to), change("k", c.value))
		}
		c.ended = h.tick.Add(1)
		h.note(c)
		var backwards *stream.BackwardsError
		if c.err == nil || errors.As(c.err, &backwards) {
			return nil
		}
		return c.err
	}
	c.kind = "cursor"
	place, known, err := h.log.Cursor(ctx, name)
	c.at, c.known, c.ended = place.Position(0), known, h.tick.Add(1)
	h.note(c)
	if err != nil || h.lacks(CheckpointTogether) {
		return err
	}
	v := &call{caller: caller, kind: "state", consumer: name, began: h.tick.Add(1)}
	value, known, err := h.log.State(ctx, name, "k")
	v.value, v.known, v.ended = string(value), known, h.tick.Add(1)
	h.note(v)
	return err
}
