package operators_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

var errUnreadable = errors.New("unreadable")

// picky can not read payloads with a word in them, unless it has been mended.
type picky struct {
	stream.Codec
	mended bool
}

func (p picky) Unmarshal(data []byte, into any) error {
	if bytes.Contains(data, []byte("ink blot")) && !p.mended {
		return errUnreadable
	}
	return p.Codec.Unmarshal(data, into)
}

func pickyTopic(mended bool) *stream.Topic[moved] {
	return stream.NewTopicWith("transfers", stream.Catalogue[moved]{"MOVED": {}}, stream.TopicOptions[moved]{Codec: picky{stream.JSON, mended}})
}

// given is by instance: what each account gave.
var given = operators.KeyedView[moved, balance]{
	Name: "given", Version: 1,
	Reduce: func(_ string, b balance, e *stream.Event[moved]) balance {
		return balance{b.Sum + e.Data.Amount, b.Events + 1}
	},
}

// blotted is a history in which bob's second event can not be decoded.
func blotted(t *testing.T) *memlog.Log {
	log := memlog.New()
	for _, to := range []string{"x", "ink blot", "y"} {
		move(t, log, "ann", "x", 1)
		move(t, log, "bob", to, 10)
	}
	return log
}

// Breaks when: put drops what could not be decoded, or again does not ask for it.
func TestAKeyedViewParksWhatCanNotBeDecoded(t *testing.T) {
	log, tables := blotted(t), memtables.New()
	table := on(t, given, tables, operators.KeyedOptions{Park: true})
	run := start(table, replay.ColdHot(log, pickyTopic(false)))
	if err := table.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantParked(t, table, "bob 4 MOVED stream", "bob 6 MOVED an earlier event of its key is parked")
	if ann, _, err := table.Get(t.Context(), "ann"); ann != (balance{3, 3}) || err != nil {
		t.Errorf("ann, who waits behind nobody: %v, %v", ann, err)
	}
	err := table.Retry(t.Context(), "bob")
	if poison, ok := errors.AsType[*operators.PoisonError](err); !ok || !errors.Is(err, errUnreadable) || poison.Position != 4 {
		t.Errorf("retried with nothing mended: %v", err)
	}
	if err := run.stop(); err != nil {
		t.Fatal(err)
	}

	table = on(t, given, tables, operators.KeyedOptions{Park: true}) // the next program, which is mended
	run = start(table, replay.ColdHot(log, pickyTopic(true)))
	if err := table.Retry(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	wantParked(t, table)
	if bob, _, err := table.Get(t.Context(), "bob"); bob != (balance{30, 3}) || err != nil {
		t.Errorf("bob, once it can be read: %v, %v", bob, err)
	}
	if err := run.stop(); err != nil {
		t.Fatal(err)
	}
}

// Breaks when: keysOf takes the instance's key for a view with keys of its own.
func TestWhatCanNotBeDecodedStopsAKeyedViewThatDoesNotKnowWhoseItIs(t *testing.T) {
	log := blotted(t)
	for name, c := range map[string]struct {
		view operators.KeyedView[moved, balance]
		park bool
		key  string
	}{
		"nothing is to be parked": {given, false, "bob"},
		"it has keys of its own":  {bobs(always), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			table := on(t, c.view, memtables.New(), operators.KeyedOptions{Park: c.park})
			run := start(table, replay.ColdHot(log, pickyTopic(false)))
			if err := table.CaughtUp(t.Context()); err == nil {
				t.Error("it went on", run.stop())
				return
			}
			err := <-run.ended
			poison, ok := errors.AsType[*operators.PoisonError](err)
			if !ok || !errors.Is(err, errUnreadable) || poison.Position != 4 || poison.Key != c.key || poison.Type != "MOVED" {
				t.Errorf("got %v, want a *PoisonError at position 4", err)
			}
			now, err := table.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer now.Close()
			if !now.At().Equal(stream.At(3)) {
				t.Errorf("it stands at %s, want just before the event", now.At())
			}
		})
	}
}
