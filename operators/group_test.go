package operators

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// texts makes a group's items into "key: all of them" when the group completes.
func texts(key int, group ints) stream.Observable[stream.Cold, string] {
	return Map(ToSlice(group), func(items []int) string { return fmt.Sprint(key, ": ", items) })
}

func tens(n int) int { return n / 10 }

// Breaks when: the group that was opened first is evicted, used or not; or the new
// group is handed its item before the old one has completed.
func TestGroupUsedLongestAgoMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := GroupBy(stream.From(10, 20, 11, 30, 21), tens, Groups{Most: 2}, texts)
		got, err := Collect(t.Context(), o)
		if want := []string{"2: [20]", "1: [10 11]", "3: [30]", "2: [21]"}; !slices.Equal(got, want) || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

// Breaks when: an item begins the idle time of all groups anew, or of none.
func TestIdleGroupCompletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		source := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
			return func(ctx context.Context, emit func(int) error) error {
				for _, n := range []int{10, 20, 11, 12, 21} {
					if err := emit(n); err != nil {
						return err
					}
					time.Sleep(2 * time.Second) // virtual time: in a bubble
				}
				return nil
			}
		})
		o := GroupBy(source, tens, Groups{Idle: 5 * time.Second}, texts)
		got, err := Collect(t.Context(), Map(o, func(s string) string { return fmt.Sprint(time.Since(began), " ", s) }))
		want := []string{"7s 2: [20]", "10s 1: [10 11 12]", "10s 2: [21]"}
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

// Breaks when: the key of a pipeline that has completed stays known.
func TestPipelineThatCompletesIsBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := GroupBy(stream.From(10, 11, 20, 12, 13), tens, Groups{}, func(key int, group ints) stream.Observable[stream.Cold, string] {
			return texts(key, Take(group, 2))
		})
		got, err := Collect(t.Context(), o)
		if want := []string{"1: [10 11]", "1: [12 13]", "2: [20]"}; !slices.Equal(got, want) || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

// TestGroupsDoNotWaitForOneAnother: a group whose pipeline has timers of its own and
// asks for its next item at once does not keep the others.
// Breaks when: a group's items are handed over under a lock, or in the group's time.
func TestGroupsDoNotWaitForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := GroupBy(stream.From(10, 20, 11, 21), tens, Groups{}, func(key int, group ints) ints {
			if key == 1 {
				return MergeMap(group, 0, func(n int) ints { return later(stream.From(n)) })
			}
			return group
		})
		got, err := Collect(t.Context(), o)
		if want := []int{20, 21, 10, 11}; len(got) != 4 || !slices.Equal(got[:2], want[:2]) || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
}

// Breaks when: a group may be run twice, which would split its items.
func TestGroupIsRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := GroupBy(stream.From(10, 11), tens, Groups{}, func(_ int, group ints) ints { return Merge(group, group) })
		if _, err := Collect(t.Context(), o); !errors.Is(err, errOneRun) {
			t.Errorf("got %v, want %v", err, errOneRun)
		}
	})
}

// TestFoldsByKeyAreWhatTheirDocSays compares with a model that keeps the keys in a
// list by use.
// Breaks when: using a key does not make it the last to go, a key that comes again
// goes on from its old result, or the keys' order at the end is not that of their
// first appearance.
func TestFoldsByKeyAreWhatTheirDocSays(t *testing.T) {
	for seed := range uint64(1000) {
		random := rand.New(rand.NewPCG(seed, 3))
		list := make([]reading, random.IntN(80))
		for i := range list {
			list[i] = reading{n: i, key: random.IntN(8)}
		}
		meter := &Meter{}
		keys := Keys[reading, int, []int]{Of: func(r reading) int { return r.key }, Most: 1 + random.IntN(8), Meter: meter}
		text := func(k Keyed[int, []int]) string { return fmt.Sprint(k) }
		wantScan, wantReduce, wantEvicted := foldModel(list, keys.Most)
		gotScan, err := Collect(t.Context(), Map(ScanBy(stream.From(list...), keys, nil, note), text))
		if err != nil || !slices.Equal(gotScan, wantScan) || meter.Evicted() != wantEvicted {
			t.Fatalf("seed %d: %d keys of %v: %d evicted, want %d, %v\n%s", seed, keys.Most, list, meter.Evicted(), wantEvicted, err, gocmp.Diff(wantScan, gotScan))
		}
		gotReduce, err := Collect(t.Context(), Map(ReduceBy(stream.From(list...), keys, nil, note), text))
		if err != nil || !slices.Equal(gotReduce, wantReduce) {
			t.Fatalf("seed %d: %d keys of %v: %v\n%s", seed, keys.Most, list, err, gocmp.Diff(wantReduce, gotReduce))
		}
	}
}

func foldModel(list []reading, most int) (scan, reduce []string, evicted int) {
	type kept struct {
		key, born int
		items     []int
	}
	var byUse []kept
	for i, r := range list {
		k := kept{key: r.key, born: i}
		if at := slices.IndexFunc(byUse, func(k kept) bool { return k.key == r.key }); at >= 0 {
			k = byUse[at]
			byUse = slices.Delete(byUse, at, at+1)
		} else if len(byUse) == most {
			reduce = append(reduce, fmt.Sprint(Keyed[int, []int]{byUse[0].key, byUse[0].items}))
			byUse, evicted = byUse[1:], evicted+1
		}
		k.items = append(slices.Clone(k.items), r.n)
		byUse = append(byUse, k)
		scan = append(scan, fmt.Sprint(Keyed[int, []int]{k.key, k.items}))
	}
	slices.SortFunc(byUse, func(a, b kept) int { return a.born - b.born })
	for _, k := range byUse {
		reduce = append(reduce, fmt.Sprint(Keyed[int, []int]{k.key, k.items}))
	}
	return scan, reduce, evicted
}

// Breaks when: what ScanBy forgets is forgotten in silence.
func TestScanByTellsWhatItForgets(t *testing.T) {
	_, err := Collect(t.Context(), ScanBy(stream.From(1, 2), Keys[int, int, int]{Of: func(n int) int { return n }, Most: 1}, 0, total))
	var full *FullError
	if !errors.As(err, &full) || full.Stage != "ScanBy" || full.Most != 1 {
		t.Errorf("got %v, want a FullError of ScanBy with 1", err)
	}
	var told []int
	keys := Keys[int, int, int]{Of: func(n int) int { return n }, Most: 1, Evicted: func(_, sum int) { told = append(told, sum) }}
	if _, err := Collect(t.Context(), ScanBy(stream.From(1, 2, 3), keys, 0, total)); err != nil || !slices.Equal(told, []int{1, 2}) {
		t.Errorf("got %v, %v, want 1 and 2 told", told, err)
	}
}
