package operators

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// sums is a state: the sum of each writer's notes. Padding makes it large.
type sums struct {
	Of      map[string]int
	Padding []byte
}

type sumsView = View[*stream.Event[noted], sums]

// newSums is a view of the sums; reduced is told of each event that it counts.
func newSums(reduced func()) *sumsView {
	return NewView("sums", func() sums { return sums{Of: map[string]int{}} }, func(s sums, e *stream.Event[noted]) sums {
		reduced()
		s.Of[e.Stream.Key] += e.Data.N
		return s
	})
}

// runTo runs a view until it has come as far as the log.
func runTo(t *testing.T, log stream.Log, v *sumsView) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx, replay.ColdHot(log, notes)) }()
	head, err := log.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = v.WaitFor(ctx, head)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// wantFold ends the test unless the view is what history makes of it.
func wantFold(t *testing.T, log stream.Log, v *sumsView) {
	t.Helper()
	want, err := newSums(func() {}).Fold(t.Context(), replay.Cold(log, notes))
	if err != nil {
		t.Fatal(err)
	}
	v.Read(func(got sums) {
		if diff := cmp.Diff(want.Of, got.Of); diff != "" {
			t.Errorf("replayed -, kept +:\n%s", diff)
		}
	})
}

func noteLog(t *testing.T, n int) *memlog.Log {
	t.Helper()
	log := memlog.New()
	t.Cleanup(func() { _ = log.Close() })
	write(t, log, 0, n)
	return log
}

// Breaks when: load returns false, or the place of a snapshot is another than its
// state's (Run subscribes from the beginning).
func TestARestartedViewGoesOnFromItsSnapshot(t *testing.T) {
	log, tables := noteLog(t, 100), memtables.New()
	for _, more := range []int{100, 0, 7} {
		if more < 100 {
			write(t, log, 1, more)
		}
		counted := 0
		v := newSums(func() { counted++ }).Keep(Snapshots{Tables: tables, Version: 1, Events: 1})
		if err := runTo(t, log, v); err != nil {
			t.Fatal(err)
		}
		wantFold(t, log, v)
		if counted != more {
			t.Errorf("%d events were reduced, want the %d that are new", counted, more)
		}
	}
}

// Breaks when: a run takes a snapshot for the truth where there is none.
func TestWithoutItsSnapshotsAViewIsTheSame(t *testing.T) {
	log, tables := noteLog(t, 100), memtables.New()
	for range 2 {
		counted := 0
		v := newSums(func() { counted++ }).Keep(Snapshots{Tables: tables})
		if err := runTo(t, log, v); err != nil {
			t.Fatal(err)
		}
		wantFold(t, log, v)
		if counted != 100 {
			t.Errorf("%d events were reduced, want all 100", counted)
		}
		if err := tables.Drop(t.Context(), "sums@snapshot"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASnapshotThatIsNotOursIsNotUsed: it is damaged, of another version or of another
// log.
// Breaks when: load does not compare the digest, the version, or the event at its
// place; or says nothing.
func TestASnapshotThatIsNotOursIsNotUsed(t *testing.T) {
	ctx := context.Background()
	part := partKey(1, 0)
	change := func(tables *memtables.Tables, c ...stream.Change) { _ = tables.Update(ctx, "sums@snapshot", c...) }
	for name, c := range map[string]struct {
		damage  func(*memtables.Tables)
		version uint32
		log     func(*testing.T) *memlog.Log
		silent  bool
	}{
		"a part is another": {damage: func(x *memtables.Tables) {
			change(x, stream.Change{Key: part, Value: []byte(`{"Of":{"a":4951},"Padding":null}`)})
		}},
		"a part is longer":        {damage: func(x *memtables.Tables) { change(x, stream.Change{Key: part, Value: make([]byte, 99)}) }},
		"a part is missing":       {damage: func(x *memtables.Tables) { change(x, stream.Change{Key: part}) }},
		"the label is none":       {damage: func(x *memtables.Tables) { change(x, stream.Change{Key: labelKey, Value: []byte("?")}) }},
		"the label is missing":    {damage: func(x *memtables.Tables) { change(x, stream.Change{Key: labelKey}) }, silent: true},
		"another version kept it": {version: 2, silent: true},
		"the log is shorter":      {log: func(t *testing.T) *memlog.Log { return noteLog(t, 50) }},
		"the log is another":      {log: func(t *testing.T) *memlog.Log { return noteLog(t, 120) }},
	} {
		t.Run(name, func(t *testing.T) {
			log, tables := noteLog(t, 100), memtables.New()
			if err := runTo(t, log, newSums(func() {}).Keep(Snapshots{Tables: tables})); err != nil {
				t.Fatal(err)
			}
			if c.damage != nil {
				c.damage(tables)
			}
			if c.log != nil {
				log = c.log(t)
			}
			counted, told := 0, 0
			v := newSums(func() { counted++ }).Keep(Snapshots{Tables: tables, Version: c.version, Hooks: stream.Hooks{
				Trouble: func(context.Context, string, error) { told++ },
			}})
			if err := runTo(t, log, v); err != nil {
				t.Fatal(err)
			}
			wantFold(t, log, v)
			if n, _ := Count(ctx, replay.Cold(log, notes)); counted != n || told > 0 == c.silent {
				t.Errorf("%d of %d events were reduced, and trouble was told %d times", counted, n, told)
			}
		})
	}
}

// dying are tables whose process dies after so many updates: nothing is stored from
// then on.
type dying struct {
	allTables
	left int
}

type allTables = stream.Tables // embedded under a name that is none of its methods'

func (d *dying) Update(ctx context.Context, table string, changes ...stream.Change) error {
	if d.left--; d.left < 0 {
		return errSource
	}
	return d.allTables.Update(ctx, table, changes...)
}

// TestAViewKilledBetweenAnyTwoUpdatesIsRebuiltRight: a state of several updates, so
// that a snapshot can be cut short.
// Breaks when: store overwrites the parts that count, or writes the label first.
func TestAViewKilledBetweenAnyTwoUpdatesIsRebuiltRight(t *testing.T) {
	newLarge := func(n int) *sumsView {
		return NewView("sums", func() sums { return sums{Of: map[string]int{}} }, func(s sums, e *stream.Event[noted]) sums {
			s.Of[e.Stream.Key] += e.Data.N
			if s.Padding == nil {
				s.Padding = make([]byte, 8<<20) // 11 MB in JSON
			}
			s.Padding[e.Data.N] = byte(n)
			return s
		})
	}
	log, tables := noteLog(t, 3), memtables.New()
	for n := range 9 {
		write(t, log, 1, 1)
		v := newLarge(n).Keep(Snapshots{Tables: &dying{tables, n}})
		if err := runTo(t, log, v); err != nil {
			t.Fatal(err)
		}
		wantFold(t, log, v)
	}
	if err := runTo(t, log, newLarge(9).Keep(Snapshots{Tables: tables})); err != nil {
		t.Fatal(err)
	}
	s, err := tables.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	if err := s.Range(stream.TableRange{Table: "sums@snapshot"}, func(_ string, value []byte) error { size += len(value); return nil }); err != nil || size > 23<<20 {
		t.Errorf("%d bytes are left in the table (%v), want no remains of what was cut short but the last one's", size, err)
	}
}

// Breaks when: passed does not look at the time, or at the number.
func TestSnapshotsAreAsOftenAsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		s    Snapshots
		want int
	}{
		"after so many events": {Snapshots{Events: 2, Interval: -1}, 5},
		"after so much time":   {Snapshots{Interval: 3 * time.Second}, 3},
		"only at the end":      {Snapshots{Interval: -1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, tables := memlog.New(), &dying{memtables.New(), 1000}
				defer log.Close()
				c.s.Tables = tables
				v := newSums(func() {}).Keep(c.s)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- v.Run(ctx, replay.ColdHot(log, notes)) }()
				for range 9 {
					synctest.Wait()
					time.Sleep(time.Second) // virtual
					write(t, log, 0, 1)
				}
				synctest.Wait()
				cancel()
				<-ended
				if stored := 1000 - tables.left; stored != c.want {
					t.Errorf("%d snapshots, want %d", stored, c.want)
				}
			})
		})
	}
}

// Breaks when: keeper does not look, or the claim is not released.
func TestSnapshotsThatCanNotBeKeptAreRefused(t *testing.T) {
	type hidden struct{ n int }
	log, tables := noteLog(t, 1), memtables.New()
	secret := NewView("hidden", func() hidden { return hidden{} }, func(h hidden, e *stream.Event[noted]) hidden { h.n++; return h })
	err := secret.Keep(Snapshots{Tables: tables}).Run(t.Context(), replay.ColdHot(log, notes))
	if _, ok := errors.AsType[*stream.InvalidError](err); !ok || !strings.Contains(fmt.Sprint(err), "hidden.n") {
		t.Errorf("a state that JSON does not bring back: got %v, want a *stream.InvalidError that names the field", err)
	}
	release, err := tables.Claim(t.Context(), "sums@snapshot")
	if err != nil {
		t.Fatal(err)
	}
	kept := newSums(func() {}).Keep(Snapshots{Tables: tables})
	if err := runTo(t, log, kept); !isBusy(err) {
		t.Errorf("a table with an owner: got %v, want a *stream.BusyError", err)
	}
	release()
	for range 2 {
		if err := runTo(t, log, kept); err != nil {
			t.Errorf("a table without one: %v", err)
		}
	}
}

func isBusy(err error) bool {
	_, ok := errors.AsType[*stream.BusyError](err)
	return ok
}

// Breaks when: FoldAll folds one view after the other, or leaves a state when it fails.
func TestAllViewsAreFoldedAsOfOnePosition(t *testing.T) {
	log := noteLog(t, 40)
	write(t, log, 1, 40)
	passes := 0
	source := Tap(replay.Cold(log, notes, replay.UpTo(stream.At(60))), func(*stream.Event[noted]) { passes++ })
	count := NewView("count", func() int { return 0 }, func(n int, _ noted) int { return n + 1 })
	var all sums
	var n int
	onlyB := func(e *stream.Event[noted]) (noted, bool) { return e.Data, e.Stream.Key == "b" }
	at, err := FoldAll(t.Context(), source, newSums(func() {}).Into(&all), IntoFrom(count, &n, onlyB))
	want := map[string]int{"a": 780, "b": 190}
	if err != nil || !at.Equal(stream.At(60)) || n != 20 || !maps.Equal(all.Of, want) || passes != 60 {
		t.Errorf("got %v and %d at %v in %d events, %v; want %v and 20 at 60 in 60", all.Of, n, at, passes, err, want)
	}
	n = -1
	bad := NewView("bad", func() int { return 0 }, func(n int, e *stream.Event[noted]) int { panic("no") })
	_, err = FoldAll(t.Context(), source, IntoFrom(count, &n, onlyB), bad.Into(new(int)))
	if p, ok := errors.AsType[*stream.PanicError](err); !ok || !strings.Contains(p.Stage, "bad") || n != -1 {
		t.Errorf("got %v and %d, want a panic in view bad, and nothing set", err, n)
	}
}
