package badgerlog

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// What one look at the index of tags takes at most: of positions for each match and
// topic, and of blocks.
const (
	maxTagged       = 4096
	maxTaggedBlocks = 64
)

// nearEvents is how many events in memory are looked at sooner than the index.
const nearEvents = 2048

// tailed reports whether memory has what a query by tags asks for, and that is little,
// or what comes next for a reader that follows the log.
func (r *reader) tailed(end stream.Position) bool {
	seen := r.log.memory.look(r.at)
	return seen.records != nil && r.at >= seen.cut && (r.query.Follow || end-r.at <= nearEvents)
}

// tagLook is one look at the index of tags: where the events are that may be
// selected.
type tagLook struct {
	match   []stream.Match
	tags    []string          // which of its tags each match is looked up by
	after   stream.Position   // they are behind this
	upTo    stream.Position   // and this says how far all of them are known
	list    []stream.Position // of those that the database has, in order
	news    []stream.Record   // those that only memory has, in order
	newsEnd stream.Position   // and how far all of those are known
	head    stream.Position
}

// scanTags hands over the next selected events up to end, which the index of tags
// names, as far as one section goes.
func (r *reader) scanTags(ctx context.Context, end stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	look := tagLook{match: r.query.Match, after: r.at, upTo: end}
	stored, records, err := r.collectTagged(&look)
	if gone := r.truncated(stream.ID{}); gone != nil {
		return gone
	}
	if err != nil {
		return err
	}
	r.head = max(r.head, look.head)
	if look.upTo >= stored { // otherwise what memory has comes later
		look.upTo = min(look.upTo, look.newsEnd)
		for i := range look.news {
			if rec := &look.news[i]; r.accepts(rec) {
				records = append(records, *rec)
			}
		}
	}
	return r.hand(records, look.upTo)
}

// collectTagged finds the events and copies those that are selected out of the
// database, inside one section.
func (r *reader) collectTagged(look *tagLook) (stored stream.Position, records []stream.Record, err error) {
	s, err := r.log.reads.beginWith(r.log, func(m *memory) { m.findTagged(look) })
	if err != nil {
		return 0, nil, err
	}
	defer s.end()
	in := true
	defer stream.Contain("reading the database", &in, &err)
	if err = s.findTagged(look); err == nil {
		records, err = r.readTagged(s, look)
	}
	in = false
	return s.stored, records, err
}

// findTagged finds what the database does not have. The memory's lock is held.
func (m *memory) findTagged(look *tagLook) {
	look.head, look.newsEnd = m.head, look.upTo
	var list []stream.Position
	for _, g := range [2]*generation{m.sealed, m.active} {
		if g == nil || len(g.tagged) == 0 {
			continue
		}
		for i := range look.match {
			match := &look.match[i]
			for _, t := range g.tagged[match.Tags[0]] {
				if match.Topic == "" || match.Topic == t.topic {
					list = appendBetween(list, t.at, look.after, look.upTo)
				}
			}
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > maxTagged {
		list = list[:maxTagged]
		look.newsEnd = list[maxTagged-1]
	}
	for _, at := range list {
		for _, g := range [2]*generation{m.sealed, m.active} {
			if g != nil {
				look.news = g.appendEvent(look.news, at)
			}
		}
	}
}

// appendBetween appends those of positions in order that are behind one place and not
// behind another.
func appendBetween(list, from []stream.Position, after, upTo stream.Position) []stream.Position {
	begin, _ := slices.BinarySearch(from, after+1)
	end, _ := slices.BinarySearch(from, upTo+1)
	return append(list, from[begin:max(begin, end)]...)
}

// appendEvent appends the event at a position, if the generation has it.
func (g *generation) appendEvent(list []stream.Record, at stream.Position) []stream.Record {
	i := sort.Search(len(g.runs), func(i int) bool { return g.runs[i].last().Position >= at })
	if i == len(g.runs) || g.runs[i].first().Position > at {
		return list
	}
	return append(list, g.runs[i].records[at-g.runs[i].first().Position])
}

// findTagged finds what the database has.
func (s *section) findTagged(look *tagLook) error {
	for i := range look.match {
		match := &look.match[i]
		tag, err := s.rarest(match, look.after)
		if err == nil {
			look.tags = append(look.tags, tag)
			err = s.findTag(look, tag, match.Topic)
		}
		if err != nil {
			return err
		}
	}
	slices.Sort(look.list)
	look.list = slices.Compact(look.list)
	known, _ := slices.BinarySearch(look.list, look.upTo+1)
	look.list = look.list[:known]
	return nil
}

// rarest is the tag of a match that has the shortest index behind a place, as far as
// some entries tell.
func (s *section) rarest(match *stream.Match, after stream.Position) (string, error) {
	const entries = 16
	best, least := match.Tags[0], int64(-1)
	for _, tag := range match.Tags {
		if len(match.Tags) == 1 {
			break
		}
		if err := s.fault.at("db.iterate"); err != nil {
			return "", storageError("read the index of tags", err)
		}
		from := tagKeys(tag, match.Topic)
		if match.Topic != "" {
			from = tagKey(tag, match.Topic, after+1)
		}
		it := s.txn.NewIterator(badger.IteratorOptions{Prefix: tagKeys(tag, match.Topic)})
		size, n := int64(0), 0
		for it.Seek(from); it.Valid() && n < entries; it.Next() {
			size, n = size+it.Item().EstimatedSize(), n+1
		}
		it.Close()
		if least < 0 || size < least {
			best, least = tag, size
		}
	}
	return best, nil
}

// findTag finds a tag's events in a topic, or in all of them if it is empty.
func (s *section) findTag(look *tagLook, tag, topic string) error {
	if err := s.fault.at("db.iterate"); err != nil {
		return storageError("read the index of tags", err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: tagKeys(tag, topic)})
	defer it.Close()
	if topic != "" {
		return s.findTagIn(look, it, tag, topic)
	}
	for it.Rewind(); it.Valid(); {
		_, found, _, err := tagEntry(it.Item().Key())
		if err != nil {
			return err
		}
		in := string(found)
		if err := s.findTagIn(look, it, tag, in); err != nil {
			return err
		}
		behind := tagKeys(tag, in)
		behind[len(behind)-1]++ // the zero that ends the topic
		it.Seek(behind)
	}
	return nil
}

// findTagIn finds a tag's events in a topic, as far as one look goes.
func (s *section) findTagIn(look *tagLook, it *badger.Iterator, tag, topic string) error {
	prefix := tagKeys(tag, topic)
	begin := len(look.list)
	for it.Seek(tagKey(tag, topic, look.after+1)); it.ValidForPrefix(prefix); it.Next() {
		if len(look.list)-begin >= maxTagged {
			look.upTo = min(look.upTo, look.list[len(look.list)-1])
			return nil
		}
		_, _, last, err := tagEntry(it.Item().Key())
		if err != nil {
			return err
		}
		if err := s.fault.at("db.value"); err != nil {
			return storageError(fmt.Sprintf("read the entry under key %q", it.Item().Key()), err)
		}
		start := len(look.list)
		err = it.Item().Value(func(value []byte) (err error) {
			look.list, err = decodePositions(look.list, value, last)
			return err
		})
		if err != nil {
			return &stream.CorruptError{Position: look.after + 1, Last: last, Err: fmt.Errorf("index of tag %q in topic %s up to position %d: %w", tag, topic, last, err)}
		}
		look.list = appendBetween(look.list[:start], look.list[start:], look.after, look.upTo)
		if last >= look.upTo {
			return nil
		}
	}
	return nil
}

// readTagged reads the events at the positions that were found, and keeps those that
// are selected. It may end early, and says in upTo how far it came.
func (r *reader) readTagged(s *section, look *tagLook) ([]stream.Record, error) {
	c := r.room()
	c.values, c.records = c.values[:0], c.records[:0]
	if len(look.list) == 0 {
		return c.records, nil
	}
	if err := s.fault.at("db.iterate"); err != nil {
		return nil, storageError("read the blocks that the index of tags names", err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{blockPrefix}})
	defer it.Close()
	for blocks := 0; len(look.list) > 0; blocks++ {
		first, whole := look.list[0], len(c.records)
		if blocks == maxTaggedBlocks || len(c.values) >= chunkBytes {
			look.upTo = first - 1
			break
		}
		if err := r.readNext(s, it, look); err != nil {
			if blocks == 0 {
				return nil, err
			}
			c.records, look.upTo = c.records[:whole], first-1 // what came before is handed over first
			break
		}
	}
	return c.records, nil
}

// readNext reads the events at the next positions, as many as are in one block.
func (r *reader) readNext(s *section, it *badger.Iterator, look *tagLook) error {
	first := look.list[0]
	it.Seek(blockKey(first))
	if !it.Valid() {
		return &stream.CorruptError{Position: first, Err: fmt.Errorf("a block is missing: the index of tags names position %d", first)}
	}
	last, _, err := numbered([]byte{blockPrefix}, it.Item().Key())
	if err != nil {
		return err
	}
	if err := s.fault.at("db.value"); err != nil {
		return storageError(fmt.Sprintf("read the block up to position %d", last), err)
	}
	n, _ := slices.BinarySearch(look.list, stream.Position(last)+1)
	err = it.Item().Value(func(value []byte) error { return r.readBlock(value, look, look.list[:n]) })
	if err != nil {
		return &stream.CorruptError{Position: first, Last: stream.Position(last), Err: fmt.Errorf("block up to position %d: %w", last, err)}
	}
	look.list = look.list[n:]
	return nil
}

// readBlock reads some of a block's events.
func (r *reader) readBlock(value []byte, look *tagLook, list []stream.Position) error {
	b, err := openStored(value, &r.chunk.plain)
	if err != nil {
		return err
	}
	next, err := b.position()
	if err != nil {
		return err
	}
	r.chunk.frame.begin()
	for _, at := range list {
		if uint64(at) < next {
			return fmt.Errorf("it begins at position %d, expected %d in it", next, at)
		}
		if err := b.skip(uint64(at) - next); err != nil {
			return err
		}
		next = uint64(at) + 1
		if err := r.readEvent(&b, look, at); err != nil {
			return err
		}
	}
	return nil
}

// readEvent reads the next event, which the index of tags names, and keeps it if it is
// selected.
func (r *reader) readEvent(b *block, look *tagLook, at stream.Position) error {
	c, f := r.chunk, &r.chunk.frame
	more, err := b.next(f)
	switch {
	case err != nil:
		return err
	case !more || f.position != uint64(at):
		return fmt.Errorf("expected position %d, found %d", at, f.position)
	}
	selected, err := r.selects(f)
	if err != nil {
		return err
	}
	if !look.names(view(f.topic), r.tags) {
		return fmt.Errorf("the index of tags names the event at position %d of topic %s, which is tagged %q", at, f.topic, r.tags)
	}
	if !selected {
		return nil
	}
	c.records = append(c.records, stream.Record{})
	rec := &c.records[len(c.records)-1]
	if err := f.record(c.names, rec); err != nil {
		return err
	}
	start := len(c.values)
	c.values = append(c.values, rec.Data...)
	rec.Data = c.values[start:len(c.values):len(c.values)]
	return nil
}

// names reports whether an event is one that was looked up.
func (look *tagLook) names(topic string, tags []string) bool {
	for i := range look.match {
		if of := look.match[i].Topic; (of == "" || of == topic) && slices.Contains(tags, look.tags[i]) {
			return true
		}
	}
	return false
}
