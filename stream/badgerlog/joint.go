package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// joint is a batch on its way through the committer: appends that are stored
// together or not at all.
type joint struct {
	writes []request // one for each stream; without records, only its version is checked
	events int
	topics []*request // the first of the writes with records to each topic, which knows what the command did there

	conditions []stream.Condition
	seen       stream.Position // the caller has looked for events that break them up to here
	broken     error           // and found one
}

// AppendAll stores a batch as [stream.MultiStore] promises. It also returns what
// [Log.Append] does, a [*stream.TruncatedError] if events after a condition's place were
// removed, so that nobody knows whether it holds, and a [*stream.TooLargeError] for
// more names of streams and tags than one transaction takes: some thousands.
func (l *Log) AppendAll(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
	if err := engine.CheckBatch(b); err != nil {
		return nil, err
	}
	if err := l.mayWork(ctx); err != nil {
		return nil, err
	}
	if l.options.ReadOnly {
		return nil, readOnlyError(fmt.Sprintf("append to %d streams", len(b.Writes)))
	}
	r, err := l.jointRequest(b)
	if err != nil {
		return nil, err
	}
	j := r.joint
	outcome, err := l.submitJoint(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case outcome.err != nil:
		return nil, outcome.err
	case outcome.earlier != nil:
		return l.again(outcome.earlier)
	}
	return j.stored(), nil
}

// stored are the batch's records as they were stored.
func (j *joint) stored() []stream.Record {
	all := make([]stream.Record, 0, j.events)
	for i := range j.writes {
		all = append(all, j.writes[i].outcome.records...)
	}
	return all
}

func (l *Log) jointRequest(b stream.Batch) (*request, error) {
	j := &joint{writes: make([]request, len(b.Writes)), conditions: b.Conditions}
	r := l.queue.request()
	r.joint = j
	known := map[string]bool{}
	var names weight
	for i, w := range b.Writes {
		write := &j.writes[i]
		write.id, write.expected, write.records = w.Stream, w.Expected, w.Records
		r.size += 128 + len(w.Stream.Topic) + len(w.Stream.Key)
		if len(w.Records) == 0 {
			continue
		}
		if j.events == 0 {
			r.id = w.Stream // for errors
		}
		j.events += len(w.Records)
		r.measure(w.Stream, w.Records)
		names.addStream(w.Stream)
		if !known[w.Stream.Topic] {
			known[w.Stream.Topic] = true
			j.topics = append(j.topics, write)
			names.add(len(w.Stream.Topic) + 16 + valueThreshold) // its command
		}
	}
	return r, checkTags(fmt.Sprintf("append to %d streams", len(b.Writes)), names, j.writes)
}

// submitJoint also looks for what breaks a condition: the committer then need not
// read, but look at what came since.
func (l *Log) submitJoint(ctx context.Context, r *request) (outcome, error) {
	j := r.joint
	j.seen = l.memory.visible()
	for i := range j.conditions {
		if err := engine.CheckFrom(j.conditions[i].After, stream.At(j.seen)); err != nil {
			return outcome{}, err
		}
	}
	for i := range j.conditions {
		at, err := l.firstMatch(ctx, &j.conditions[i], j.conditions[i].After.Position(0), j.seen)
		if gone := (*stream.TruncatedError)(nil); errors.As(err, &gone) {
			j.broken = gone
			break
		}
		if err != nil {
			return outcome{}, err
		}
		if at > 0 { // the command may have done it itself, so this is decided with the others
			j.broken = &stream.ConditionError{Condition: j.conditions[i], Found: stream.At(at)}
			break
		}
	}
	return l.submit(ctx, r)
}

// firstMatch is the position of the first event between two places that breaks a
// condition; 0 if there is none.
func (l *Log) firstMatch(ctx context.Context, c *stream.Condition, after, end stream.Position) (found stream.Position, err error) {
	if after >= end {
		return 0, nil
	}
	q := stream.Query{Match: c.Match, From: stream.At(after), To: stream.At(end)}
	err = l.Read(ctx, q, func(records []stream.Record, _ stream.Mark) error {
		if len(records) == 0 {
			return nil
		}
		found = records[0].Position
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// prepareJoint looks up the streams' versions, and what the command did in each
// topic.
func (l *Log) prepareJoint(j *joint) error {
	for i := range j.writes {
		w := &j.writes[i]
		w.head = l.memory.heads.hold(w.id)
		if err := l.lookUp(w.head); err != nil {
			return err
		}
	}
	for _, w := range j.topics {
		command := commandID{w.id.Topic, w.records[0].Command}
		if command.id.IsZero() {
			continue
		}
		if w.earlier, w.stores = l.memory.effect(command); w.earlier != nil {
			continue
		}
		var err error
		if w.earlier, err = l.effectOf(command); err != nil {
			return err
		}
	}
	return nil
}

// decideJoint accepts all writes of a batch, or none.
func (p *plan) decideJoint(j *joint) outcome {
	earlier, err := p.knownJoint(j)
	if err != nil || earlier != nil {
		return outcome{earlier: earlier, err: err}
	}
	for i := range j.writes {
		w := &j.writes[i]
		if w.expected != stream.AnyVersion && w.expected != w.head.version {
			return outcome{err: &stream.ConflictError{Stream: w.id, Expected: w.expected, Actual: w.head.version}}
		}
	}
	if j.broken != nil {
		return outcome{err: j.broken}
	}
	for i := range j.conditions {
		at, err := p.firstMatch(&j.conditions[i], j.seen)
		if err == nil && at > 0 {
			err = &stream.ConditionError{Condition: j.conditions[i], Found: stream.At(at)}
		}
		if err != nil {
			return outcome{err: err}
		}
	}
	begin := len(p.commit.records)
	for i := range j.writes {
		if w := &j.writes[i]; len(w.records) > 0 {
			p.accept(w, w.head.version, false)
		}
	}
	if len(j.topics) > 1 {
		p.markBeyond(p.commit.records[begin:])
	}
	return outcome{}
}

// markBeyond says of what commands did in a topic that it went beyond that, as
// recovery would.
func (p *plan) markBeyond(accepted []stream.Record) {
	walk := effectWalk{emit: func(command stream.EventID, found *effect, _ stream.Position) {
		id := commandID{found.stream.Topic, command}
		if e := p.commit.commands[id]; found.beyond && e.until == found.until {
			e.beyond = true
			p.commit.commands[id] = e
		}
	}}
	for i := range accepted {
		o := originOf(&accepted[i].Header)
		walk.add(&o, accepted[i].Version, accepted[i].Position)
	}
	walk.end()
}

// knownJoint is what the batch's command did before, in the order of its writes; nil
// if it did nothing. It must have been the same streams.
func (p *plan) knownJoint(j *joint) ([]share, error) {
	var known []*effect
	shares, reused := 0, &stream.CommandReusedError{Command: j.topics[0].records[0].Command}
	for _, w := range j.topics {
		e, err := p.known(w, p.now)
		if err != nil {
			return nil, err
		}
		if e == nil {
			reused.Again = w.id
			continue
		}
		known = append(known, e)
		shares += 1 + len(e.more)
		reused.First = e.stream
	}
	if len(known) == 0 {
		return nil, nil
	}
	var earlier []share
	for i := range j.writes {
		w := &j.writes[i]
		if len(w.records) == 0 {
			continue
		}
		var s share
		if !slices.ContainsFunc(known, func(e *effect) (ok bool) { s, ok = e.on(w.id); return ok }) {
			reused.Again = w.id
			return nil, reused
		}
		earlier = append(earlier, s)
	}
	if len(earlier) != shares {
		reused.Again = j.topics[0].id
		return nil, reused
	}
	return earlier, nil
}

// firstMatch is the position of the first event behind a place that breaks a
// condition, as if what this plan has accepted were stored: first what readers can
// see by now, then what is on its way to the disk, then what was accepted.
func (p *plan) firstMatch(c *stream.Condition, after stream.Position) (stream.Position, error) {
	after = max(after, c.After.Position(0))
	m := p.c.log.memory
	for {
		seen := m.look(after)
		if after >= seen.head {
			break
		}
		if seen.records == nil { // the caller has waited for very long
			at, err := p.c.log.firstMatch(context.Background(), c, after, seen.head)
			if err != nil || at > 0 {
				return at, err
			}
			after = seen.head
			continue
		}
		if at := firstOf(c, seen.records, after); at > 0 {
			return at, nil
		}
		after = seen.records[len(seen.records)-1].Position
	}
	for _, ahead := range p.ahead {
		if at := firstOf(c, ahead.records, after); at > 0 {
			return at, nil
		}
	}
	return firstOf(c, p.commit.records, after), nil
}

// firstOf is the position of the first of records behind a place that breaks a
// condition; 0 if none does.
func firstOf(c *stream.Condition, records []stream.Record, after stream.Position) stream.Position {
	q := stream.Query{Match: c.Match}
	for i := range records {
		r := &records[i]
		if r.Position > after && (len(q.Match) == 0 || q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags)) {
			return r.Position
		}
	}
	return 0
}
