package memlog

import (
	"slices"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// command is a command's ID within a topic.
type command struct {
	topic string
	id    stream.EventID
}

// effect is what a command led to in a topic: in one stream, or in several if it was
// a batch.
type effect struct {
	shares []share   // in the order of the batch
	until  time.Time // it is forgotten after this time; zero: never
}

// on is what the command did to a stream; false if nothing.
func (e *effect) on(id stream.ID) (share, bool) {
	i := slices.IndexFunc(e.shares, func(s share) bool { return s.stream == id })
	if i < 0 {
		return share{}, false
	}
	return e.shares[i], true
}

// share is count events of a stream, one behind the other in the log.
type share struct {
	stream stream.ID
	index  int
	count  int
}

// remembered is a command's effect, unless it is forgotten by now. l.mu is held.
func (l *Log) remembered(c command) (effect, bool) {
	e, ok := l.commands[c]
	if ok && !e.until.IsZero() && l.now().After(e.until) {
		delete(l.commands, c)
		return effect{}, false
	}
	return e, ok
}

// end is until when a command that takes effect now is remembered; zero: for ever.
func (l *Log) end(seconds uint32) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	l.sweep()
	return l.now().Add(time.Duration(seconds) * time.Second)
}

// sweepEvery is how many commands are kept before those that are forgotten are
// looked for.
const sweepEvery = 1024

// sweep drops what is forgotten, when there are twice as many commands as the last
// time left: so the whole of it costs each command a look or two.
func (l *Log) sweep() {
	if len(l.commands) < max(sweepEvery, 2*l.swept) {
		return
	}
	now := l.now()
	for c, e := range l.commands {
		if !e.until.IsZero() && now.After(e.until) {
			delete(l.commands, c)
		}
	}
	l.swept = len(l.commands)
}
