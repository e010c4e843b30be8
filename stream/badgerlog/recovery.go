package badgerlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

// start opens the log's parts, stores what only the journal has, checks that
// nothing acknowledged is missing, and prepares the committer.
func (l *Log) start(origin stream.Position) (*committer, error) {
	var err error
	if err = l.fault("db.open"); err != nil {
		return nil, l.notOpened(err)
	}
	if l.db, err = openBadger(l.dir, l.options, &l.lost); err != nil {
		return nil, err
	}
	loose := l.options.Durability == Unsynced
	if err = l.fault("witness.open"); err != nil {
		return nil, l.notOpened(err)
	}
	if l.witness, err = openWitness(l.dir.path, loose, l.options.ReadOnly); err != nil {
		return nil, err
	}
	l.witness.fault = l.options.seams.fault
	if err = l.fault("journal.open"); err == nil {
		l.journal, err = l.openJournal(loose)
	}
	if err != nil {
		return nil, l.notOpened(err)
	}
	ts := max(l.db.MaxVersion(), 1)
	if err := l.checkFormat(&ts); err != nil {
		return nil, err
	}
	end, last, err := l.findEnd(ts)
	if err != nil {
		return nil, err
	}
	end.last = max(end.last, origin)
	r := &recovery{log: l, end: end, lastTime: last}
	l.db.SetDiscardTs(ts - 1)
	l.memory = newMemory(end, ts, l.options)
	l.flusher = newFlusher(l, ts, end)
	if err := r.run(); err != nil {
		return nil, err
	}
	if l.memory.cut, err = l.readCut(); err != nil {
		return nil, err
	}
	c := &committer{log: l, writer: newWriter(l), head: r.end.last, lastTime: r.lastTime, cursors: map[string]stream.Cursor{}}
	c.writer.ahead, c.writer.seq = &c.ahead, r.end.seq
	return c, nil
}

func (l *Log) openJournal(loose bool) (*journal.Journal, error) {
	key, err := l.dir.secrets.key(journalPart)
	if err != nil {
		return nil, fmt.Errorf("its journal's key: %w", err)
	}
	return journal.Open(l.dir.path, journal.Options{Unsynced: loose, SegmentBytes: l.options.seams.segment, ReadOnly: l.options.ReadOnly, Key: key})
}

// findEnd returns how far the database goes, and the last event's time.
func (l *Log) findEnd(ts uint64) (applied, time.Time, error) {
	txn := l.db.NewTransactionAt(ts, false)
	defer txn.Discard()
	var end applied
	sealed, err := l.get(txn, appliedKey)
	if err == nil {
		err = l.fault("db.iterate")
	}
	if err != nil {
		return applied{}, time.Time{}, l.notOpened(err)
	}
	if sealed != nil {
		end, err = decodeApplied(sealed)
	}
	if err != nil {
		return applied{}, time.Time{}, &stream.CorruptError{Err: fmt.Errorf("how far the journal is applied: %w", err)}
	}
	key := floorKey(txn, []byte{blockPrefix}, blockKey(1<<64-1))
	var last uint64
	if key != nil {
		if last, _, err = numbered([]byte{blockPrefix}, key); err != nil {
			return applied{}, time.Time{}, err
		}
	}
	if stream.Position(last) != end.last {
		return applied{}, time.Time{}, &stream.CorruptError{Position: min(end.last, stream.Position(last)) + 1,
			Err: fmt.Errorf("the database's last block ends at position %d, expected %d", last, end.last)}
	}
	if key == nil {
		return end, time.Time{}, nil
	}
	value, err := l.get(txn, key)
	if err != nil {
		return applied{}, time.Time{}, l.notOpened(err)
	}
	at, err := lastTime(value)
	if err != nil { // its readers are told, as those of any other block; time does not go back from now
		at = time.Now().UTC().Round(0)
	}
	return end, at, nil
}

// notOpened says that opening failed at a call into storage.
func (l *Log) notOpened(err error) error {
	return fmt.Errorf("badgerlog: open %s: %w", l.dir.path, err)
}

// lastTime is the time of a block's last event.
func lastTime(value []byte) (time.Time, error) {
	b, err := openBlock(value, nil)
	if err != nil {
		return time.Time{}, err
	}
	var f frame
	for {
		more, err := b.next(&f)
		if err != nil {
			return time.Time{}, err
		}
		if !more {
			return time.Unix(0, f.nanos).UTC(), nil
		}
	}
}

// recovery stores what the journal has and the database has not.
type recovery struct {
	log      *Log
	end      applied // how far it has come
	lastTime time.Time
}

func (r *recovery) run() error {
	l := r.log
	last, err := l.journal.Replay(r.end.seq, r.replay)
	if err == nil {
		err = l.fault("journal.replay")
	}
	var damaged *journal.DamagedError
	if errors.As(err, &damaged) {
		return &stream.CorruptError{Position: r.end.last + 1, Err: err}
	}
	if err != nil {
		return l.notOpened(err)
	}
	r.end.seq = max(last, r.end.seq)
	if err := l.witness.check(r.end); err != nil {
		return err
	}
	if l.options.ReadOnly {
		return nil // what the journal has stays in memory: it is never more than that is long
	}
	if err := r.store(); err != nil {
		return l.notOpened(err)
	}
	for _, step := range []func() error{r.tidy, r.begin, r.tidied} {
		if err := step(); err != nil {
			return l.notOpened(err)
		}
	}
	return nil
}

// tidy removes tables that were put aside.
func (r *recovery) tidy() error {
	if err := r.log.fault("dir.remove"); err != nil {
		return err
	}
	return removeAside(r.log.dir.path)
}

// begin empties the journal.
func (r *recovery) begin() error {
	if err := r.log.fault("journal.begin"); err != nil {
		return err
	}
	if err := r.log.journal.Begin(r.end.seq + 1); err != nil {
		return err
	}
	if err := r.log.fault("dir.sync"); err != nil {
		return err
	}
	return syncDir(r.log.dir.path)
}

// tidied removes the file that says that the value log was being collected.
func (r *recovery) tidied() error {
	if err := r.log.fault("dir.remove"); err != nil {
		return err
	}
	return ignoreMissing(os.Remove(filepath.Join(r.log.dir.path, collectName)))
}

// replay adds a journal record to memory. Its commits stay in one generation,
// as the mark of what is applied counts records.
func (r *recovery) replay(seq uint64, data []byte) error {
	commits, err := decodeCommits(data)
	if err != nil {
		return &stream.CorruptError{Position: r.end.last + 1, Err: fmt.Errorf("journal record %d: %w", seq, err)}
	}
	m := r.log.memory
	for _, c := range commits {
		for i := range c.records {
			if want := r.end.last + 1; c.records[i].Position != want {
				return &stream.CorruptError{Position: want, Err: fmt.Errorf("journal record %d: expected position %d, found %d", seq, want, c.records[i].Position)}
			}
			r.end.last, r.lastTime = c.records[i].Position, c.records[i].Time
		}
		for _, part := range c.parts {
			c.heads = append(c.heads, m.heads.hold(part.first().Stream))
		}
	}
	if !m.takes(commits...) && !r.log.options.ReadOnly {
		if err := r.store(); err != nil {
			return err
		}
	}
	m.publish(seq, commits...)
	for _, c := range commits {
		for i, head := range c.heads {
			head.release()
			head.version = c.parts[i].last().Version
			head.known.Store(true)
		}
	}
	r.end.seq = seq
	return nil
}

// store writes what memory has to the database; nobody else is there yet.
func (r *recovery) store() error {
	if r.log.memory.active.empty() {
		return nil
	}
	return r.log.flusher.store(r.log.memory.seal())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
