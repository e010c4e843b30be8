package badgerlog

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// ImportOptions are how records are imported. The zero value gives them new
// positions, versions and times.
type ImportOptions struct {
	// KeepPositions stores each record at the position and version that it
	// carries; a record that does not come next in the log and in its stream is an
	// error. Otherwise records go behind what is there.
	KeepPositions bool
	// KeepTimes stores each record with the time that it carries, which must not
	// be before the one in front of it.
	KeepTimes bool
	// Progress, if set, is told after each group how much has been done. It runs
	// on the caller's goroutine.
	Progress func(Imported)
}

// Imported is how far an import has come.
type Imported struct {
	Events  uint64 // that are stored
	Skipped uint64 // that were not stored again, as their command had taken effect before
}

// ImportError says at which record an import ended. What came before is stored.
type ImportError struct {
	Record uint64 // counted from 1
	Err    error  // what is wrong with it
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("badgerlog: import: record %d: %v", e.Record, e.Err)
}

// Unwrap returns what is wrong with the record.
func (e *ImportError) Unwrap() error { return e.Err }

// Import stores records in the order they come, thousands in one commit, each
// commit whole or not at all. IDs, causes and metadata are kept. Records of one
// stream and command that follow one another are one append; if new positions
// are given, an append whose command took effect before is skipped, so an import
// that was cut short can be repeated. Appends and reads may go on meanwhile; an
// append in between makes an import that keeps positions fail.
//
// A record may be changed once the next one is asked for. Errors: an
// [*ImportError] for a record that can not be stored, or with the error that came
// with it; and those of [Log.Append] if storing fails, whatever the records are.
func (l *Log) Import(ctx context.Context, records iter.Seq2[stream.Record, error], o ImportOptions) (Imported, error) {
	if err := l.mayWork(ctx); err != nil {
		return Imported{}, err
	}
	if l.options.ReadOnly {
		return Imported{}, readOnlyError("import into " + l.dir.path)
	}
	m := &importer{log: l, ctx: ctx, options: o, batch: &batch{index: tagIndex{}}}
	var err error
	for r, broken := range records {
		if m.seen++; broken != nil {
			err = &ImportError{Record: m.seen, Err: broken}
		} else {
			err = m.add(&r)
		}
		if err != nil {
			m.batch.dropTail() // what came before is stored all the same
			break
		}
	}
	return m.done, cmp.Or(m.finish(), err)
}

// importer gathers records into batches. While one is being committed the next
// is gathered: two at a time stand in memory.
type importer struct {
	log     *Log
	ctx     context.Context
	options ImportOptions
	seen    uint64
	batch   *batch // that is gathered
	queued  *batch // that is being committed
	failed  error  // why the first batch that failed did
	done    Imported
}

// batch is many appends that are committed at once.
type batch struct {
	keepPositions, keepTimes bool
	first                    uint64          // its first record, as the import counts them
	records                  []stream.Record // of all appends
	data                     []byte          // the records' payloads
	appends                  []request
	weight                   weight
	bytes                    int // of all records as they are encoded, at most
	index                    tagIndex
	tail, tailBytes          int // events of the last append, and bytes of payload and metadata
	tailKeys                 int // of the weight, before the last append
	request                  *request
}

// Limits on a batch, so that it is a good part of a generation.
const (
	maxBatchEvents  = maxGenerationEvents / 4
	maxBatchBytes   = maxGenerationBytes / 4
	maxBatchEntries = maxGenerationEntries / 2
	maxBatchKeys    = maxGenerationKeys / 2
)

// add makes a record part of the batch. Its payload is copied.
func (m *importer) add(r *stream.Record) error {
	if err := engine.CheckAppend(r.Stream, []stream.Record{*r}); err != nil {
		return &ImportError{Record: m.seen, Err: err}
	}
	one, more := m.batch.goesOn(r)
	if m.batch.full() && (!more || r.Command.IsZero()) { // an append with a command is not divided
		if err := m.commit(); err != nil {
			return err
		}
		one, more = false, false
	}
	b := m.batch
	if len(b.records) == 0 {
		b.first = m.seen
	}
	if !one {
		b.weight.addStream(r.Stream)
		b.weight.add(len(r.Stream.Topic) + len(r.Stream.Key) + 32) // its command
	}
	if !more {
		b.tail, b.tailBytes, b.tailKeys = 0, 0, b.weight.keys
	}
	for _, tag := range r.Tags {
		if b.index.add(tag, r.Stream.Topic) {
			b.weight.addTag(tag, r.Stream.Topic)
		}
	}
	if err := b.checkTail(r); err != nil {
		return &ImportError{Record: m.seen, Err: err}
	}
	b.bytes += recordSize(r.Stream, r)
	start := len(b.data)
	b.data = append(b.data, r.Data...)
	b.records = append(b.records, *r)
	last := &b.records[len(b.records)-1]
	last.Data = b.data[start:len(b.data):len(b.data)]
	return nil
}

// checkTail counts a record that goes on with the batch's last append, which must
// not be larger than one may be.
func (b *batch) checkTail(r *stream.Record) error {
	b.tail++
	b.tailBytes += len(r.Data)
	for k, v := range r.Meta {
		b.tailBytes += len(k) + len(v)
	}
	keys := b.weight.keys - b.tailKeys
	what, size, most := "", 0, 0
	switch {
	case b.tail > engine.MaxAppendEvents:
		what, size, most = " (events)", b.tail, engine.MaxAppendEvents
	case r.Command.IsZero():
		return nil
	case b.tailBytes > engine.MaxAppendBytes:
		what, size, most = " (bytes)", b.tailBytes, engine.MaxAppendBytes
	case keys > maxRequestKeys:
		what, size, most = " (bytes of its names and different tags)", keys, maxRequestKeys
	default:
		return nil
	}
	return &stream.TooLargeError{What: "append to " + r.Stream.String() + what, Size: int64(size), Limit: int64(most)}
}

// goesOn reports whether a record belongs to the batch's last append, and whether it
// at least belongs to those to several streams that are not divided.
func (b *batch) goesOn(r *stream.Record) (one, more bool) {
	if len(b.records) == 0 {
		return false, false
	}
	last, next := originOf(&b.records[len(b.records)-1].Header), originOf(&r.Header)
	return last.append(&next), last.batch(&next)
}

// dropTail takes the last append out, which may not be complete: were it stored,
// a repeated import would skip the rest of it.
func (b *batch) dropTail() {
	if n := len(b.records); n > 0 && !b.records[n-1].Command.IsZero() {
		b.records = b.records[:n-min(b.tail, n)]
	}
}

func (b *batch) full() bool {
	n := len(b.records)
	return n > 0 && (n >= maxBatchEvents || b.bytes >= maxBatchBytes ||
		b.weight.entries >= maxBatchEntries || b.weight.keys >= maxBatchKeys)
}

// commit hands the batch over and waits for the one before it.
func (m *importer) commit() error {
	b := m.batch
	if err := m.ctx.Err(); err != nil {
		return err
	}
	b.keepPositions, b.keepTimes = m.options.KeepPositions, m.options.KeepTimes
	b.divide()
	before := m.queued
	m.batch, m.queued = &batch{index: tagIndex{}}, nil
	err := m.put(b)
	if err == nil {
		m.queued = b
	}
	m.wait(before)
	if m.failed != nil {
		return m.failed
	}
	if before != nil {
		m.batch = before.reuse()
	}
	return err
}

// put hands a batch to the committer.
func (m *importer) put(b *batch) error {
	r := m.log.queue.request()
	r.batch, r.size = b, maxGroupBytes
	r.id = b.records[0].Stream
	var err error
	for i := range b.appends {
		if err = m.log.prepare(&b.appends[i]); err != nil {
			break
		}
	}
	if err == nil && !m.log.queue.put(r) {
		err = stream.ErrClosed
	}
	if err != nil {
		letGo([]*request{r})
		return err
	}
	b.request = r
	return nil
}

// wait takes a batch's outcome; nil has none.
func (m *importer) wait(b *batch) {
	if b == nil {
		return
	}
	<-b.request.done
	err := b.request.outcome.err
	m.log.queue.reuse(b.request)
	if m.failed == nil {
		m.failed = err
	}
	if err != nil {
		return
	}
	for i := range b.appends {
		if n := uint64(len(b.appends[i].records)); b.appends[i].outcome.earlier != nil {
			m.done.Skipped += n
		} else {
			m.done.Events += n
		}
	}
	if m.options.Progress != nil {
		m.options.Progress(m.done)
	}
}

// finish commits what is left, and returns why not all of it could be.
func (m *importer) finish() error {
	var err error
	if len(m.batch.records) > 0 && m.failed == nil {
		err = m.commit()
	}
	m.wait(m.queued)
	return cmp.Or(m.failed, err)
}

// divide turns the records into appends: consecutive ones of a stream and a
// command.
func (b *batch) divide() {
	for rest := b.records; len(rest) > 0; {
		n := 1
		for first := originOf(&rest[0].Header); n < len(rest); n++ {
			if next := originOf(&rest[n].Header); !first.append(&next) {
				break
			}
		}
		b.appends = append(b.appends, request{id: rest[0].Stream, expected: stream.AnyVersion, records: rest[:n:n]})
		rest = rest[n:]
	}
}

// reuse is an empty batch in the room of one whose outcome was taken.
func (b *batch) reuse() *batch {
	clear(b.records)
	clear(b.appends)
	clear(b.index)
	return &batch{index: b.index, records: b.records[:0], data: b.data[:0], appends: b.appends[:0]}
}

// heads are the streams that the request holds.
func (r *request) heads(each func(*streamHead)) {
	if r.head != nil {
		each(r.head)
	}
	if r.joint != nil {
		for i := range r.joint.writes {
			r.joint.writes[i].heads(each)
		}
	}
	if r.batch == nil {
		return
	}
	for i := range r.batch.appends {
		if head := r.batch.appends[i].head; head != nil {
			each(head)
		}
	}
}
