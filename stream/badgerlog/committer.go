package badgerlog

import (
	"maps"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// committer is the one goroutine that writes. It takes a group of requests,
// decides each in turn as if those before it had been stored, stores what was
// accepted in one transaction, makes it visible, and only then answers.
type committer struct {
	log      *Log
	head     stream.Position // the last position given out
	lastTime time.Time
	ts       uint64 // of the last commit
	cursors  map[string]stream.Cursor
	failed   *FailedError // set for good by the first failed commit
	pins     int          // commits since old versions were last let go
}

func (c *committer) run() {
	for group := c.log.queue.take(); group != nil; group = c.log.queue.take() {
		c.commit(group)
		for _, r := range group {
			close(r.done)
		}
	}
}

// commit decides and stores a group and sets each request's outcome.
func (c *committer) commit(group []*request) {
	refuse := func(err error) {
		for _, r := range group {
			r.outcome = outcome{err: err}
		}
	}
	if c.failed != nil {
		refuse(c.failed)
		return
	}
	if err := c.checkSpace(); err != nil {
		refuse(err)
		return
	}
	p := newPlan(c)
	for _, r := range group {
		p.decide(r)
	}
	if p.empty() {
		return
	}
	txn := c.log.db.NewTransactionAt(c.ts+1, true)
	defer txn.Discard()
	bytes, err := p.fill(txn)
	if err != nil {
		refuse(err) // nothing was handed to storage: refused, not ambiguous
		return
	}
	write := func() error { return txn.CommitAt(c.ts+1, nil) }
	if err := c.write(write); err != nil {
		c.fail(p, group, storageError("commit", err))
		return
	}
	c.accept(p, bytes)
}

func (c *committer) write(write func() error) error {
	if seam := c.log.options.seams.commit; seam != nil {
		return seam(write)
	}
	return write()
}

// fail answers a group whose commit failed: what was to be stored may or may
// not be. Nobody is shown it, and nothing more is written, as the next commit
// could give the same positions to other events.
func (c *committer) fail(p *plan, group []*request, err error) {
	c.failed = &FailedError{Dir: c.log.dir.path, Err: err}
	for _, r := range group {
		switch {
		case r.consumer == "" && r.outcome.err == nil:
			r.outcome = outcome{err: &stream.AmbiguousError{Stream: r.id, Err: err}}
		default:
			r.outcome = outcome{err: c.failed}
		}
	}
}

// accept makes a stored plan the log's state and shows it.
func (c *committer) accept(p *plan, bytes int) {
	c.ts++
	c.head += stream.Position(len(p.records))
	c.lastTime = p.now
	for name, at := range p.cursors {
		c.cursors[name] = at
	}
	// Before it is shown: a caller that sees this commit's timestamp must find
	// its versions here or in the database, and finds them in both.
	c.log.recent.remember(p.versions, p.commands, c.ts)
	c.log.tail.publish(p.records, bytes, c.ts)
	c.letGo()
}

// letGo tells Badger every so often which old versions nobody reads any more.
func (c *committer) letGo() {
	const every = 256
	if c.pins++; c.pins < every {
		return
	}
	c.pins = 0
	c.log.db.SetDiscardTs(c.log.reads.oldest(c.ts) - 1)
}

func (c *committer) checkSpace() error {
	floor := c.log.options.MinFree
	if floor < 0 {
		return nil
	}
	free, err := c.log.options.seams.free(c.log.dir.path)
	if err != nil {
		return err
	}
	if free < floor {
		return &DiskFullError{Dir: c.log.dir.path, Free: free, Floor: floor}
	}
	return nil
}

// plan is what a group adds to the log, as decided so far.
type plan struct {
	c        *committer
	now      time.Time
	records  []stream.Record // in commit order; requests hold parts of it
	accepted []*request      // appends, with where their records begin
	starts   []int
	versions map[stream.ID]stream.Version
	commands map[commandID]effect
	cursors  map[string]stream.Cursor
	changes  []keyed
}

// keyed is a consumer's change under its database key.
type keyed struct{ key, value []byte }

func newPlan(c *committer) *plan {
	now := time.Now().UTC().Round(0)
	if now.Before(c.lastTime) {
		now = c.lastTime
	}
	return &plan{
		c: c, now: now,
		versions: map[stream.ID]stream.Version{},
		commands: map[commandID]effect{},
		cursors:  map[string]stream.Cursor{},
	}
}

func (p *plan) empty() bool { return len(p.records) == 0 && len(p.cursors) == 0 }

func (p *plan) decide(r *request) {
	if r.consumer != "" {
		r.outcome.err = p.decideCheckpoint(r)
		return
	}
	r.outcome = p.decideAppend(r)
}

func (p *plan) decideAppend(r *request) outcome {
	version, earlier, err := p.known(r)
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
	start := len(p.records)
	for i := range r.records {
		p.records = append(p.records, r.records[i])
		rec := &p.records[len(p.records)-1]
		rec.Shard, rec.Stream, rec.Time = 0, r.id, p.now
		rec.Meta = maps.Clone(rec.Meta)
		rec.Position = p.c.head + stream.Position(len(p.records))
		rec.Version = version + stream.Version(i+1)
		if rec.ID.IsZero() {
			rec.ID = stream.NewID()
		}
	}
	p.accepted, p.starts = append(p.accepted, r), append(p.starts, start)
	p.versions[r.id] = version + stream.Version(len(r.records))
	if command := r.records[0].Command; !command.IsZero() {
		p.commands[commandID{r.id.Topic, command}] = effect{r.id, version + 1, len(r.records)}
	}
	return outcome{}
}

// known is the stream's version and the command's earlier effect, as if what
// this plan has accepted were stored.
func (p *plan) known(r *request) (stream.Version, *effect, error) {
	command := commandID{r.id.Topic, r.records[0].Command}
	recent := p.c.log.recent
	prep := r.prepared
	if !recent.covers(prep.ts) { // it waited so long that news was forgotten
		var err error
		if prep, err = p.c.log.prepare(r.id, command.id); err != nil {
			return 0, nil, err
		}
	}
	version, earlier := prep.version, prep.earlier
	if v, ok := recent.version(r.id); ok {
		version = v
	}
	if v, ok := p.versions[r.id]; ok {
		version = v
	}
	if command.id.IsZero() {
		return version, nil, nil
	}
	if e, ok := recent.command(command); ok {
		earlier = &e
	}
	if e, ok := p.commands[command]; ok {
		earlier = &e
	}
	return version, earlier, nil
}

func (p *plan) decideCheckpoint(r *request) error {
	saved, ok := p.cursors[r.consumer]
	if !ok {
		var err error
		if saved, err = p.c.cursor(r.consumer); err != nil {
			return err
		}
	}
	head := stream.At(p.c.head + stream.Position(len(p.records)))
	if err := engine.CheckForward(r.consumer, saved, head, r.at); err != nil {
		return err
	}
	p.cursors[r.consumer] = r.at
	for _, change := range r.changes {
		key := stateKey(r.consumer, change.Key)
		if change.Value == nil {
			p.changes = append(p.changes, keyed{key: key})
			continue
		}
		p.changes = append(p.changes, keyed{key, seal(change.Value)})
	}
	return nil
}

// cursor is a consumer's stored place; the zero cursor if it has none.
func (c *committer) cursor(name string) (stream.Cursor, error) {
	if at, ok := c.cursors[name]; ok {
		return at, nil
	}
	at, _, err := c.log.readCursor(name)
	return at, err
}

// fill writes the plan into a transaction and returns how many bytes of blocks
// it has. The records' payloads then belong to the blocks.
func (p *plan) fill(txn *badger.Txn) (bytes int, err error) {
	set := func(key, value []byte) {
		if err == nil {
			err = txn.Set(key, value)
		}
	}
	// The streams' entries first: encoding a block moves the payloads.
	for _, group := range p.byStream() {
		for len(group) > 0 {
			n := blockLen(group)
			set(streamKey(group[0].Stream, group[0].Version, group[0].Position), encodeBlock(group[:n], false))
			group = group[n:]
		}
	}
	for rest := p.records; len(rest) > 0; {
		n := blockLen(rest)
		value := encodeBlock(rest[:n], true)
		set(blockKey(rest[0].Position), value)
		bytes += len(value)
		rest = rest[n:]
	}
	for c, e := range p.commands {
		set(commandKey(c.topic, c.id), e.encode())
	}
	for name, at := range p.cursors {
		set(cursorKey(name), seal([]byte(at.String())))
	}
	for _, change := range p.changes {
		if change.value == nil && err == nil {
			err = txn.Delete(change.key)
			continue
		}
		set(change.key, change.value)
	}
	for i, r := range p.accepted {
		r.outcome.records = p.records[p.starts[i] : p.starts[i]+len(r.records) : p.starts[i]+len(r.records)]
	}
	return bytes, storageError("prepare a commit", err)
}

// byStream is the plan's records by stream, in version order: one entry of the
// stream index may hold what several requests appended.
func (p *plan) byStream() [][]stream.Record {
	if len(p.versions) == 1 { // the common case of a batch needs no copy
		return [][]stream.Record{p.records}
	}
	index := make(map[stream.ID]int, len(p.versions))
	groups := make([][]stream.Record, 0, len(p.versions))
	for i, r := range p.accepted {
		part := p.records[p.starts[i] : p.starts[i]+len(r.records)]
		at, ok := index[r.id]
		if !ok {
			index[r.id] = len(groups)
			groups = append(groups, slices.Clip(part))
			continue
		}
		groups[at] = append(groups[at], part...)
	}
	return groups
}
