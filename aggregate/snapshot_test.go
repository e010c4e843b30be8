package aggregate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memtables"
)

const snapshotTable = "snapshots of accounts"

// withSnapshots is a new repository, as of a process that has just begun, which
// stores a snapshot every 10 events and keeps no state in memory.
func withSnapshots(log stream.Store, tables stream.Tables, troubles *[]error) accountRepository {
	var mu sync.Mutex
	return aggregate.NewRepositoryWith(log, account, aggregate.Options{
		Cache:     -1,
		Snapshots: aggregate.Snapshots{Tables: tables, Schema: 1, Every: 10},
		Hooks: stream.Hooks{Trouble: func(_ context.Context, _ string, err error) {
			mu.Lock()
			defer mu.Unlock()
			if troubles != nil {
				*troubles = append(*troubles, err)
			}
		}},
	})
}

// stored is the snapshot of an account as it is in the tables; empty if there is none.
func stored(t testing.TB, tables stream.Tables, key string) string {
	t.Helper()
	s, err := tables.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	value, _, err := s.Get(snapshotTable, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func newTables(t testing.TB) *memtables.Tables {
	tables := memtables.New()
	t.Cleanup(func() { _ = tables.Close() })
	return tables
}

func TestSnapshots(t *testing.T) {
	// Breaks when: snapshot returns the unborn, or keepSnapshot returns at once.
	t.Run("an instance loads from its snapshot and what came since", func(t *testing.T) {
		log, tables := newWatched(t), newTables(t)
		r := withSnapshots(log, tables, nil)
		for range 25 {
			give(t, r, deposit(1))
		}
		before := log.events.Load()
		if got := give(t, r, deposit(1)); got.State != 26 || got.Version != 26 {
			t.Errorf("got %+v, want 26 at version 26", got)
		}
		if n := log.events.Load() - before; n != 6 { // the snapshot's own last event, to know the log by, and 5 since
			t.Errorf("%d events were read, want 6", n)
		}
	})
	// Never the truth. Breaks when: anything but time depends on a snapshot.
	t.Run("deleting all of them changes nothing", func(t *testing.T) {
		log, tables := newWatched(t), newTables(t)
		var kept, dropped []aggregate.Result[AccountEvent, int]
		for i, results := range []*[]aggregate.Result[AccountEvent, int]{&kept, &dropped} {
			r, key := withSnapshots(log, tables, nil), "ann"
			for n := range 35 {
				if i == 1 {
					if err := tables.Drop(t.Context(), snapshotTable); err != nil {
						t.Fatal(err)
					}
				}
				// The same commands again: each gives what it gave the first time.
				c := aggregate.Command[AccountCommand]{ID: stream.DeriveID(stream.EventID{1}, "c", n), Key: key, Data: Deposit{n + 1}}
				*results = append(*results, give(t, r, c))
			}
			*results = append(*results, give(t, r, deposit(0)))
		}
		if diff := cmp.Diff(kept, dropped); diff != "" {
			t.Errorf("(-with +without)\n%s", diff)
		}
	})
	// Breaks when: readSnapshot does not compare schemas.
	t.Run("one of another schema is not used, and is replaced", func(t *testing.T) {
		log, tables := newWatched(t), newTables(t)
		for range 10 {
			give(t, withSnapshots(log, tables, nil), deposit(1))
		}
		changed := account // counts double
		changed.Evolve = func(s int, e AccountEvent) int { return account.Evolve(account.Evolve(s, e), e) }
		r := aggregate.NewRepositoryWith(log, changed, aggregate.Options{Cache: -1, Snapshots: aggregate.Snapshots{Tables: tables, Schema: 2, Every: 10}})
		for i := range 10 {
			if got := give(t, r, deposit(1)); got.State != 22+2*i {
				t.Errorf("got %+v, want %d", got, 22+2*i)
			}
		}
		if got := stored(t, tables, "ann"); !strings.Contains(got, `"Schema":2,"Version":20`) {
			t.Errorf("got %q, want one of schema 2 at version 20", got)
		}
	})
	// Breaks when: snapshot returns the error, or trouble tells nobody.
	for name, damage := range map[string]func(value string) string{
		"damaged in its head":            func(string) string { return "nonsense\n1" },
		"cut":                            func(v string) string { return v[:len(v)/2] },
		"empty":                          func(string) string { return "" },
		"damaged in its state":           func(v string) string { return v + "}" },
		"of another log":                 foreign,
		"of a log that had come further": func(v string) string { return strings.Replace(v, `"At":"10"`, `"At":"99"`, 1) },
	} {
		t.Run("one "+name+" is passed over, and told of", func(t *testing.T) {
			log, tables := newWatched(t), newTables(t)
			var troubles []error
			r := withSnapshots(log, tables, &troubles)
			for range 10 {
				give(t, r, deposit(1))
			}
			value := damage(stored(t, tables, "ann"))
			if err := tables.Update(t.Context(), snapshotTable, stream.Change{Key: "ann", Value: []byte(value)}); err != nil {
				t.Fatal(err)
			}
			if got := give(t, r, deposit(1)); got.State != 11 || got.Version != 11 {
				t.Errorf("got %+v, want 11 at version 11", got)
			}
			if len(troubles) != 1 || !strings.Contains(troubles[0].Error(), "accounts/ann") {
				t.Errorf("got troubles %v, want one about accounts/ann", troubles)
			}
		})
	}
	t.Run("an instance whose first events were removed loads from it", func(t *testing.T) {
		log, tables := newWatched(t), newTables(t)
		r := withSnapshots(log, tables, nil)
		for range 12 {
			give(t, r, deposit(1))
		}
		if _, err := log.Truncate(t.Context(), stream.At(10)); err != nil {
			t.Fatal(err)
		}
		if got := give(t, r, deposit(1)); got.State != 13 || got.Version != 13 {
			t.Errorf("got %+v, want 13 at version 13", got)
		}
		// An ID of the caller's is looked for in what is left, before it is refused.
		if _, err := r.Handle(t.Context(), aggregate.Command[AccountCommand]{ID: stream.NewID(), Key: "ann", Data: Withdraw{99}}); !errors.Is(err, errBroke) {
			t.Errorf("got %v, want errBroke", err)
		}
	})
	// Breaks when: writeSnapshot forgets the place that was seen, or load begins at the last event.
	t.Run("one made by hand lets an instance load whose events were all removed", func(t *testing.T) {
		log, tables := newWatched(t), newTables(t)
		r := withSnapshots(log, tables, nil)
		give(t, r, deposit(7))
		give(t, r, aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{1}})
		for range 2 {
			if err := r.Snapshot(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := log.Truncate(t.Context(), stream.At(2)); err != nil {
			t.Fatal(err)
		}
		if got := give(t, r, aggregate.Command[AccountCommand]{Data: Withdraw{7}}); got.State != 0 || got.Version != 2 {
			t.Errorf("got %+v, want 0 at version 2", got)
		}
		var cut *stream.TruncatedError
		if _, err := r.Execute(t.Context(), "bob", Deposit{1}); !errors.As(err, &cut) {
			t.Errorf("got %v, want a TruncatedError: bob has no snapshot", err)
		}
	})
}

// foreign is a snapshot whose last event has another ID.
func foreign(v string) string {
	i := strings.Index(v, `"Last":"`) + len(`"Last":"`)
	return v[:i] + stream.NewID().String() + v[i+32:]
}

// unwilling are tables that store nothing.
type unwilling struct{ tables }

type tables = stream.Tables // under a name that hides no method of it

var errUnwilling = errors.New("the tables are full")

func (unwilling) Update(context.Context, string, ...stream.Change) error { return errUnwilling }

// A process that ends between append and snapshot has stored the append: what it
// leaves is what tables leave that store nothing. Breaks when: keepSnapshot's error
// becomes the command's.
func TestACommandIsDoneWhetherOrNotItsSnapshotIs(t *testing.T) {
	log, tables := newWatched(t), newTables(t)
	var troubles []error
	r := withSnapshots(log, unwilling{tables: tables}, &troubles)
	for range 21 {
		give(t, r, deposit(1))
	}
	if len(troubles) != 2 || !errors.Is(troubles[0], errUnwilling) {
		t.Errorf("got troubles %v, want one for each snapshot that was not stored", troubles)
	}
	if got := give(t, withSnapshots(log, tables, nil), deposit(1)); got.State != 22 {
		t.Errorf("got %+v, want 22", got)
	}
}

// Breaks when: writeSnapshot does not look at what is there.
func TestASnapshotDoesNotGoBack(t *testing.T) {
	log, tables := newWatched(t), newTables(t)
	slow := &held{tables: tables, at: make(chan struct{}), resume: make(chan struct{})}
	for range 9 {
		give(t, aggregate.NewRepository(log, account), deposit(1))
	}
	var all sync.WaitGroup
	all.Go(func() { give(t, withSnapshots(log, slow, nil), deposit(1)) }) // stops before it claims
	<-slow.at
	for range 10 {
		give(t, withSnapshots(log, tables, nil), deposit(1))
	}
	later := stored(t, tables, "ann")
	close(slow.resume)
	all.Wait()
	if got := stored(t, tables, "ann"); got != later || !strings.Contains(got, `"Version":20`) {
		t.Errorf("got %q after %q", got, later)
	}
}

// held are tables whose first claim waits.
type held struct {
	tables
	once       sync.Once
	at, resume chan struct{}
}

func (h *held) Claim(ctx context.Context, table string) (func(), error) {
	h.once.Do(func() { close(h.at); <-h.resume })
	return h.tables.Claim(ctx, table)
}

// While somebody else is storing one, a command does without.
func TestNobodyWaitsToStoreASnapshot(t *testing.T) {
	log, tables := newWatched(t), newTables(t)
	release, err := tables.Claim(t.Context(), snapshotTable)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var troubles []error
	r := withSnapshots(log, tables, &troubles)
	for range 10 {
		give(t, r, deposit(1))
	}
	if len(troubles) > 0 || stored(t, tables, "ann") != "" {
		t.Errorf("got troubles %v and %q, want neither", troubles, stored(t, tables, "ann"))
	}
}

// Many writers over two repositories of one log, with states in memory, few enough
// that they are pushed out, and snapshots: as one writer with neither would have it.
// Breaks when: any of the above does.
func TestManyWritersAreAsOne(t *testing.T) {
	const writers, commands, instances = 8, 60, 5
	log, tables := newWatched(t), newTables(t)
	options := aggregate.Options{Cache: 3, Snapshots: aggregate.Snapshots{Tables: tables, Every: 7}}
	repositories := []accountRepository{aggregate.NewRepositoryWith(log, account, options), aggregate.NewRepositoryWith(log, account, options)}
	var mu sync.Mutex
	results := map[string]map[stream.Version]int{}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range commands {
				key := fmt.Sprint((w*7 + i*3) % instances)
				c := aggregate.Command[AccountCommand]{Key: key, Data: Deposit{1 + i%4}}
				if i%3 == 2 {
					c.Data = Withdraw{3}
				}
				if i%5 == 0 {
					c.ID = stream.DeriveID(stream.EventID{2}, key, i%10) // of several writers, with the same command
					c.Data = Deposit{1 + i%10}
				}
				got, err := repositories[(w+i)%2].Handle(context.Background(), c)
				if errors.Is(err, errBroke) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if results[key] == nil {
					results[key] = map[stream.Version]int{}
				}
				if before, ok := results[key][got.Version]; ok && before != got.State {
					t.Errorf("%s at version %d is %d for one and %d for another", key, got.Version, before, got.State)
				}
				results[key][got.Version] = got.State
				mu.Unlock()
			}
		})
	}
	all.Wait()
	model := map[string]int{}
	seen := map[stream.EventID]string{}
	err := log.Log.Read(context.Background(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			rec, key := &records[i], records[i].Stream.Key
			var e stream.Event[AccountEvent]
			if err := accounts.Decode(rec, &e); err != nil {
				return err
			}
			if _, ok := e.Data.(Withdrawn); ok && model[key] < 3 {
				t.Errorf("%s gave 3 of %d at version %d", key, model[key], rec.Version)
			}
			if at, ok := seen[rec.Command]; ok {
				t.Errorf("command %s took effect at %s and at %d", rec.Command, at, rec.Position)
			}
			seen[rec.Command] = fmt.Sprint(rec.Position)
			model[key] = account.Evolve(model[key], e.Data)
			if got, ok := results[key][rec.Version]; ok && got != model[key] {
				t.Errorf("%s at version %d: a result said %d, the log says %d", key, rec.Version, got, model[key])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range model {
		for i, r := range repositories {
			if got := give(t, r, aggregate.Command[AccountCommand]{Key: key, Data: Deposit{}}); got.State != want {
				t.Errorf("repository %d has %s at %d, the log at %d", i, key, got.State, want)
			}
		}
	}
}

// FuzzSnapshot: whatever stands where a snapshot should be, the command is decided on
// what the log has.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte("{}\n1"))
	f.Add([]byte(`{"Schema":1,"Version":10,"At":"10","Last":"00000000000000000000000000000000","Seen":"10"}` + "\n7"))
	f.Add([]byte(`{"Schema":1,"Version":18446744073709551615,"At":"0,0,18446744073709551615","Seen":"9999,1"}` + "\n7"))
	f.Fuzz(func(t *testing.T, value []byte) {
		log, tables := newWatched(t), newTables(t)
		r := withSnapshots(log, tables, nil)
		for range 11 {
			give(t, r, deposit(1))
		}
		if err := tables.Update(t.Context(), snapshotTable, stream.Change{Key: "ann", Value: bytes.Clone(value)}); err != nil {
			t.Skip(err)
		}
		if got := give(t, r, deposit(1)); got.State != 12 || got.Version != 12 {
			t.Errorf("got %+v, want 12 at version 12", got)
		}
	})
}
