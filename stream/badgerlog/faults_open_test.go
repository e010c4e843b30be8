package badgerlog

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

// A log that was closed with events in its journal only is opened by whichever
// try meets no fault: those before it say what failed, let go of the directory,
// and lose nothing.
// Breaks when: Open does not release the directory after start has failed; run
// calls Begin, which empties the journal, before it stores what was replayed.
func TestAnOpeningThatFailsInTheMiddleOfRecoveryLosesNothing(t *testing.T) {
	var injected tally
	well := breaking(call{}, false)
	recoverWith(t, well)
	together(t, well.spread(faultsWanted(t, 30)), func(t *testing.T, at call) {
		d := breaking(at, false)
		recoverWith(t, d)
		injected.add(d.failures())
	})
	injected.log(t, "db.open", "db.get", "db.iterate", "db.set", "db.commit", "db.sync", "journal.open", "journal.replay", "journal.begin", "witness.write")
}

// recoverWith writes to a log whose database takes nothing, and opens it on
// another disk.
func recoverWith(t *testing.T, d *disk) {
	t.Helper()
	first := breaking(call{"db.commit", 2}, true) // after the format's stamp
	l := &life{t: t, dir: t.TempDir(), disk: first, book: newBook(), o: first.options(Synced)}
	l.run()
	if len(l.book.stored) < 4 {
		t.Fatalf("only %d events are in the journal: the test proves too little", len(l.book.stored))
	}
	l.disk, l.o = d, d.options(Synced)
	for range 3 {
		if l.open() {
			l.append(faultyA, stream.AnyVersion, written(2, 0))
			l.isWellOrStopped()
			l.close()
		}
	}
	l.end()
}

// An append that finds the journal full waits for the database and is stored. If
// the database then fails, or the journal has no room even so, it is ambiguous.
// Breaks when: writer.write does not ask for journal.ErrFull, or ignores what
// drain returns.
func TestAFullJournalMakesRoom(t *testing.T) {
	for claim, c := range map[string]struct {
		fails   string
		forever bool
		want    any
	}{
		"once":                     {"", false, nil},
		"for good":                 {"", true, new(*stream.AmbiguousError)},
		"while the database fails": {"db.commit", true, new(*stream.AmbiguousError)},
	} {
		t.Run(claim, func(t *testing.T) {
			full := 0 // the writer's
			var armed atomic.Bool
			o := breaking(call{}, false).options(Synced)
			o.seams.generation = 100
			o.seams.fault = func(name string) error {
				switch {
				case !armed.Load():
				case name == "journal.append":
					if full++; full == 1 || c.forever {
						return journal.ErrFull
					}
				case name == c.fails:
					return causes[0]
				}
				return nil
			}
			l := &life{t: t, dir: t.TempDir(), disk: breaking(call{}, false), book: newBook(), o: o}
			l.open()
			l.append(faultyA, stream.AnyVersion, written(2, 0))
			armed.Store(true)
			sent := written(2, 0)
			got, err := l.log.Append(t.Context(), faultyA, stream.AnyVersion, sent...)
			armed.Store(false)
			l.book.note(faultyA, sent, got, err)
			if c.want == nil && err != nil || c.want != nil && !errors.As(err, c.want) {
				t.Errorf("got %v, want %T", err, c.want)
			}
			l.book.shows(t, l.log)
			if err := l.log.Close(); err != nil && c.fails == "" {
				t.Error(err)
			}
			l.follower.Wait()
			l.end()
		})
	}
}

// Close says what it could not do and lets go of the directory all the same.
// Breaks when: release returns at its first error.
func TestACloseThatFailsLetsGoOfTheDirectory(t *testing.T) {
	for _, name := range []string{"db.commit", "db.close", "journal.close", "witness.close", "lock.close"} {
		t.Run(name, func(t *testing.T) {
			d, dir := breaking(call{}, false), t.TempDir()
			log, err := Open(dir, d.options(Synced))
			if err != nil {
				t.Fatal(err)
			}
			if err := fed(log, faultyA, written(1, 0)); err != nil {
				t.Fatal(err)
			}
			d.breakAt(call{name, 1})
			if err := log.Close(); !d.says(err) {
				t.Errorf("got %v, want what the disk said, %v", err, d.cause)
			}
			log, err = Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if all := everything(t, log); len(all) != 1 {
				t.Errorf("found %d events, want 1", len(all))
			}
			if err := log.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
