package badgerlog

import (
	"maps"
	"slices"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// plan is what a group adds to the log, as decided so far.
type plan struct {
	c        *committer
	group    []*request
	err      error         // why all of it is refused
	crowded  error         // why what callers want to store is
	settle   []*request    // who waits until the database has everything
	idle     chan struct{} // set: this is no plan, but somebody who waits for those before it
	now      time.Time
	head     stream.Position // as if what was accepted were stored
	commit   *commit
	accepted []*request // the requests of the commit's parts

	ahead  []*commit // what was on its way to the disk when this plan began
	record [][]byte  // the commit, encoded for the journal
}

func newPlan(c *committer, group []*request) *plan {
	records := 0
	for _, r := range group {
		records += len(r.records)
		if r.joint != nil {
			records += r.joint.events
		}
	}
	now := time.Now().UTC().Round(0)
	if now.Before(c.lastTime) {
		now = c.lastTime
	}
	p := &plan{
		c: c, group: group, now: now, head: c.head,
		commit: &commit{
			records: make([]stream.Record, 0, records),
			heads:   make([]*streamHead, 0, len(group)),
		},
		accepted: make([]*request, 0, len(group)),
	}
	p.ahead = c.ahead.list() // what is published meanwhile is in memory as well
	return p
}

// refuse answers every request with the plan's error, if it has one.
func (p *plan) refuse() {
	if p.err == nil {
		return
	}
	for _, r := range p.group {
		r.outcome = outcome{err: p.err}
	}
}

func (p *plan) decide(r *request) {
	if r.settle {
		p.settle = append(p.settle, r)
		return
	}
	if r.raw != nil {
		p.commit.changes = append(p.commit.changes, r.raw...)
		p.commit.streams += r.streams
		return
	}
	if p.crowded != nil {
		r.outcome.err = p.crowded
		return
	}
	if r.batch != nil {
		r.outcome.err = p.decideBatch(r.batch)
		return
	}
	if r.joint != nil {
		r.outcome = p.decideJoint(r.joint)
		return
	}
	if r.consumer != "" {
		r.outcome.err = p.decideCheckpoint(r)
		return
	}
	r.outcome = p.decideAppend(r)
}

func (p *plan) decideAppend(r *request) outcome {
	version := r.head.version
	earlier, err := p.known(r, p.now)
	switch {
	case err != nil:
		return outcome{err: err}
	case earlier != nil && (earlier.stream != r.id || len(earlier.more) > 0):
		return outcome{err: &stream.CommandReusedError{Command: r.records[0].Command, First: earlier.stream, Again: r.id}}
	case earlier != nil:
		return outcome{earlier: earlier.shares()}
	case r.expected != stream.AnyVersion && r.expected != version:
		return outcome{err: &stream.ConflictError{Stream: r.id, Expected: r.expected, Actual: version}}
	}
	p.accept(r, version, false)
	return outcome{}
}

// accept adds an append to the plan behind a version of its stream.
func (p *plan) accept(r *request, version stream.Version, keepTimes bool) {
	c := p.commit
	p.accepted = append(p.accepted, r)
	c.heads = append(c.heads, r.head)
	first := len(c.records)
	for i := range r.records {
		c.records = append(c.records, r.records[i])
		rec := &c.records[len(c.records)-1]
		if keepTimes {
			p.now = rec.Time.UTC().Round(0)
		}
		rec.Shard, rec.Stream, rec.Time = 0, r.id, p.now
		rec.Meta, rec.Tags = maps.Clone(rec.Meta), slices.Clone(rec.Tags)
		p.head++
		rec.Position = p.head
		rec.Version = version + stream.Version(i+1)
		if rec.ID.IsZero() {
			rec.ID = stream.NewID()
		}
		c.index(rec)
	}
	// At once, for the requests behind it: if this commit fails, there is no
	// further one.
	if version == 0 {
		c.streams++
	}
	r.head.version = version + stream.Version(len(r.records))
	if rec := &c.records[first]; !rec.Command.IsZero() {
		if c.commands == nil {
			c.commands = make(map[commandID]effect, cap(p.accepted))
		}
		e := effect{share: share{r.id, rec.Version, len(r.records)}, until: until(rec.Time.UnixNano(), rec.Remember)}
		join(c.commands, commandID{r.id.Topic, rec.Command}, e)
	}
}

// known is the command's earlier effect that is remembered at a time, as if what this
// plan has accepted were stored; nil if it had none.
func (p *plan) known(r *request, at time.Time) (*effect, error) {
	e, err := p.latest(r)
	if err != nil || e == nil || !e.known(at) {
		return nil, err
	}
	return e, nil
}

// latest is the command's last effect, whether it is still remembered or not.
func (p *plan) latest(r *request) (*effect, error) {
	command := commandID{r.id.Topic, r.records[0].Command}
	if command.id.IsZero() {
		return nil, nil
	}
	if e, ok := p.commit.commands[command]; ok {
		return &e, nil
	}
	for _, c := range slices.Backward(p.ahead) {
		if e, ok := c.commands[command]; ok {
			return &e, nil
		}
	}
	recent, stores := p.c.log.memory.effect(command)
	if recent != nil {
		return recent, nil
	}
	// The caller asked the database before it queued. What was stored since then
	// is still in memory, unless it waited for very long: by then what it found may be
	// forgotten, and the command may have taken effect anew.
	if stores-r.stores <= 1 || r.earlier != nil && r.earlier.until == 0 {
		return r.earlier, nil
	}
	return p.c.log.effectOf(command)
}

func (p *plan) decideCheckpoint(r *request) error {
	saved, err := p.c.cursor(r.consumer)
	if err != nil {
		return err
	}
	if err := engine.CheckForward(r.consumer, saved, stream.At(p.head), r.at); err != nil {
		return err
	}
	p.c.cursors[r.consumer] = r.at
	p.commit.changes = append(p.commit.changes, keyed{cursorKey(r.consumer), seal([]byte(r.at.String()))})
	for _, change := range r.changes {
		key := stateKey(r.consumer, change.Key)
		if change.Value == nil {
			p.commit.changes = append(p.commit.changes, keyed{key: key})
			continue
		}
		p.commit.changes = append(p.commit.changes, keyed{key, seal(change.Value)})
	}
	return nil
}

// encode turns the commit into a journal record and divides it by requests.
func (p *plan) encode() {
	p.record = p.commit.encode()
	rest := p.commit.all
	p.commit.parts = make([]run, len(p.accepted))
	for i, r := range p.accepted {
		p.commit.parts[i], rest = rest.cut(len(r.records))
	}
}
