package testkit

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
)

const rememberSeconds = 30

// recalled are n events whose command is remembered for some seconds.
func recalled(command stream.EventID, n int) []stream.Record {
	list := commanded(command, n)
	for i := range list {
		list[i].ID, list[i].Remember = stream.EventID{}, rememberSeconds
	}
	return list
}

// inVirtualTime calls check with a log of its own, in a bubble of virtual time.
func (s *subject) inVirtualTime(check func(*subject)) {
	s.t.Helper()
	t, ok := s.t.(*testing.T)
	if !ok {
		s.t.Skip("virtual time needs a *testing.T")
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := *s
		c.t, c.ctx, c.dir = t, ctx, dir
		c.Log = c.open(dir)
		defer func() { c.must(c.Close(), "close") }()
		check(&c)
	})
}

func commandForgotten(s *subject) { s.inVirtualTime((*subject).forgets) }

// forgets sends commands again within their time and after it.
func (s *subject) forgets() {
	forever, single, joint := commanded(stream.NewID(), 1), recalled(stream.NewID(), 2), stream.NewID()
	s.append(bob, forever...)
	first := s.append(ann, single...)
	multi, batches := s.Log.(stream.MultiStore)
	both := anywhere(write(ann, 0, recalled(joint, 1)...), write(lot, 0, recalled(joint, 1)...))
	var together []stream.Record
	if batches {
		together = s.appendAll(both)
	}
	head := s.head()
	for range 3 {
		time.Sleep((rememberSeconds - 3) * time.Second / 3)
		s.sameRecords("a command that comes again within its time", s.append(ann, single...), first)
		if batches {
			s.sameRecords("a batch that comes again within its time", s.appendAll(both), together)
		}
		s.same("the head", s.head(), head)
	}
	time.Sleep(5 * time.Second)
	again := s.append(ann, single...)
	if again[0].Position <= head.Position(0) {
		s.broken("a command that comes again after its time: got position %d, want a new one", again[0].Position)
	}
	s.sameRecords("the command, once more", s.append(ann, single...), again)
	if batches {
		stored, err := multi.AppendAll(s.ctx, anywhere(write(lot, 0, recalled(joint, 1)...), write(bob, 0, recalled(joint, 1)...)))
		s.must(err, "a command on other streams after its time")
		if stored[0].Position <= again[0].Position {
			s.broken("a batch that comes again after its time: got position %d, want a new one", stored[0].Position)
		}
	}
	s.append(bob, forever...)
	s.same("how many events there are", s.head(), at(int(head.Position(0))+len(again)+len(together)))
}

func forgottenReopened(s *subject) {
	if !s.run.engine.Durable {
		s.t.Skip("the engine does not keep anything")
	}
	s.inVirtualTime(func(s *subject) {
		first, second := recalled(stream.NewID(), 2), recalled(stream.NewID(), 1)
		stored := s.append(ann, first...)
		time.Sleep(rememberSeconds * time.Second / 2)
		later := s.append(bob, second...)
		s.reopen()
		s.sameRecords("a command within its time", s.append(ann, first...), stored)
		time.Sleep(rememberSeconds*time.Second/2 + 2*time.Second)
		s.reopen()
		if again := s.append(ann, first...); again[0].Position <= later[0].Position {
			s.broken("a command after its time: got position %d, want a new one", again[0].Position)
		}
		s.sameRecords("another one within its time", s.append(bob, second...), later)
	})
}
