package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// commit is what one group of requests adds to the log. A journal record has one
// commit, or several that were ready at once.
//
//	version u8 | events u32 | block of events … | changes u32 |
//	for each change: key length u32 | key | value length u32 or 2^32-1 for none | value
//
// Integers are little-endian. The block is absent if events is 0, the length of
// the block otherwise.
type commit struct {
	records  []stream.Record // in the log's order
	all      run             // the same, encoded
	parts    []run           // the same, append by append
	heads    []*streamHead   // the stream of each part
	commands map[commandID]effect
	changes  []keyed
	streams  int // how many of the streams are new
	tagged   tagIndex
	tags     weight // of that
}

// keyed is a consumer's change under its database key; a nil value forgets it.
type keyed struct{ key, value []byte }

const (
	commitVersion = 1
	noValue       = 1<<32 - 1
)

func (c *commit) empty() bool { return len(c.records) == 0 && len(c.changes) == 0 }

func (c *commit) bytes() int {
	size := c.all.size()
	for _, change := range c.changes {
		size += len(change.key) + len(change.value)
	}
	return size
}

// weight is an upper bound on what a part of a commit adds to a transaction
// beside its blocks: entries, and bytes of keys and of values beside them.
type weight struct{ entries, keys int }

func (w *weight) add(keys int) {
	const fixed = 32
	w.entries++
	w.keys += fixed + keys
}

func (w *weight) addTag(tag, topic string) { w.add(len(tag) + len(topic) + 10 + valueThreshold) }

func (w *weight) addStream(id stream.ID) { w.add(len(id.Topic) + len(id.Key) + valueThreshold) }

// weigh is the weight of the commit if it touches each of its streams and tags for
// the first time.
func (c *commit) weigh() weight {
	w := c.weighOthers()
	w.entries, w.keys = w.entries+c.tags.entries, w.keys+c.tags.keys
	for _, head := range c.heads {
		w.addStream(head.id)
	}
	return w
}

// weighOthers is the weight of what belongs to no stream.
func (c *commit) weighOthers() (w weight) {
	for id, e := range c.commands {
		value := 48 + len(e.stream.Key)
		if len(e.more) > 0 {
			value = valueThreshold
		}
		w.add(len(id.topic) + 16 + min(value, valueThreshold))
	}
	for _, change := range c.changes {
		w.add(len(change.key) + min(len(change.value), valueThreshold))
	}
	return w
}

// index makes an event's tags part of the commit's index.
func (c *commit) index(r *stream.Record) {
	for _, tag := range r.Tags {
		if c.tagged == nil {
			c.tagged = tagIndex{}
		}
		if c.tagged.add(tag, r.Stream.Topic, r.Position) {
			c.tags.addTag(tag, r.Stream.Topic)
		}
	}
}

// encode turns the events into a block and returns the journal record in parts.
// The records' payloads then belong to the commit.
func (c *commit) encode() (record [][]byte) {
	front := []byte{commitVersion, 0, 0, 0, 0}
	record = append(record, front)
	if len(c.records) > 0 {
		block := encodeBlock(c.records)
		c.all = asRun(block, c.records)
		binary.LittleEndian.PutUint32(front[1:], uint32(len(block)))
		record = append(record, block)
	}
	back := binary.LittleEndian.AppendUint32(nil, uint32(len(c.changes)))
	for _, change := range c.changes {
		back = binary.LittleEndian.AppendUint32(back, uint32(len(change.key)))
		back = append(back, change.key...)
		if change.value == nil {
			back = binary.LittleEndian.AppendUint32(back, noValue)
			continue
		}
		back = binary.LittleEndian.AppendUint32(back, uint32(len(change.value)))
		back = append(back, change.value...)
	}
	return append(record, back)
}

var errCommit = errors.New("the commit ends too early")

// decodeCommits reads a journal record: one commit behind the other. Their parts
// have no heads yet: their streams stand in their records.
func decodeCommits(b []byte) (commits []*commit, err error) {
	for len(b) > 0 || len(commits) == 0 {
		var c *commit
		if c, b, err = takeCommit(b); err != nil {
			return nil, err
		}
		commits = append(commits, c)
	}
	return commits, nil
}

func takeCommit(b []byte) (c *commit, rest []byte, err error) {
	if len(b) < 5 || b[0] != commitVersion {
		return nil, nil, fmt.Errorf("expected a commit of version %d, found %d bytes", commitVersion, len(b))
	}
	size := binary.LittleEndian.Uint32(b[1:])
	if b = b[5:]; uint64(size) > uint64(len(b)) {
		return nil, nil, errCommit
	}
	c = &commit{commands: map[commandID]effect{}}
	if size > 0 {
		if err := c.decodeEvents(b[:size:size]); err != nil {
			return nil, nil, err
		}
	}
	rest, err = c.decodeChanges(b[size:])
	return c, rest, err
}

func (c *commit) decodeEvents(encoded []byte) error {
	b, err := openBlock(encoded, nil)
	if err != nil {
		return err
	}
	if encoded[1] != 0 {
		return fmt.Errorf("block flags %02x: a commit's block stands as it is", encoded[1])
	}
	names := newInterner()
	var f frame
	for {
		more, err := b.next(&f)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		c.records = append(c.records, stream.Record{})
		if err := f.record(names, &c.records[len(c.records)-1]); err != nil {
			return err
		}
	}
	if len(c.records) == 0 {
		return errShort
	}
	c.all = asRun(encoded, c.records)
	c.divide()
	return nil
}

// divide finds the parts and what commands took effect: an append's events are
// of one stream and of one command, a batch's of one command and one time.
func (c *commit) divide() {
	walk := effectWalk{emit: func(command stream.EventID, e *effect, _ stream.Position) {
		c.commands[commandID{e.stream.Topic, command}] = *e
	}}
	for rest := c.all; len(rest.records) > 0; {
		n := 0
		first := originOf(&rest.first().Header)
		for n < len(rest.records) {
			o := originOf(&rest.records[n].Header)
			if !first.append(&o) {
				break
			}
			walk.add(&o, rest.records[n].Version, rest.records[n].Position)
			n++
		}
		if rest.first().Version == 1 {
			c.streams++
		}
		var part run
		part, rest = rest.cut(n)
		c.parts = append(c.parts, part)
	}
	walk.end()
	for i := range c.records {
		c.index(&c.records[i])
	}
}

func (c *commit) decodeChanges(b []byte) (rest []byte, err error) {
	if len(b) < 4 {
		return nil, errCommit
	}
	count := binary.LittleEndian.Uint32(b)
	b = b[4:]
	for range count {
		var change keyed
		var ok bool
		if change.key, b, ok = takeSized(b); !ok || change.key == nil {
			return nil, errCommit
		}
		if change.value, b, ok = takeSized(b); !ok {
			return nil, errCommit
		}
		c.changes = append(c.changes, change)
	}
	return b, nil
}

// takeSized takes bytes behind their length; nil for none.
func takeSized(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if size == noValue {
		return nil, b, true
	}
	if uint64(size) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size:size], b[size:], true
}
