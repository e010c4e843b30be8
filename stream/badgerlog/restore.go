package badgerlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// Restore makes the log that backups hold, in a directory that is not there or
// empty: the same positions, versions, times, commands and consumers, truncated
// where it was. The first backup must be of all that its log had, and each other
// one go on where the one before it ended. It stores what it reads as an import
// does, with o, and does not leave the log open.
//
// The log is encrypted if o has keys, and only then, whatever the backups are; one
// that is encrypted needs its key among them. So a log that is not encrypted becomes
// so by being restored from a backup, and the other way there is only [Log.Import].
//
// The log is there whole or not at all: until it is, [Open] refuses the directory
// with a [*FormatError]; Restore itself may be repeated there. Errors: a
// [*BackupError] for a backup that is damaged, cut short or does not go on from
// the one before, a [*KeyError] for one that is encrypted and whose key is not given,
// and those of [Open] and [Log.Import].
func Restore(ctx context.Context, dir string, o Options, backups ...io.Reader) (Backup, error) {
	if err := o.validate(); err != nil {
		return Backup{}, err
	}
	if o.ReadOnly {
		return Backup{}, readOnlyError("restore " + dir)
	}
	chain, err := openChain(backups, o.Keys)
	if err != nil {
		return Backup{}, err
	}
	place, err := claimForRestore(dir, o.seams.fault)
	if err != nil {
		return Backup{}, err
	}
	done, err := restore(ctx, place, o, chain)
	if err == nil {
		err = place.finish(o.seams.fault)
	} else {
		err = errors.Join(err, place.clear())
	}
	return done, errors.Join(err, place.close(o.seams.fault))
}

// VerifyBackup reads backups as [Restore] would, with the keys of o, checks what it
// would check while reading them, and stores nothing.
func VerifyBackup(ctx context.Context, o Options, backups ...io.Reader) (Backup, error) {
	if err := o.validate(); err != nil {
		return Backup{}, err
	}
	chain, err := openChain(backups, o.Keys)
	if err != nil {
		return Backup{}, err
	}
	for _, r := range chain {
		if err := r.drain(ctx.Err); err != nil {
			return Backup{}, err
		}
	}
	return chain.total(0), nil
}

func restore(ctx context.Context, place *directory, o Options, chain backupChain) (Backup, error) {
	if err := place.unlock(o); err != nil {
		return Backup{}, err
	}
	begin := chain.begin()
	r := &restoration{ctx: ctx, chain: chain[begin:]}
	var err error
	// The lock stays with who restores.
	if r.log, err = openLog(&directory{path: place.path, secrets: place.secrets}, o, r.chain[0].header.cut); err != nil {
		return Backup{}, err
	}
	if err := errors.Join(r.run(), r.log.Close()); err != nil {
		return Backup{}, err
	}
	return chain.total(begin), nil
}

// restoration fills a log from backups, of which the first needs none before it.
type restoration struct {
	ctx   context.Context
	log   *Log
	chain backupChain
}

func (r *restoration) run() error {
	if err := r.beginAtCut(r.chain[0]); err != nil {
		return err
	}
	for i, b := range r.chain {
		if err := r.truncate(b); err != nil {
			return err
		}
		for _, stop := range r.stops(i) {
			if err := r.importUpTo(b, stop); err != nil {
				return err
			}
		}
		if err := r.restoreConsumers(b, i == len(r.chain)-1); err != nil {
			return err
		}
		if err := b.finish(); err != nil {
			return err
		}
	}
	head := r.log.memory.visible()
	if want := r.chain[len(r.chain)-1].header.to; head != want {
		return fmt.Errorf("badgerlog: restore %s: expected events up to position %d, stored were those up to %d", r.log.dir.path, want, head)
	}
	return nil
}

// beginAtCut stores how far the log was truncated, and the versions that its
// streams have had there.
func (r *restoration) beginAtCut(b *backupReader) error {
	cut := b.header.cut
	if cut > 0 {
		if err := r.log.markCut(r.ctx, cut); err != nil {
			return err
		}
	}
	var emptied []keyed
	flush := func() error {
		if len(emptied) == 0 {
			return nil
		}
		err := r.log.changeStreams(r.ctx, emptied, len(emptied))
		emptied = nil
		return err
	}
	bytes := 0
	err := b.streams(func(s lostStream) error {
		e := keyed{streamKey(s.id, s.version, s.at), encodeBlock(nil)}
		if bytes += len(e.key); len(emptied) == maxWindowChanges || bytes > maxWindowBytes {
			bytes = len(e.key)
			if err := flush(); err != nil {
				return err
			}
		}
		emptied = append(emptied, e)
		return nil
	})
	if err = cmp.Or(err, flush()); err == nil {
		err = r.log.settle(r.ctx)
	}
	if err != nil || b.header.flags&flagHalf == 0 {
		return err
	}
	return r.importHalf(b, r.stops(0)[0])
}

// importHalf stores what is left of an append whose first events were removed, up
// to a position.
func (r *restoration) importHalf(b *backupReader, last stream.Position) error {
	first, err := b.record()
	if first == nil || err != nil {
		return err
	}
	id, command := first.Stream, first.Command
	err = r.importWhile(b, func(rec *stream.Record) bool {
		return rec.Stream == id && rec.Command == command && rec.Position <= last
	})
	if err != nil {
		return err
	}
	return r.forget(id.Topic, command)
}

// truncate truncates the log where it was when the backup was made: what it
// holds may be what could only happen then.
func (r *restoration) truncate(b *backupReader) error {
	want := b.header.cut
	if want == r.log.memory.cutAt() {
		return nil
	}
	got, err := r.log.truncate(r.ctx, want, true)
	if err == nil && got.Position(0) != want {
		err = fmt.Errorf("badgerlog: restore %s: expected it to be truncated at position %d, found %s", r.log.dir.path, want, got)
	}
	return err
}

// stops are where the import of a backup has to stop: where blocks have to end as
// the log will be truncated there, and at its end.
func (r *restoration) stops(i int) []stream.Position {
	end := r.chain[i].header.to
	stops := []stream.Position{end}
	for _, later := range r.chain[i+1:] {
		if cut := later.header.cut; cut > r.chain[i].header.from && cut < end {
			stops = append(stops, cut)
		}
	}
	slices.Sort(stops)
	return slices.Compact(stops)
}

// importUpTo stores events up to a position, which is then the end of a block. An
// append that goes on behind it becomes two.
func (r *restoration) importUpTo(b *backupReader, last stream.Position) error {
	var before origin
	var topics []string // of the append that it belongs to
	err := r.importWhile(b, func(rec *stream.Record) bool {
		if rec.Position > last {
			return false
		}
		o := originOf(&rec.Header)
		if !before.batch(&o) {
			topics = topics[:0]
		}
		if before = o; !slices.Contains(topics, o.stream.Topic) {
			topics = append(topics, o.stream.Topic)
		}
		return true
	})
	if err != nil {
		return err
	}
	next, err := b.record()
	if err != nil || next == nil || next.Command.IsZero() {
		return err
	}
	if o := originOf(&next.Header); !before.batch(&o) {
		return nil
	}
	for _, topic := range topics {
		if err := r.forget(topic, before.command); err != nil {
			return err
		}
	}
	return nil
}

// importWhile stores events while they are wanted, and all of them in the
// database.
func (r *restoration) importWhile(b *backupReader, wanted func(*stream.Record) bool) error {
	records := func(yield func(stream.Record, error) bool) {
		for {
			rec, err := b.record()
			if err != nil {
				yield(stream.Record{}, err)
				return
			}
			if rec == nil || !wanted(rec) || !yield(*rec, nil) {
				return
			}
			b.next()
		}
	}
	_, err := r.log.Import(r.ctx, records, ImportOptions{KeepPositions: true, KeepTimes: true})
	if err == nil {
		return r.log.settle(r.ctx)
	}
	var broken *BackupError
	var refused *ImportError
	switch {
	case errors.As(err, &broken):
		return broken
	case errors.As(err, &refused):
		return b.broken(refused.Err)
	}
	return err
}

// forget forgets what a command did, as truncation has or will.
func (r *restoration) forget(topic string, command stream.EventID) error {
	if err := r.log.change(r.ctx, []keyed{{key: commandKey(topic, command)}}); err != nil {
		return err
	}
	return r.log.settle(r.ctx) // now memory has forgotten it as well
}

// restoreConsumers stores what consumers had stored, or only reads it.
func (r *restoration) restoreConsumers(b *backupReader, store bool) error {
	c := checkpoint{restoration: r}
	visit := c.add
	if !store {
		visit = func(savedState) error { return nil }
	}
	if err := b.consumers(visit); err != nil {
		return err
	}
	return c.store()
}

// checkpoint gathers what one consumer has stored.
type checkpoint struct {
	*restoration
	name    string
	at      stream.Cursor
	changes []stream.Change
	bytes   int
}

func (c *checkpoint) add(m savedState) error {
	const most = 256 // of the largest keys, one checkpoint takes as many
	if m.cursor || len(c.changes) == most || c.bytes+len(m.value) > maxCheckpointBytes/2 {
		if err := c.store(); err != nil {
			return err
		}
	}
	if m.cursor {
		at, err := stream.ParseCursor(string(m.value))
		c.name, c.at = m.name, at
		return err
	}
	c.changes = append(c.changes, stream.Change{Key: m.key, Value: append([]byte{}, m.value...)})
	c.bytes += len(m.value)
	return nil
}

// store stores what was gathered; a place alone, too.
func (c *checkpoint) store() error {
	if c.name == "" {
		return nil
	}
	err := c.log.Checkpoint(c.ctx, c.name, c.at, c.changes...)
	c.changes, c.bytes = nil, 0
	return err
}
