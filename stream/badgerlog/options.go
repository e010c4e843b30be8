package badgerlog

import (
	"fmt"
	"log/slog"
)

// Durability says when an append is acknowledged.
type Durability int

const (
	// Synced acknowledges an append once it is on the disk: it survives a crash
	// of the process, of the machine, and loss of power.
	Synced Durability = iota
	// Unsynced acknowledges an append once the operating system has it. It
	// survives a crash of the process; a crash of the machine or loss of power
	// may lose the last appends that were acknowledged, and consumers may have
	// seen them. The log then opens with what came before the first one that is
	// lost. What has got to the disk and is damaged there, before the database has
	// it, can not be told from that.
	Unsynced
)

// Options are how a log is opened. The zero value is ready for use.
type Options struct {
	// Durability is when an append is acknowledged; default [Synced].
	Durability Durability
	// TailEvents is how many of the newest events are kept in memory for
	// subscribers; default 65,536. A slower subscriber reads the log.
	TailEvents int
	// TailBytes bounds the same in bytes of stored events; default 64 MiB.
	TailBytes int
	// Compress makes what is written from now on smaller on the disk, at the cost
	// of time: blocks of events are compressed with Zstandard. A log may hold
	// both kinds.
	Compress bool
	// MinFree is the free disk space in bytes below which appends are refused
	// with a [*DiskFullError] while reads go on, and Truncate; default 256 MiB. A
	// negative value turns the check off: a disk that fills up may then end the
	// process.
	MinFree int64
	// Keys encrypt the log on the disk, and its backups; none: it is not encrypted,
	// and a log stays as it was made. Each has 16, 24 or 32 random bytes. The first
	// is the log's key; the others are earlier ones: a log that one of them opens is
	// moved to the first, and no other opens it from then on. Lose the key, and the
	// log is lost.
	Keys Keys
	// ReadOnly opens a log that is there for reading only, and changes nothing in
	// its directory, which need not be writable. Any number of processes may have
	// it open so at once, but none while another writes. What would change the log
	// is refused with [ErrReadOnly]; a read that follows waits until the log is
	// closed. If a log was not closed in peace, opening it needs room for some
	// files of at most a few 16 MiB in [os.TempDir].
	ReadOnly bool
	// Logger is told what the storage engine has to say; nil: nobody.
	Logger *slog.Logger

	seams seams
}

func (o *Options) validate() error {
	if o.Durability != Synced && o.Durability != Unsynced {
		return fmt.Errorf("badgerlog: open: durability %d is neither Synced nor Unsynced", o.Durability)
	}
	if o.TailEvents < 0 || o.TailBytes < 0 {
		return fmt.Errorf("badgerlog: open: a tail of %d events and %d bytes, expected no negative number", o.TailEvents, o.TailBytes)
	}
	for i, key := range o.Keys {
		if n := len(key); n != 16 && n != 24 && n != 32 {
			return fmt.Errorf("badgerlog: open: key %d of %d has %d bytes, expected 16, 24 or 32", i+1, len(o.Keys), n)
		}
	}
	if o.TailEvents == 0 {
		o.TailEvents = 1 << 16
	}
	if o.TailBytes == 0 {
		o.TailBytes = 64 << 20
	}
	if o.MinFree == 0 {
		o.MinFree = 256 << 20
	}
	if o.seams.free == nil {
		o.seams.free = newGauge(o.MinFree).read
	}
	if o.seams.generation == 0 {
		o.seams.generation = maxGenerationEvents
	}
	if o.seams.valueLog == 0 {
		o.seams.valueLog = valueLogFileSize
	}
	return nil
}

// seams are where tests make storage fail. Production leaves them empty.
type seams struct {
	free       func(dir string) (int64, error) // how much room the disk has
	commit     func(write func() error) error  // around the journaling of a commit group
	generation int                             // how many events are journaled before the database gets them
	valueLog   int64                           // how long the value-log files of the database are
	segment    int64                           // how long the journal's segments are
	flush      func(write func() error) error  // around the writing of a generation to the database
	fault      faults                          // before each call into storage; after one that syncs
}

// faults makes calls into storage fail: it is asked with the call's name, such
// as "db.get" or "journal.append". Nil, as in production, lets all of them pass.
type faults func(call string) error

func (f faults) at(call string) error {
	if f == nil {
		return nil
	}
	return f(call)
}
