package badgerlog

import (
	"context"
	"errors"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Append stores records at the end of a stream as [stream.Store] promises. It
// also returns a [*DiskFullError], a [*FailedError] once storage has failed, and
// [ErrReadOnly].
func (l *Log) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	if err := engine.CheckAppend(id, records); err != nil {
		return nil, err
	}
	if err := l.mayWork(ctx); err != nil {
		return nil, err
	}
	if l.options.ReadOnly {
		return nil, readOnlyError("append to " + id.String())
	}
	r := l.queue.request()
	r.id, r.expected, r.records, r.fresh = id, expected, records, engine.IsFresh(ctx)
	r.measure(id, records)
	if r.tags > 0 {
		var w weight
		w.addStream(id)
		if err := checkTags("append to "+id.String(), w, []request{{id: id, records: records}}); err != nil {
			return nil, err
		}
	}
	outcome, err := l.submit(ctx, r)
	if err != nil {
		return nil, err
	}
	if outcome.earlier != nil {
		return l.again(outcome.earlier)
	}
	return outcome.records, outcome.err
}

// measure adds what records take to the request's size.
func (r *request) measure(id stream.ID, records []stream.Record) {
	for i := range records {
		r.size += 96 + len(id.Topic) + len(id.Key) + recordSize(id, &records[i])
		r.tags += len(records[i].Tags)
	}
}

// recordSize is how long an event is in a block, at most.
func recordSize(id stream.ID, r *stream.Record) int {
	size := headFixedSize + 64 + len(id.Topic) + len(id.Key) + len(r.Type) + len(r.Data)
	for k, v := range r.Meta {
		size += 8 + len(k) + len(v)
	}
	for _, tag := range r.Tags {
		size += 8 + len(tag)
	}
	return size
}

// submit prepares a request, hands it to the committer and waits for its
// outcome. A context that is done by then refuses it.
func (l *Log) submit(ctx context.Context, r *request) (outcome, error) {
	err := l.prepare(r)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && !l.queue.put(r) {
		err = stream.ErrClosed
	}
	if err != nil {
		letGo([]*request{r})
		return outcome{}, err
	}
	<-r.done
	o := r.outcome
	l.queue.reuse(r)
	return o, nil
}

// prepare looks up what is known of an append's stream and command, so that the
// committer need not read. The stream's head is held until the request is
// answered.
func (l *Log) prepare(r *request) error {
	if r.consumer != "" || r.settle || r.raw != nil {
		return nil
	}
	if r.joint != nil {
		return l.prepareJoint(r.joint)
	}
	command := r.records[0].Command
	r.head, r.earlier, r.stores = l.memory.hold(r.id, command)
	if err := l.lookUp(r.head); err != nil {
		return err
	}
	if r.earlier != nil || command.IsZero() || r.fresh {
		return nil
	}
	var err error
	r.earlier, err = l.effectOf(commandID{r.id.Topic, command})
	return err
}

// lookUp finds a stream's version in the database, once for each head. While
// the head is not known nobody can append to its stream, so what the database
// has is all there is.
func (l *Log) lookUp(head *streamHead) error {
	if head.known.Load() {
		return nil
	}
	head.lookup.Lock()
	defer head.lookup.Unlock()
	if head.known.Load() {
		return nil
	}
	s, err := l.reads.begin(l)
	if err != nil {
		return err
	}
	defer s.end()
	version, err := s.version(head.id)
	if err != nil {
		return err
	}
	head.version = version
	head.known.Store(true)
	return nil
}

// settle waits until everything appended so far is in the database, unless
// nothing can be written there.
func (l *Log) settle(ctx context.Context) error {
	if l.options.ReadOnly {
		return nil
	}
	r := l.queue.request()
	r.settle = true
	outcome, err := l.submit(ctx, r)
	if err != nil {
		return err
	}
	return outcome.err
}

// effectOf asks the database where a command took effect; nil if it did not.
func (l *Log) effectOf(c commandID) (*effect, error) {
	s, err := l.reads.begin(l)
	if err != nil {
		return nil, err
	}
	defer s.end()
	return s.command(c.topic, c.id)
}

// again returns what a command stored the first time.
func (l *Log) again(shares []share) ([]stream.Record, error) {
	var found []stream.Record
	want := 0
	for _, s := range shares {
		want += s.count
		err := l.eachVersion(s.stream, s.first, func(r *stream.Record) error {
			if len(found) == want {
				return errEnough
			}
			found = append(found, *r)
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
		if cut := l.memory.cutAt(); len(found) < want && cut > 0 { // removed since the command was found
			return nil, &stream.TruncatedError{Stream: s.stream, Cut: stream.At(cut)}
		}
	}
	return found, nil
}

// errEnough ends a walk that has found what it wanted.
var errEnough = errors.New("badgerlog: enough")
