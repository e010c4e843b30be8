package badgerlog

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// effect is where a command took effect in a topic: count events of a stream from
// first and, if it was a batch, so many of others.
type effect struct {
	share
	more   []share // of other streams of the topic, in the order of the batch
	until  int64   // it is forgotten after this time, in nanoseconds since 1970; 0: never
	beyond bool    // the batch has events of other topics too, so truncation leaves it whole
}

// share is what a command did to one stream.
type share struct {
	stream stream.ID
	first  stream.Version
	count  int
}

// until is when the command of an event of a time is forgotten; 0: never.
func until(nanos int64, remember uint32) int64 {
	if remember == 0 {
		return 0
	}
	end := nanos + int64(remember)*int64(time.Second)
	switch {
	case end < nanos:
		return math.MaxInt64 // past what the clock can say
	case end == 0:
		return 1
	}
	return end
}

// known reports whether the command is still remembered at a time.
func (e *effect) known(at time.Time) bool { return e.until == 0 || at.UnixNano() <= e.until }

// shares are those of the topic's streams, in the order of the batch.
func (e *effect) shares() []share { return append([]share{e.share}, e.more...) }

// on is what the command did to a stream; false if nothing.
func (e *effect) on(id stream.ID) (share, bool) {
	if e.stream == id {
		return e.share, true
	}
	i := slices.IndexFunc(e.more, func(s share) bool { return s.stream == id })
	if i < 0 {
		return share{}, false
	}
	return e.more[i], true
}

// join adds what a command did to what it did in the same commit. Shares of one batch
// are forgotten at the same time; otherwise the command was forgotten in between, and
// took effect anew.
func join(commands map[commandID]effect, id commandID, e effect) {
	if before, ok := commands[id]; ok && before.until == e.until {
		before.more = append(before.more, e.share)
		before.beyond = before.beyond || e.beyond
		e = before
	}
	commands[id] = e
}

// What an effect says beyond one stream stands at the end, where an earlier version
// does not look:
//
//	first, count (uvarint) | stream key | [until varint | beyond u8 | (first, count, stream key) ...]
func (e *effect) encode() []byte {
	b := e.share.append(nil)
	if e.until == 0 && !e.beyond && len(e.more) == 0 {
		return seal(b)
	}
	b = append(binary.AppendVarint(b, e.until), 0)
	if e.beyond {
		b[len(b)-1] = 1
	}
	for _, s := range e.more {
		b = s.append(b)
	}
	return seal(b)
}

func (s share) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.first))
	b = binary.AppendUvarint(b, uint64(s.count))
	return appendString(b, s.stream.Key)
}

func takeShare(topic string, b []byte) (s share, rest []byte, err error) {
	first, n := binary.Uvarint(b)
	if n <= 0 {
		return share{}, nil, errShort
	}
	count, m := binary.Uvarint(b[n:])
	if m <= 0 || count > 1<<31 {
		return share{}, nil, errShort
	}
	key, rest, err := takeString(b[n+m:])
	if err != nil {
		return share{}, nil, err
	}
	return share{stream.ID{Topic: topic, Key: string(key)}, stream.Version(first), int(count)}, rest, nil
}

func decodeEffect(topic string, sealed []byte) (e effect, err error) {
	b, err := unseal(sealed)
	if err == nil {
		e.share, b, err = takeShare(topic, b)
	}
	if err != nil || len(b) == 0 {
		return e, err
	}
	until, n := binary.Varint(b)
	if n <= 0 || n == len(b) {
		return effect{}, errShort
	}
	e.until, e.beyond, b = until, b[n] == 1, b[n+1:]
	for len(b) > 0 {
		var s share
		if s, b, err = takeShare(topic, b); err != nil {
			return effect{}, err
		}
		e.more = append(e.more, s)
	}
	return e, nil
}

// The database forgets an entry at a second. It is one that the inspection of its
// files takes for what this package sets.
const (
	firstExpiry = 1 << 28
	lastExpiry  = 1<<35 - 1
)

// expiry is the second at which the database may forget the effect; 0: never. By
// then the command is not remembered any more, as a commit is never earlier than the
// clock.
func (e *effect) expiry() uint64 {
	if e.until == 0 {
		return 0
	}
	return uint64(min(max(e.until/int64(time.Second)+1, firstExpiry), lastExpiry))
}
