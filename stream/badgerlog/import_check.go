package badgerlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// decideBatch accepts all appends of a batch, or none.
func (p *plan) decideBatch(b *batch) error {
	if err := p.checkBatch(b); err != nil {
		return err
	}
	begin := len(p.commit.records)
	p.commit.records = slices.Grow(p.commit.records, len(b.records))
	for i := range b.appends {
		if a := &b.appends[i]; a.outcome.earlier == nil {
			p.accept(a, a.head.version, b.keepTimes)
		}
	}
	p.markBeyond(p.commit.records[begin:])
	return nil
}

// checkBatch looks up what the appends' commands did before, and checks that
// what is to be kept can be.
func (p *plan) checkBatch(b *batch) error {
	c := batchCheck{plan: p, batch: b, versions: map[*streamHead]stream.Version{}, commands: map[commandID]earlierInBatch{}}
	c.next, c.now = p.head, p.c.lastTime
	at := b.first
	for i := range b.appends {
		if err := c.check(i); err != nil {
			return &ImportError{Record: at, Err: err}
		}
		at += uint64(len(b.appends[i].records))
	}
	return nil
}

// batchCheck is how far the check of a batch has come.
type batchCheck struct {
	*plan
	batch    *batch
	versions map[*streamHead]stream.Version
	commands map[commandID]earlierInBatch
	group    int // counts the appends, those to several streams as one
	next     stream.Position
	now      time.Time
}

// earlierInBatch is what a command does in the same import.
type earlierInBatch struct {
	effect
	group int
}

func (c *batchCheck) check(i int) error {
	a := &c.batch.appends[i]
	if i > 0 {
		before := c.batch.appends[i-1].records
		last, first := originOf(&before[len(before)-1].Header), originOf(&a.records[0].Header)
		if !last.batch(&first) {
			c.group++
		}
	}
	if err := c.checkCommand(a); err != nil {
		return err
	}
	if c.batch.keepPositions {
		if _, ok := c.versions[a.head]; !ok {
			c.versions[a.head] = a.head.version
		}
		if err := checkNext(a.records, c.next, c.versions[a.head]); err != nil {
			return err
		}
		c.versions[a.head] += stream.Version(len(a.records))
	}
	for j := 0; j < len(a.records) && c.batch.keepTimes; j++ {
		t := a.records[j].Time
		if t.Before(c.now) {
			return fmt.Errorf("its time is %s, expected none before %s", t, c.now)
		}
		c.now = t
	}
	c.next += stream.Position(len(a.records))
	return nil
}

// checkCommand looks up what an append's command did before, in the log or in the
// same import.
func (c *batchCheck) checkCommand(a *request) error {
	first := &a.records[0]
	if first.Command.IsZero() {
		return nil
	}
	at := c.plan.now
	if c.batch.keepTimes {
		at = first.Time
	}
	earlier, err := c.known(a, at)
	if err != nil {
		return err
	}
	id := commandID{a.id.Topic, first.Command}
	own := share{a.id, first.Version, len(a.records)}
	same, ok := c.commands[id]
	switch {
	case ok && same.group == c.group:
		same.more = append(same.more, own)
	case ok && earlier == nil && same.known(at):
		earlier = &same.effect
	default:
		same = earlierInBatch{effect{share: own, until: until(at.UnixNano(), first.Remember)}, c.group}
	}
	c.commands[id] = same
	if earlier == nil {
		return nil
	}
	if _, ok := earlier.on(a.id); !ok || c.batch.keepPositions {
		return &stream.CommandReusedError{Command: first.Command, First: earlier.stream, Again: a.id}
	}
	a.outcome.earlier = earlier.shares()
	return nil
}

// checkNext checks that records carry the positions and versions that come next.
func checkNext(records []stream.Record, head stream.Position, version stream.Version) error {
	for i := range records {
		r := &records[i]
		wantAt, wantVersion := head+stream.Position(i)+1, version+stream.Version(i)+1
		if r.Position != wantAt || r.Version != wantVersion {
			return fmt.Errorf("it carries position %d and version %d of %s, expected %d and %d", r.Position, r.Version, r.Stream, wantAt, wantVersion)
		}
	}
	return nil
}
