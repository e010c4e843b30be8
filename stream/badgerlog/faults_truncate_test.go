package badgerlog

import (
	"errors"
	"slices"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// The names of the calls into storage that truncating and collecting make.
var (
	truncateCalls = []string{"db.iterate", "db.value", "db.set", "db.commit", "db.sync", "journal.append", "journal.sync"}
	collectCalls  = []string{"gc.mark", "gc.flatten", "gc.rewrite", "gc.unmark"}
)

// removing is a log that is truncated while its disk fails.
type removing struct {
	t    *testing.T
	disk *disk
	log  *Log
	all  []stream.Record // before anything was removed
}

// truncatable makes the log: 60 events of several streams, in many blocks.
func truncatable(t *testing.T) image {
	t.Helper()
	dir := t.TempDir()
	log, err := Open(dir, breaking(call{}, false).options(Synced))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := fed(log, stream.ID{Topic: "t", Key: string(rune('a' + i%3))}, written(3, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return takeImage(t, dir)
}

func (r *removing) open(dir string) {
	r.t.Helper()
	var err error
	if r.log, err = Open(dir, r.disk.options(Synced)); err != nil {
		r.t.Fatal(err)
	}
	r.log.collector.stop() // it would make calls of its own
}

// isHonest checks that readers get everything after the cut, and for what is not
// there any more an error that says so.
func (r *removing) isHonest(least stream.Position) {
	r.t.Helper()
	s, err := r.log.Stats(r.t.Context())
	if err != nil || s.Cut < least {
		r.t.Errorf("history is gone up to %d, want %d at least: %v", s.Cut, least, err)
	}
	var got []string
	for id, q := range map[string]stream.Query{
		"": {From: stream.At(s.Cut)}, "a": {From: stream.At(s.Cut), Match: []stream.Match{{Topic: "t", Key: "a"}}},
	} {
		if got, err = reading(r.t.Context(), r.log, q); err != nil {
			r.t.Errorf("read %q after the cut at %d: %v", id, s.Cut, err)
		}
		want := slices.DeleteFunc(slices.Clone(r.all), func(e stream.Record) bool {
			return e.Position <= s.Cut || id != "" && e.Stream.Key != id
		})
		if !slices.Equal(got, told(want)) {
			r.t.Errorf("read %d events of %q after the cut at %d, want %d", len(got), id, s.Cut, len(want))
		}
	}
	var gone *stream.TruncatedError
	if got, err = reading(r.t.Context(), r.log, stream.Query{}); s.Cut > 0 && (!errors.As(err, &gone) || len(got) > 0) {
		r.t.Errorf("read %d events from the beginning of a log cut at %d: %v, want a TruncatedError", len(got), s.Cut, err)
	}
}

// truncate removes 45 events while a call fails, counted from now; it returns
// what did.
func (r *removing) truncate(at call) (failed []string) {
	r.t.Helper()
	r.disk.breakAt(at)
	cut, err := r.log.Truncate(r.t.Context(), stream.At(45))
	failed = r.disk.failures()
	r.disk.breakAt(call{})
	told := len(failed) > 0 && failed[0] != "witness.write" // which is told by Close
	if told != (err != nil) || told && !r.disk.says(err) {
		r.t.Errorf("after %v failed got %v, want what the disk said, %v", failed, err, r.disk.cause)
	}
	if err == nil && cut.Position(0) < 40 {
		r.t.Errorf("history is gone up to %s, want 45 or one block before", cut)
	}
	r.isHonest(cut.Position(0))
	stopped := slices.ContainsFunc(failed, func(call string) bool { return stops[call] })
	var refused *FailedError
	got, err := r.log.Append(r.t.Context(), faultyA, stream.AnyVersion, written(1, 0)...)
	if stopped && !errors.As(err, &refused) || !stopped && err != nil {
		r.t.Errorf("append after %v failed: %v", failed, err)
	}
	r.all = append(r.all, got...)
	if err := r.log.Verify(r.t.Context(), nil); err != nil && !stopped {
		r.t.Errorf("verify after %v failed: %v", failed, err)
	}
	return failed
}

// A truncation that fails says so, removes nothing that it was not asked to, and
// leaves no reader in the dark; the next one finishes it.
// Breaks when: erase drops the error of nextWindow, or Truncate moves the cut in
// memory before the committer has it.
func TestATruncationThatFailsIsAnErrorAndTheNextOneFinishesIt(t *testing.T) {
	files := truncatable(t)
	well := &removing{t: t, disk: breaking(call{}, false)}
	well.open(files.write(t))
	clear(well.disk.made)
	well.all = everything(t, well.log)
	well.truncate(call{})
	if err := well.log.Close(); err != nil {
		t.Fatal(err)
	}
	var injected tally
	together(t, well.disk.spread(faultsWanted(t, 60)), func(t *testing.T, at call) {
		r := &removing{t: t, disk: breaking(call{}, false)}
		dir := files.write(t)
		r.open(dir)
		r.all = everything(t, r.log)
		failed := r.truncate(at)
		injected.add(failed)
		if err := r.log.Close(); err != nil && !r.disk.says(err) {
			t.Error(err)
		}
		r.open(dir)
		r.isHonest(0)
		r.truncate(call{})
		if err := errors.Join(r.log.Verify(t.Context(), nil), r.log.Close()); err != nil {
			t.Errorf("after %v failed: %v", failed, err)
		}
	})
	injected.log(t, truncateCalls...)
}

// A collection that fails says so and changes nothing that anybody sees; the next
// one is as if it had not been.
// Breaks when: collect drops the error of mark or unmark.
func TestACollectionThatFailsIsAnErrorAndStopsNothing(t *testing.T) {
	var injected tally
	for _, name := range collectCalls {
		t.Run(name, func(t *testing.T) {
			d := breaking(call{}, false)
			log, _ := logToRead(t, d)
			want := told(everything(t, log))
			d.breakAt(call{name, 1})
			if _, err := log.Collect(); !d.says(err) {
				t.Errorf("got %v, want what the disk said, %v", err, d.cause)
			}
			injected.add(d.failures())
			if err := fed(log, faultyA, written(1, 0)); err != nil {
				t.Errorf("append after %s failed: %v", name, err)
			}
			if got := told(everything(t, log)); !slices.Equal(got[:len(got)-1], want) {
				t.Errorf("read %d events, want %d", len(got)-1, len(want))
			}
			if _, err := log.Collect(); err != nil {
				t.Errorf("once the disk works again: %v", err)
			}
			if err := log.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	injected.log(t, collectCalls...)
}

// A disk that does not say how much room it has is taken for full: nothing is
// stored, and reading goes on.
// Breaks when: mayWrite drops the error of free.
func TestADiskThatDoesNotSayHowFullItIsRefusesAppends(t *testing.T) {
	var cause error
	o := Options{seams: seams{free: func(string) (int64, error) { return 1 << 40, cause }}}
	log, err := Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		cause error
		want  int
	}{{nil, 1}, {causes[1], 1}, {nil, 2}}
	for _, step := range steps {
		cause = step.cause
		if err := fed(log, faultyA, written(1, 0)); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		if all := everything(t, log); len(all) != step.want {
			t.Errorf("read %d events, want %d", len(all), step.want)
		}
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

// A truncation may be cut short anywhere: what is left to be removed is no
// inconsistency.
// Breaks when: walkLog leaves out the blocks before the cut, whose commands are
// still there; or halfRemoved asks for the cut and not for the log's first event.
func TestALogWhoseTruncationWasCutShortVerifies(t *testing.T) {
	log, err := Open(t.TempDir(), Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 66 { // blocks of 1000, which end within appends
		if err := fed(log, []stream.ID{faultyA, faultyB}[i%2], written(43, 0)); err != nil {
			t.Fatal(err)
		}
	}
	log.collector.stop() // it would go on
	verifies := func(when string) {
		t.Helper()
		if err := log.Verify(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	verifies("before")
	mark := keyed{cutKey, seal([]byte{2000 % 256, 2000 / 256, 0, 0, 0, 0, 0, 0})}
	if err := log.change(t.Context(), []keyed{mark}); err != nil {
		t.Fatal(err)
	}
	log.memory.setCut(2000)
	verifies("with nothing removed yet")
	s, err := log.reads.begin(log)
	if err != nil {
		t.Fatal(err)
	}
	w := newWindow(s)
	err = errors.Join(w.addBlocks(s, 1000), w.addStream(s, faultyA), w.addStream(s, faultyB))
	s.end()
	if err = errors.Join(err, log.change(t.Context(), w.changes)); err != nil || w.end != 1000 {
		t.Fatalf("a window up to %d: %v", w.end, err)
	}
	verifies("with the first of two blocks removed")
	if err := log.erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	verifies("with all of it removed")
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}
