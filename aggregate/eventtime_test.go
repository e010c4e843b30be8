package aggregate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// minuteOf takes an account's amounts for the minute at which they happened.
func minuteOf(e *stream.Event[AccountEvent]) time.Time {
	minutes := 0
	switch data := e.Data.(type) {
	case Deposited:
		minutes = data.Amount
	case Withdrawn:
		minutes = data.Amount
	}
	return time.Unix(0, 0).UTC().Add(time.Duration(minutes) * minute)
}

// timed sets two timers with each deposit, and writes down every turn it takes.
var timed = aggregate.Saga[AccountEvent, struct{}]{
	Name: "timed",
	Time: minuteOf,
	Correlate: func(e *stream.Event[AccountEvent]) string {
		if e.Stream.Key == "clock" {
			return ""
		}
		return e.Stream.Key
	},
	React: func(s struct{}, e *stream.Event[AccountEvent]) (struct{}, []aggregate.Effect) {
		at := int(minuteOf(e).Unix() / 60)
		return s, []aggregate.Effect{
			journal.Send("journal", Entry{fmt.Sprintf("%s at %d", e.Stream.Key, at)}),
			aggregate.After(10*minute, fmt.Sprintf("ten after %d", at)),
			aggregate.After(5*minute, fmt.Sprintf("five after %d", at)),
		}
	},
	Expire: func(s struct{}, timer string) (struct{}, []aggregate.Effect) {
		return s, []aggregate.Effect{journal.Send("journal", Entry{timer})}
	},
}

// A journal takes any number of entries.
type Entry struct{ Text string }

var (
	entries = stream.NewTopic("entries", stream.Catalogue[Entry]{"ENTRY": {}})
	journal = aggregate.New(entries,
		func(_ struct{}, e Entry) ([]Entry, error) { return []Entry{e}, nil },
		func(s struct{}, _ Entry) struct{} { return s })
)

func written(t *testing.T, log stream.Log) (list []string) {
	t.Helper()
	for e, err := range replay.History(log, entries, "journal").All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Data.Text)
	}
	return list
}

// TestSagaTimersInEventTimeDependOnTheLogAlone handles the same events in one
// run, one run for each, and in blocks of every size between.
// Breaks when: timers sort by due time alone, fire after the event that makes them
// due, or the event time is not stored with the place.
func TestSagaTimersInEventTimeDependOnTheLogAlone(t *testing.T) {
	type happening struct {
		key    string
		minute int
	}
	happenings := []happening{{"bob", 1}, {"ann", 1}, {"ann", 3}, {"clock", 6}, {"ann", 6}, {"clock", 11}, {"bob", 9}, {"clock", 30}, {"bob", 12}, {"ann", 13}}
	want := []string{
		"bob at 1", "ann at 1", "ann at 3",
		"five after 1", "five after 1", // due at 6, ann's before bob's, before what happened then
		"ann at 6",
		"five after 3", "five after 6", "ten after 1", "ten after 1", // due at 8 and 11, ann's before bob's
		"bob at 9", // late: it happened before what is known, and its timers count from there
		"ten after 3", "five after 9", "ten after 6", "ten after 9",
		"bob at 12", "five after 12", "ten after 12", // both were due when they were set
		"ann at 13", "five after 13", "ten after 13",
	}
	for size := 1; size <= len(happenings); size++ {
		t.Run(fmt.Sprintf("%d at a time", size), func(t *testing.T) {
			w := newWorld(t)
			saga := func() *aggregate.SagaRunner {
				return timed.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal))
			}
			birth := saga()
			stop := running(t, birth)
			online(t, birth)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(happenings); i += size {
				for _, h := range happenings[i:min(i+size, len(happenings))] {
					w.do(t, h.key, Deposit{h.minute})
				}
				r := saga()
				stop := running(t, r)
				online(t, r)
				settle(t, w.log, r)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, written(t, w.log)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
