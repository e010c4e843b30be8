package badgerlog

import (
	"maps"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// plan is what a group adds to the log, as decided so far.
type plan struct {
	c        *committer
	now      time.Time
	head     stream.Position // as if what was accepted were stored
	commit   *commit
	accepted []*request // the requests of the commit's parts
	starts   []int      // where their records begin
	versions map[*streamHead]stream.Version
	cursors  map[string]stream.Cursor

	recent [3]*generation // what was committed lately
	stores uint64
}

func newPlan(c *committer) *plan {
	now := time.Now().UTC().Round(0)
	if now.Before(c.lastTime) {
		now = c.lastTime
	}
	p := &plan{
		c: c, now: now,
		commit:   &commit{commands: map[commandID]effect{}},
		versions: map[*streamHead]stream.Version{},
		cursors:  map[string]stream.Cursor{},
	}
	p.head, p.recent, p.stores = c.log.memory.forPlan()
	return p
}

func (p *plan) empty() bool { return p.commit.empty() }

func (p *plan) decide(r *request) {
	if r.consumer != "" {
		r.outcome.err = p.decideCheckpoint(r)
		return
	}
	r.outcome = p.decideAppend(r)
}

func (p *plan) decideAppend(r *request) outcome {
	version, ok := p.versions[r.head]
	if !ok {
		version = r.head.version
	}
	earlier, err := p.known(r)
	switch {
	case err != nil:
		return outcome{err: err}
	case earlier != nil && earlier.stream != r.id:
		return outcome{err: &stream.CommandReusedError{Command: r.records[0].Command, First: earlier.stream, Again: r.id}}
	case earlier != nil:
		return outcome{earlier: earlier}
	case r.expected != stream.AnyVersion && r.expected != version:
		return outcome{err: &stream.ConflictError{Stream: r.id, Expected: r.expected, Actual: version}}
	}
	p.accept(r, version)
	return outcome{}
}

// accept adds an append to the plan behind a version of its stream.
func (p *plan) accept(r *request, version stream.Version) {
	c := p.commit
	p.accepted = append(p.accepted, r)
	p.starts = append(p.starts, len(c.records))
	c.heads = append(c.heads, r.head)
	for i := range r.records {
		c.records = append(c.records, r.records[i])
		rec := &c.records[len(c.records)-1]
		rec.Shard, rec.Stream, rec.Time = 0, r.id, p.now
		rec.Meta = maps.Clone(rec.Meta)
		p.head++
		rec.Position = p.head
		rec.Version = version + stream.Version(i+1)
		if rec.ID.IsZero() {
			rec.ID = stream.NewID()
		}
	}
	p.versions[r.head] = version + stream.Version(len(r.records))
	if command := r.records[0].Command; !command.IsZero() {
		c.commands[commandID{r.id.Topic, command}] = effect{r.id, version + 1, len(r.records)}
	}
}

// known is the command's earlier effect, as if what this plan has accepted were
// stored; nil if it had none.
func (p *plan) known(r *request) (*effect, error) {
	command := commandID{r.id.Topic, r.records[0].Command}
	if command.id.IsZero() {
		return nil, nil
	}
	if e, ok := p.commit.commands[command]; ok {
		return &e, nil
	}
	for _, g := range p.recent {
		if g != nil {
			if e, ok := g.commands[command]; ok {
				return &e, nil
			}
		}
	}
	// The caller asked the database before it queued. What was stored since then
	// is still remembered, unless it waited for very long.
	if r.earlier != nil || p.stores-r.stores <= 1 {
		return r.earlier, nil
	}
	return p.c.log.effectOf(command)
}

func (p *plan) decideCheckpoint(r *request) error {
	saved, ok := p.cursors[r.consumer]
	if !ok {
		var err error
		if saved, err = p.c.cursor(r.consumer); err != nil {
			return err
		}
	}
	if err := engine.CheckForward(r.consumer, saved, stream.At(p.head), r.at); err != nil {
		return err
	}
	p.cursors[r.consumer] = r.at
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

// finish encodes the plan's commit into a journal record.
func (p *plan) finish() [][]byte {
	record := p.commit.encode()
	rest := p.commit.all
	for i := range p.accepted {
		end := len(p.commit.records)
		if i+1 < len(p.starts) {
			end = p.starts[i+1]
		}
		var part run
		part, rest = rest.cut(end - p.starts[i])
		p.commit.parts = append(p.commit.parts, part)
	}
	return record
}
