package main

import (
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

const channelBuffer = 1024

// channels are one buffered channel for each subscriber. What is sent is stored
// nowhere.
type channels[T any] struct {
	all  []chan T
	used atomic.Int64 // how many have a subscriber
	send func(*stream.Record) T
	take func(*T) *stream.Record
}

// openChannels sends pointers to events that all subscribers share: the fastest.
func openChannels(string) (source, error) {
	return newChannels(
		func(r *stream.Record) *stream.Record { return r },
		func(r **stream.Record) *stream.Record { return *r },
	), nil
}

// openValues sends the events themselves.
func openValues(string) (source, error) {
	return newChannels(
		func(r *stream.Record) stream.Record { return *r },
		func(r *stream.Record) *stream.Record { return r },
	), nil
}

func newChannels[T any](send func(*stream.Record) T, take func(*T) *stream.Record) *channels[T] {
	c := &channels[T]{send: send, take: take}
	for range subscribers {
		c.all = append(c.all, make(chan T, channelBuffer))
	}
	return c
}

func (c *channels[T]) subscribe(n int, each func(*stream.Record)) error {
	mine := c.all[c.used.Add(1)-1]
	for range n {
		v := <-mine
		each(c.take(&v))
	}
	return nil
}

func (c *channels[T]) publish(records []stream.Record) error {
	for i := range records {
		v := c.send(&records[i])
		for _, to := range c.all {
			to <- v
		}
	}
	return nil
}

func (c *channels[T]) close() error { return nil }
