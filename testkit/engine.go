package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/stream"
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
	// directory is opened again as a kill would have left it.
	OnDisk Medium = "badgerlog"
)

// mediumVariable is the environment variable that says what specifications run
// on which do not say so themselves.
const mediumVariable = "THAW_TESTKIT_LOG"

// chosenMedium is what the environment says; the default is InMemory.
func chosenMedium() (Medium, error) {
	switch m := Medium(os.Getenv(mediumVariable)); m {
	case "":
		return InMemory, nil
	case InMemory, OnDisk:
		return m, nil
	default:
		return "", fmt.Errorf("%s: got %q, want %q or %q", mediumVariable, m, InMemory, OnDisk)
	}
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
	if medium == "" {
		var err error
		if medium, err = chosenMedium(); err != nil {
			return nil, err
		}
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

// log is the log as it is now, whatever crashes come between.
func (g *ground) log() Log { return &steady{g} }

// steady passes every call on to the log as it is now.
type steady struct{ ground *ground }

func (s *steady) now() Log { return *s.ground.now.Load() }

func (s *steady) Head(ctx context.Context) (stream.Cursor, error) { return s.now().Head(ctx) }

func (s *steady) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	return s.now().Read(ctx, q, emit)
}

func (s *steady) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	return s.now().Append(ctx, id, expected, records...)
}

func (s *steady) Claim(ctx context.Context, name string) (func(), error) {
	return s.now().Claim(ctx, name)
}

func (s *steady) Cursor(ctx context.Context, name string) (stream.Cursor, bool, error) {
	return s.now().Cursor(ctx, name)
}

func (s *steady) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	return s.now().SaveCursor(ctx, name, at)
}

func (s *steady) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	return s.now().Checkpoint(ctx, name, at, changes...)
}

func (s *steady) State(ctx context.Context, name, key string) ([]byte, bool, error) {
	return s.now().State(ctx, name, key)
}

func (s *steady) States(ctx context.Context, name, prefix string, emit func(string, []byte) error) error {
	return s.now().States(ctx, name, prefix, emit)
}

func (s *steady) Truncate(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
	return s.now().(stream.Truncater).Truncate(ctx, upTo) // both kinds are
}

func (s *steady) Close() error { return s.now().Close() }
