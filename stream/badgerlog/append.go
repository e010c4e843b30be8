package badgerlog

import (
	"context"
	"errors"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// prepared is what a caller looks up before it queues, so that the committer
// need not read: a stream's version and a command's effect, as of ts or later.
type prepared struct {
	ts      uint64
	version stream.Version
	earlier *effect
}

// Append stores records at the end of a stream as [stream.Store] promises. It
// also returns a [*DiskFullError], and a [*FailedError] once storage has failed.
func (l *Log) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	if err := engine.CheckAppend(id, records); err != nil {
		return nil, err
	}
	prep, err := l.prepare(id, records[0].Command)
	if err != nil {
		return nil, err
	}
	r := &request{id: id, expected: expected, records: records, prepared: prep, done: make(chan struct{})}
	for i := range records {
		r.size += headFixedSize + 96 + len(records[i].Data)
	}
	if err := l.submit(ctx, r); err != nil {
		return nil, err
	}
	if r.outcome.earlier != nil {
		return l.again(*r.outcome.earlier)
	}
	return r.outcome.records, r.outcome.err
}

// submit hands a request to the committer and waits for its outcome. A context
// that is done by then refuses it.
func (l *Log) submit(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !l.queue.put(r) {
		return stream.ErrClosed
	}
	<-r.done
	return nil
}

// prepare looks up what is known of a stream and a command.
func (l *Log) prepare(id stream.ID, command stream.EventID) (prepared, error) {
	_, ts, _ := l.tail.visible() // before the look-ups: they are at least this new
	p := prepared{ts: ts}
	version, haveVersion := l.recent.version(id)
	e, haveEffect := l.recent.command(commandID{id.Topic, command})
	if haveEffect {
		p.earlier = &e
	}
	p.version = version
	if haveVersion && (haveEffect || command.IsZero()) {
		return p, nil
	}
	section, err := l.reads.begin(l)
	if err != nil {
		return p, err
	}
	defer section.end()
	if !haveVersion {
		if p.version, err = section.version(id); err != nil {
			return p, err
		}
	}
	if !haveEffect && !command.IsZero() {
		p.earlier, err = section.command(id.Topic, command)
	}
	return p, err
}

// again returns what a command stored the first time.
func (l *Log) again(e effect) ([]stream.Record, error) {
	section, err := l.reads.begin(l)
	if err != nil {
		return nil, err
	}
	defer section.end()
	var found []stream.Record
	err = section.versions(e.stream, e.first, func(r *stream.Record) error {
		if len(found) == e.count {
			return errEnough
		}
		found = append(found, *r)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return found, nil
}

// errEnough ends a walk that has found what it wanted.
var errEnough = errors.New("badgerlog: enough")
