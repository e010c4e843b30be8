package badgerlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// collect reads what a query selects, and where its marks stand.
func collect(t *testing.T, log *badgerlog.Log, q stream.Query) (found []stream.Position) {
	t.Helper()
	last := stream.Mark{At: q.From}
	err := log.Read(t.Context(), q, func(records []stream.Record, m stream.Mark) error {
		for i := range records {
			if at := records[i].Position; at > m.At.Position(0) || at <= last.At.Position(0) {
				t.Errorf("an event at %d is handed over between the marks %s and %s", at, last.At, m.At)
			}
			found = append(found, records[i].Position)
		}
		if !m.At.Reached(last.At) || last.Live && !m.Live {
			t.Errorf("a mark goes from %+v to %+v", last, m)
		}
		last = m
		return nil
	})
	if err != nil {
		t.Errorf("read %+v: %v", q, err)
	}
	if end := q.To; !last.Live || !end.IsZero() && !last.At.Equal(end) {
		t.Errorf("the last mark of %+v is %+v", q, last)
	}
	return found
}

// taggedLog appends events with tags of all sorts, and says which have what.
func taggedLog(t *testing.T, log *badgerlog.Log, n int, seed uint64) []stream.Header {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	var all []stream.Header
	for len(all) < n {
		id := stream.ID{Topic: []string{"a", "ab", "b"}[random.IntN(3)], Key: fmt.Sprint(random.IntN(4))}
		records := make([]stream.Record, 1+random.IntN(3))
		for i := range records {
			var tags []string
			for _, tag := range []struct {
				name string
				of   int
			}{{"every", 1}, {"half", 2}, {"m", 4}, {"m:x", 3}, {fmt.Sprint("once:", len(all)+i), 5}, {"rare", 60}} {
				if random.IntN(tag.of) == 0 {
					tags = append(tags, tag.name)
				}
			}
			if random.IntN(4) == 0 {
				tags = nil
			}
			records[i] = mail(stream.EventID{}, tags...)
			records[i].Type = []string{"SENT", "READ"}[random.IntN(2)]
		}
		stored, err := log.Append(t.Context(), id, stream.AnyVersion, records...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range stored {
			all = append(all, stored[i].Header)
		}
	}
	return all
}

var taggedQueries = map[string][]stream.Match{
	"a tag":                     {{Tags: []string{"rare"}}},
	"a tag in a topic":          {{Topic: "a", Tags: []string{"half"}}},
	"a tag that begins another": {{Tags: []string{"m"}}},
	"two tags":                  {{Tags: []string{"every", "rare"}}},
	"two tags and a type":       {{Tags: []string{"half", "m"}, Types: []string{"READ"}}},
	"a tag that one has":        {{Tags: []string{"once:17"}}},
	"a tag that none has":       {{Tags: []string{"never"}}},
	"a tag of an instance":      {{Topic: "ab", Key: "2", Tags: []string{"half"}}},
	"several":                   {{Topic: "a", Tags: []string{"rare"}}, {Tags: []string{"m:x"}}, {Topic: "a", Tags: []string{"every", "rare"}}},
	"a tag, or a topic":         {{Tags: []string{"rare"}}, {Topic: "b"}},
}

// What is found by tags is what a look at each event finds, in the log's order and
// once, from anywhere to anywhere, in the database, in memory or half in each.
// Breaks when: findTagged of the section looks for less than the first position
// behind the place, that of memory forgets the sealed generation, or readBlock does not
// skip what is not asked for.
func TestAQueryByTagsFindsWhatALookAtEachEventFinds(t *testing.T) {
	options := kinds()
	options["encrypted"] = badgerlog.Options{Durability: badgerlog.Unsynced, Keys: keys(1)}.SmallGenerations(700)
	options["far behind the tail"] = badgerlog.Options{Durability: badgerlog.Unsynced, TailEvents: 10}.SmallGenerations(700)
	for name, o := range options {
		t.Run(name, func(t *testing.T) {
			n := 2600
			log := open(t, t.TempDir(), o)
			all := taggedLog(t, log, n, 7)
			check := func(log *badgerlog.Log) {
				t.Helper()
				for name, match := range taggedQueries {
					for _, between := range [][2]int{{0, 0}, {0, n - 1}, {1, 2}, {n / 3, 0}, {n / 4, n / 2}, {n - 100, 0}} {
						q := stream.Query{Match: match, From: stream.At(stream.Position(between[0])), To: stream.At(stream.Position(between[1]))}
						var want []stream.Position
						for _, h := range all {
							if int(h.Position) > between[0] && (between[1] == 0 || int(h.Position) <= between[1]) && q.Accepts(h.Stream.Topic, h.Stream.Key, h.Type, h.Tags) {
								want = append(want, h.Position)
							}
						}
						if diff := cmp.Diff(want, collect(t, log, q)); diff != "" {
							t.Errorf("%s between %v (- want, + got):\n%s", name, between, diff)
						}
					}
				}
				if err := log.Verify(t.Context(), nil); err != nil {
					t.Error(err)
				}
			}
			check(log)
			check(afterKill(t, log, o))
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			check(open(t, log.Dir(), o))
		})
	}
}

// A reader that follows by tags has what is there and what comes, once each.
// Breaks when: scanTags hands over a mark at the end of what it has not looked at.
func TestAReaderThatFollowsByTagsMissesNothingAtTheSeam(t *testing.T) {
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			log := open(t, t.TempDir(), o)
			const n, each = 300, 3
			tagged := func(i int) stream.Record {
				if i%each == 0 {
					return mail(stream.EventID{}, "third")
				}
				return mail(stream.EventID{})
			}
			add := func(i int) {
				if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: fmt.Sprint(i % 7)}, stream.AnyVersion, tagged(i)); err != nil {
					t.Error(err)
				}
			}
			for i := 1; i <= n; i++ {
				add(i)
			}
			done := make(chan struct{})
			go func() { // ends by itself, waited for below
				defer close(done)
				for i := n + 1; i <= 2*n; i++ {
					add(i)
				}
			}()
			var got []stream.Position
			q := stream.Query{Match: []stream.Match{{Tags: []string{"third"}}}, Follow: true}
			err := log.Read(t.Context(), q, func(records []stream.Record, m stream.Mark) error {
				for i := range records {
					got = append(got, records[i].Position)
				}
				if m.At.Position(0) >= 2*n {
					return errStop
				}
				return nil
			})
			<-done
			if !errors.Is(err, errStop) || len(got) != 2*n/each {
				t.Errorf("got %d events, want %d: %v", len(got), 2*n/each, err)
			}
			for i, at := range got {
				if at != stream.Position(each*(i+1)) {
					t.Errorf("event %d: got position %d, want %d", i, at, each*(i+1))
				}
			}
		})
	}
}

// Of a truncated log a query by tags finds what is left, from the cut on, and says
// that the rest is gone.
// Breaks when: removeTags removes what goes on behind the window, or scanTags does not
// ask for the cut.
func TestTruncationTakesTagsWithIt(t *testing.T) {
	o := badgerlog.Options{Durability: badgerlog.Unsynced}.SmallGenerations(1300)
	log := open(t, t.TempDir(), o)
	log.StopCollecting() // it removes files while they are copied
	all := taggedLog(t, log, 6000, 9)
	for _, upTo := range []stream.Position{1, 1200, 2500, 5000} {
		cut, err := log.Truncate(t.Context(), stream.At(upTo))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []*badgerlog.Log{log, afterKill(t, log, o)} {
			if err := l.Verify(context.Background(), nil); err != nil {
				t.Errorf("cut at %s: %v", cut, err)
			}
			for name, match := range taggedQueries {
				q := stream.Query{Match: match, From: cut}
				var want []stream.Position
				for _, h := range all {
					if h.Position > cut.Position(0) && q.Accepts(h.Stream.Topic, h.Stream.Key, h.Type, h.Tags) {
						want = append(want, h.Position)
					}
				}
				if diff := cmp.Diff(want, collect(t, l, q)); diff != "" {
					t.Errorf("cut at %s, %s (- want, + got):\n%s", cut, name, diff)
				}
			}
			q := stream.Query{Match: taggedQueries["a tag"]}
			var gone *stream.TruncatedError
			if err := l.Read(t.Context(), q, func([]stream.Record, stream.Mark) error { return nil }); !cut.IsZero() && !errors.As(err, &gone) {
				t.Errorf("cut at %s, all of it: got %v, want a TruncatedError", cut, err)
			}
		}
	}
}
