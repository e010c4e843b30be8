package badgerlog

import (
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// recent remembers what was committed lately: the versions of streams and the
// effects of commands. It spares the committer its reads: a caller looks things
// up in the database before it queues, and only what was committed since then
// can be news. Two generations keep it bounded; everything committed after floor
// is in one of them.
type recent struct {
	mu         sync.Mutex
	young, old memory
	floor      uint64 // commits after this are all remembered
	youngSince uint64
	limit      int // entries per generation
}

type memory struct {
	versions map[stream.ID]stream.Version
	commands map[commandID]effect
}

// commandID is a command as its topic knows it.
type commandID struct {
	topic string
	id    stream.EventID
}

func newMemory() memory {
	return memory{versions: map[stream.ID]stream.Version{}, commands: map[commandID]effect{}}
}

func newRecent(ts uint64, limit int) *recent {
	return &recent{young: newMemory(), old: newMemory(), floor: ts, youngSince: ts, limit: limit}
}

// version is a stream's version if it changed lately.
func (r *recent) version(id stream.ID) (stream.Version, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young.versions[id]; ok {
		return v, true
	}
	v, ok := r.old.versions[id]
	return v, ok
}

// command is a command's effect if it had one lately.
func (r *recent) command(c commandID) (effect, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.young.commands[c]; ok {
		return e, true
	}
	e, ok := r.old.commands[c]
	return e, ok
}

// covers reports whether nothing committed after ts has been forgotten.
func (r *recent) covers(ts uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ts >= r.floor
}

// remember adds what the commit at ts changed.
func (r *recent) remember(versions map[stream.ID]stream.Version, commands map[commandID]effect, ts uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young.versions) > r.limit || len(r.young.commands) > r.limit {
		r.old, r.young = r.young, newMemory()
		r.floor, r.youngSince = r.youngSince, ts-1
	}
	for id, v := range versions {
		r.young.versions[id] = v
	}
	for c, e := range commands {
		r.young.commands[c] = e
	}
}
