package testkit

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Medium is the kind of log that a specification runs on.
type Medium string

// The kinds of logs.
const (
	// InMemory is a memlog. A crash loses what ran and keeps the log.
	InMemory Medium = "memlog"
	// OnDisk is a badgerlog in a directory of the test's. After a crash the
	// directory is opened again as a kill would have left it. While it is open,
	// a day of virtual time takes some seconds of the test's, as Badger looks
	// after its files many times a second.
	OnDisk Medium = "badgerlog"
)

// mediumVariable is the environment variable that says what specifications run
// on which do not say so themselves.
const mediumVariable = "THAW_TESTKIT_LOG"

// chosen is the medium that a specification says, or else the environment; the
// default is InMemory.
func (m Medium) chosen() (Medium, error) {
	who := "On"
	if m == "" {
		who, m = mediumVariable, cmp.Or(Medium(os.Getenv(mediumVariable)), InMemory)
	}
	if m != InMemory && m != OnDisk {
		return "", fmt.Errorf("%s: got %q, want %q or %q", who, m, InMemory, OnDisk)
	}
	return m, nil
}

// ground is the log that a specification stands on. It may crash and be opened
// again; who holds log does not notice.
type ground struct {
	medium Medium
	root   string // OnDisk: where its directories are
	opened int    // how often it was opened
	now    atomic.Pointer[Log]
	left   []Log // opened before a crash; closed in the end
}

// openGround opens an empty log; medium may be empty: what the environment says.
func openGround(tb testing.TB, medium Medium) (*ground, error) {
	medium, err := medium.chosen()
	if err != nil {
		return nil, err
	}
	g := &ground{medium: medium}
	if medium == InMemory {
		log := Log(memlog.New())
		g.now.Store(&log)
		return g, nil
	}
	g.root = tb.TempDir()
	return g, g.open()
}

func (g *ground) directory(n int) string { return filepath.Join(g.root, strconv.Itoa(n)) }

func (g *ground) open() error {
	g.opened++
	log, err := badgerlog.Open(g.directory(g.opened), badgerlog.Options{MinFree: -1})
	if err != nil {
		return fmt.Errorf("open the log that the specification runs on: %w", err)
	}
	opened := Log(log)
	g.now.Store(&opened)
	return nil
}

// crash opens the log again as a kill leaves it. Nothing may be using it.
func (g *ground) crash() error {
	if g.medium == InMemory {
		return nil
	}
	g.left = append(g.left, *g.now.Load())
	if err := os.CopyFS(g.directory(g.opened+1), os.DirFS(g.directory(g.opened))); err != nil {
		return fmt.Errorf("keep what the crash leaves of the log: %w", err)
	}
	return g.open()
}

// close closes the log, and those that crashed.
func (g *ground) close() error {
	var failed []error
	if now := g.now.Load(); now != nil {
		failed = append(failed, (*now).Close())
	}
	for _, log := range g.left {
		failed = append(failed, log.Close())
	}
	return errors.Join(failed...)
}

// log is the log as it is now, whatever crashes come between, with a function
// around its operations.
func (g *ground) log(around Around) Log {
	l := &intercepted{log: func() Log { return *g.now.Load() }, around: around}
	return interceptedBoth{interceptedTruncater{l}, interceptedMulti{l}, l}
}
