package main

import "errors"

// store is one open log or database that events are appended to.
type store interface {
	// put commits the n events from number first on in one commit, to one
	// stream, and returns once they are as durable as the load asks. Safe for
	// concurrent use.
	put(first, n int) error

	// close stores what is left and gives everything back.
	close() error
}

// flusher is a store whose put returns before the commit: flush waits for it,
// inside the measured time.
type flusher interface {
	flush() error
}

// opener opens a store of its kind in an empty directory.
type opener func(dir string, l load, events *pool) (store, error)

// load is what the callers of an append case do, and what the store is to do
// with it.
type load struct {
	callers  int  // that append at the same time
	batch    int  // events in one commit
	durable  bool // put returns once the commit would survive loss of power
	payload  int  // bytes
	streams  int  // that the events are spread over, in turn
	index    index
	command  bool // every append has a command ID, and is deduplicated by it
	compress bool // Thaw's own option
	first    int  // number of the first event
	events   int  // stop after so many; 0: when the time is up
}

// key is the stream that a commit goes to: all events of one go to the same.
func (l load) key(events *pool, first int) string { return events.key(first / l.batch) }

// index is what a key-value store keeps for each event besides the event, so that
// those of one stream are found.
type index int

const (
	noIndex   index = iota
	copies          // the event again, by stream: to load a stream is to scan it
	positions       // where the event is: it has to be looked up
)

// entry is what the index has for event i.
func (l load) entry(events *pool, i int) []byte {
	if l.index == positions {
		return positionKey(i)
	}
	return events.frame(i)
}

// closeAll closes in order and returns all errors.
func closeAll(closers ...func() error) error {
	var errs []error
	for _, c := range closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
