package operators

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// reading is an item of the windows' tests: a number, its key and its second.
type reading struct{ n, key, at int }

// byReading windows readings with an outcome that tells what was too late.
func byReading(disorder, lateness int, late *[]int) ByTime[reading, int] {
	return ByTime[reading, int]{
		Key:        func(r reading) int { return r.key },
		Time:       func(r reading) time.Time { return seconds(r.at) },
		OutOfOrder: time.Duration(disorder) * time.Second,
		Lateness:   time.Duration(lateness) * time.Second,
		TooLate:    func(r reading) { *late = append(*late, r.n) },
	}
}

// readings are random items of few keys, out of order.
func readings(random *rand.Rand) []reading {
	list := make([]reading, random.IntN(60))
	now := random.IntN(40) - 20
	for i := range list {
		now += random.IntN(4)
		list[i] = reading{i, random.IntN(3), now - random.IntN(1+random.IntN(12))}
	}
	return list
}

func note(list []int, r reading) []int { return append(slices.Clone(list), r.n) }

// shown is a result as text.
func shown[S any](w Windowed[int, S]) string {
	fired := "end"
	if !w.Fired.IsZero() {
		fired = fmt.Sprint(w.Fired.Unix())
	}
	return fmt.Sprintf("key %d [%d,%d) %v, %d items, %s at %s", w.Key, w.Opened.Unix(), w.Closed.Unix(), w.Value, w.Count, w.Timing, fired)
}

// span is a window of the models, which keep everything for ever.
type span struct {
	key, start, end, born int
	items                 []int
	fired                 bool
}

func (s *span) fire(timing Timing, mark int) string {
	s.fired = true
	w := Windowed[int, []int]{Key: s.key, Value: s.items, Count: len(s.items), Opened: seconds(s.start), Closed: seconds(s.end), Timing: timing}
	if mark != ended {
		w.Fired = seconds(mark)
	}
	return shown(w)
}

const ended = 1 << 40

// fireAll fires what is due in the model, by end and then by the order.
func fireAll(spans []*span, mark int) (out []string) {
	due := slices.DeleteFunc(slices.Clone(spans), func(s *span) bool { return s.fired || s.end > mark })
	slices.SortStableFunc(due, func(a, b *span) int { return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.born, b.born)) })
	for _, s := range due {
		out = append(out, s.fire(OnTime, mark))
	}
	return out
}

// windowModel is what Window has to say, from the words of its doc alone: each item
// is looked at with the watermark after it, in all windows that there could be.
func windowModel(list []reading, size, every, disorder, lateness int) (out []string, late []int) {
	var spans []*span
	greatest, born := -ended, 0
	for _, r := range list {
		greatest = max(greatest, r.at)
		mark := greatest - disorder
		out = append(out, fireAll(spans, mark)...)
		took := false
		for start := -1000 * every; start <= r.at; start += every {
			if start+size <= r.at || start+size+lateness <= mark {
				continue
			}
			took = true
			i := slices.IndexFunc(spans, func(s *span) bool { return s.key == r.key && s.start == start })
			if i < 0 {
				born++
				i = len(spans)
				spans = append(spans, &span{key: r.key, start: start, end: start + size, born: born})
			}
			s := spans[i]
			s.items = append(s.items, r.n)
			if s.end <= mark {
				out = append(out, s.fire(Late, mark))
			}
		}
		if !took {
			late = append(late, r.n)
		}
	}
	return append(out, fireAll(spans, ended)...), late
}

// TestWindowsAreWhatTheirDocSays compares thousands of random streams with a model
// that keeps everything and looks at every window for every item.
// Breaks when: a window fires with the watermark one short of its end, a late item's
// window fires before it was added, or lateness is counted from the window's start.
func TestWindowsAreWhatTheirDocSays(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		list := readings(random)
		every := 1 + random.IntN(6)
		size := every + random.IntN(2)*random.IntN(8)
		disorder, lateness := random.IntN(8), random.IntN(2)*random.IntN(10)
		var late []int
		windows := Hopping(time.Duration(size)*time.Second, time.Duration(every)*time.Second)
		o := Window(stream.From(list...), windows, byReading(disorder, lateness, &late), nil, note)
		got, err := Collect(t.Context(), Map(o, shown[[]int]))
		if err != nil {
			t.Fatal(err)
		}
		want, wantLate := windowModel(list, size, every, disorder, lateness)
		if diff := gocmp.Diff(want, got); diff != "" || !slices.Equal(late, wantLate) {
			t.Fatalf("seed %d: size %d every %d, disorder %d, lateness %d of %v\ntoo late %v, want %v\n(-want +got)\n%s",
				seed, size, every, disorder, lateness, list, late, wantLate, diff)
		}
	}
}

// sessionModel is what Session has to say: with each item the key's sessions are
// looked through and those that it touches are made one.
func sessionModel(list []reading, gap, disorder, lateness int) (out []string, late []int) {
	var spans []*span
	greatest, born := -ended, 0
	for _, r := range list {
		greatest = max(greatest, r.at)
		mark := greatest - disorder
		out = append(out, fireAll(spans, mark)...)
		spans = slices.DeleteFunc(spans, func(s *span) bool { return s.end+lateness <= mark })
		one := &span{key: r.key, start: r.at, end: r.at + gap, born: ended}
		touched := slices.DeleteFunc(slices.Clone(spans), func(s *span) bool {
			return s.key != r.key || s.start >= one.end || s.end <= one.start
		})
		if len(touched) == 0 && one.end+lateness <= mark {
			late = append(late, r.n)
			continue
		}
		spans = slices.DeleteFunc(spans, func(s *span) bool { return slices.Contains(touched, s) })
		slices.SortFunc(touched, func(a, b *span) int { return cmp.Compare(a.start, b.start) })
		for _, s := range touched {
			one.start, one.end, one.born = min(one.start, s.start), max(one.end, s.end), min(one.born, s.born)
			one.items = append(one.items, s.items...)
		}
		if one.born == ended {
			born++
			one.born = born
		}
		one.items = append(one.items, r.n)
		spans = append(spans, one)
		if one.end <= mark {
			out = append(out, one.fire(Late, mark))
		}
	}
	return append(out, fireAll(spans, ended)...), late
}

// TestSessionsAreWhatTheirDocSays is the same for sessions.
// Breaks when: two items that are exactly gap apart are one session, a session that
// goes on after it fired does not fire again, or merged ones keep their old end.
func TestSessionsAreWhatTheirDocSays(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 2))
		list := readings(random)
		gap, disorder, lateness := 1+random.IntN(6), random.IntN(8), random.IntN(2)*random.IntN(10)
		var late []int
		o := Session(stream.From(list...), time.Duration(gap)*time.Second, byReading(disorder, lateness, &late), nil, note,
			func(a, b []int) []int { return slices.Concat(a, b) })
		got, err := Collect(t.Context(), Map(o, shown[[]int]))
		if err != nil {
			t.Fatal(err)
		}
		want, wantLate := sessionModel(list, gap, disorder, lateness)
		if diff := gocmp.Diff(want, got); diff != "" || !slices.Equal(late, wantLate) {
			t.Fatalf("seed %d: gap %d, disorder %d, lateness %d of %v\ntoo late %v, want %v\n(-want +got)\n%s",
				seed, gap, disorder, lateness, list, late, wantLate, diff)
		}
	}
}
