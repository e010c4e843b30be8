package badgerlog

import (
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// origin is what tells events apart that were not appended together.
type origin struct {
	stream   stream.ID
	command  stream.EventID
	nanos    int64
	remember uint32
}

func originOf(h *stream.Header) origin {
	return origin{h.Stream, h.Command, h.Time.UnixNano(), h.Remember}
}

// origin is the frame's. Its names are views.
func (f *frame) origin() (o origin, err error) {
	o = origin{stream: stream.ID{Topic: view(f.topic), Key: view(f.key)}, nanos: f.nanos}
	if at, ok := f.commandAt(); ok {
		copy(o.command[:], f.ids[at:])
	}
	o.remember, err = f.remember()
	return o, err
}

// append reports whether the event behind one of this origin may be of the same
// append: of one stream and one command, which is not forgotten in between.
func (o *origin) append(next *origin) bool {
	return o.stream == next.stream && o.command == next.command && (o.remember == 0 || o.nanos == next.nanos)
}

// batch reports whether it is of the same append to several streams, or of the same
// append: those have one time.
func (o *origin) batch(next *origin) bool {
	if o.append(next) {
		return true
	}
	return o.command == next.command && !o.command.IsZero() && o.nanos == next.nanos &&
		(o.remember == next.remember || o.stream.Topic != next.stream.Topic)
}

// effectWalk finds what commands did among events in the log's order.
type effectWalk struct {
	emit func(command stream.EventID, e *effect, at stream.Position) // for each command and topic; at is that of the batch

	last  origin
	at    stream.Position // of the batch's first event
	found []effect        // by topic
	now   int             // which of them the last event belongs to
}

// add takes the next event. Views of its names are not kept.
func (w *effectWalk) add(o *origin, version stream.Version, position stream.Position) {
	switch {
	case len(w.found) > 0 && w.last.append(o):
		w.found[w.now].lastShare().count++
		w.last.nanos = o.nanos
		return
	case len(w.found) == 0 || !w.last.batch(o):
		w.end()
		w.at = position
	}
	w.last = *o
	w.last.stream = stream.ID{Topic: strings.Clone(o.stream.Topic), Key: strings.Clone(o.stream.Key)}
	if o.command.IsZero() {
		return
	}
	one := share{w.last.stream, version, 1}
	for w.now = range w.found {
		if e := &w.found[w.now]; e.stream.Topic == one.stream.Topic {
			e.more = append(e.more, one)
			return
		}
	}
	w.now = len(w.found)
	w.found = append(w.found, effect{share: one, until: until(o.nanos, o.remember)})
}

// end says that no further event follows.
func (w *effectWalk) end() {
	for i := range w.found {
		w.found[i].beyond = len(w.found) > 1
		w.emit(w.last.command, &w.found[i], w.at)
	}
	w.found = w.found[:0]
}

func (e *effect) lastShare() *share {
	if n := len(e.more); n > 0 {
		return &e.more[n-1]
	}
	return &e.share
}
