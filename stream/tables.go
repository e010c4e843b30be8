package stream

import "context"

// Tables is an ordered key-value store for what can be made anew from a log: views
// and snapshots. Each table belongs to one owner, whose name it has. All methods
// may be called concurrently.
//
// What was stored survives a crash of the process. After a crash of the machine or a
// loss of power the tables may be empty, and are never anything between that and
// whole: an owner that stores its place in the log with what it made of it loses
// nothing but time.
type Tables interface {
	// Claim makes the caller the table's only owner until release is called, which
	// may be called more than once. It returns a [*BusyError] while there is another.
	Claim(ctx context.Context, table string) (release func(), err error)

	// Update stores changes to a table, all or none; of several for one key the last
	// one counts. It returns a [*TooLargeError] for more than one transaction takes,
	// an [*InvalidError] for a table's name that can not be a stream's key, and
	// [ErrClosed].
	Update(ctx context.Context, table string, changes ...Change) error

	// Snapshot is all tables at one moment. It costs little, but what it shows is
	// kept until it is closed.
	Snapshot(ctx context.Context) (TableSnapshot, error)

	// Tables lists the names of the tables that hold something, in order.
	Tables(ctx context.Context) ([]string, error)

	// Drop removes a table and everything in it. It may stop half way with an
	// error, and is then called again.
	Drop(ctx context.Context, table string) error
}

// TableSnapshot is tables at one moment. Its methods may be called concurrently,
// until it is closed.
type TableSnapshot interface {
	// Get returns the value under a key, which the caller may keep; false if there is
	// none.
	Get(table, key string) (value []byte, ok bool, err error)

	// Range hands over a range of a table in order of its keys' bytes. The value is
	// valid only until emit returns. It returns emit's error.
	Range(r TableRange, emit func(key string, value []byte) error) error

	// Close lets go of what the snapshot kept. It may be called more than once.
	Close()
}

// TableRange says what to read of a table.
type TableRange struct {
	Table   string // which one
	From    string // from this key on, inclusive
	To      string // before this key; empty: to the end
	Reverse bool   // from the end of the range to its beginning
}
