package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// TestASagaThatIsFarBehindCatchesUpWhateverItHasToRemember, although one checkpoint
// takes so much and no more.
// Breaks when: store saves all of it in one checkpoint.
func TestASagaThatIsFarBehindCatchesUpWhateverItHasToRemember(t *testing.T) {
	for name, c := range map[string]struct {
		instances, timers, state int
	}{
		"large states":           {2000, 0, 20_000},
		"small ones":             {2000, 1, 100},
		"timers":                 {1000, 9, 10},
		"timers due at one time": {3000, 3, 10},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := badgerlog.Open(t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = log.Close() })
			g := aggregate.Saga[AccountEvent, string]{
				Name: "large", Time: minuteOf,
				Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
				React: func(_ string, e *stream.Event[AccountEvent]) (string, []aggregate.Effect) {
					if e.Stream.Key == "clock" {
						return "", nil
					}
					var effects []aggregate.Effect
					for i := range c.timers {
						effects = append(effects, aggregate.After(minute, fmt.Sprint("timer ", i)))
					}
					return strings.Repeat("x", c.state), effects
				},
				Expire: func(s string, _ string) (string, []aggregate.Effect) { return s, nil },
			}
			born := g.Runner(replay.Hot(log, accounts))
			stop := running(t, born)
			online(t, born)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			r := aggregate.NewRepository(log, account)
			for i := range c.instances {
				give(t, r, aggregate.Command[AccountCommand]{Key: fmt.Sprint(i), Data: Deposit{1}})
			}
			give(t, r, aggregate.Command[AccountCommand]{Key: "clock", Data: Deposit{9}})
			again := g.Runner(replay.Hot(log, accounts))
			running(t, again)
			online(t, again)
			settle(t, log, again)
		})
	}
}
