package aggregate_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
	"github.com/thaw-go/thaw/stream/memlog"
)

type moveTo struct{ street string }

type moved struct{ To stream.Sealed[string] }

var residents = stream.NewTopic("residents", stream.Catalogue[moved]{"MOVED": {}})

// resident seals in Decide, and keeps what is sealed in its state.
var resident = aggregate.New(residents,
	func(_ stream.Sealed[string], c moveTo) ([]moved, error) {
		return []moved{{stream.Seal("person/42", c.street)}}, nil
	},
	func(_ stream.Sealed[string], e moved) stream.Sealed[string] { return e.To })

// TestARepositorySealsWhatItStores: Decide seals without a key, what is stored has no
// clear text, and what Execute returns is what a reader gets: closed, and opened with
// the keys until the subject is forgotten. Then the aggregate still loads.
//
// Breaks when: the repository does not call CloseSealed; or returns what was decided
// and not what was stored.
func TestARepositorySealsWhatItStores(t *testing.T) {
	log, keys := memlog.New(), keyring.InMemory()
	defer log.Close()
	people := aggregate.NewRepositoryWith(log, resident, aggregate.Options{Keys: keys})
	got, err := people.Execute(t.Context(), "42", moveTo{"1 Secret Street"})
	if err != nil {
		t.Fatal(err)
	}
	for claim, s := range map[string]stream.Sealed[string]{"the event": got.Events[0].Data.To, "the state": got.State} {
		if text, err := s.Open(t.Context(), nil); err == nil {
			t.Errorf("%s is open, and holds %q", claim, text)
		}
		if text, err := s.Open(t.Context(), keys); err != nil || text != "1 Secret Street" {
			t.Errorf("%s holds %q, %v", claim, text, err)
		}
	}
	err = log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for _, rec := range records {
			if strings.Contains(string(rec.Data), "Secret") || !strings.Contains(string(rec.Data), "person/42") {
				t.Errorf("stored as %s", rec.Data)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := keys.Forget(t.Context(), "person/42"); err != nil {
		t.Fatal(err)
	}
	if _, err := people.Execute(t.Context(), "42", moveTo{"2 Secret Street"}); !errors.Is(err, stream.ErrForgotten) {
		t.Errorf("sealed for who is forgotten: got %v, want ErrForgotten", err)
	}
	n := 0
	for e, err := range replay.History(log, residents, "42").All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Data.To.Open(t.Context(), keys); !errors.Is(err, stream.ErrForgotten) {
			t.Errorf("got %v, want ErrForgotten", err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d events are stored, want one", n)
	}
}

// TestWithoutKeysNothingSealedIsStored: the error says whose it is and what to do.
// Breaks when: the repository encodes what it could not close.
func TestWithoutKeysNothingSealedIsStored(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	_, err := aggregate.NewRepository(log, resident).Execute(t.Context(), "42", moveTo{"1 Secret Street"})
	if err == nil || !strings.Contains(err.Error(), "person/42") || !strings.Contains(err.Error(), "Keys") || strings.Contains(err.Error(), "Secret") {
		t.Errorf("got %v, want an error that names the subject and the option", err)
	}
	if head, err := log.Head(t.Context()); err != nil || !head.IsZero() {
		t.Errorf("something was stored: %s, %v", head, err)
	}
}

// TestACommandThatIsSentAgainHasTheSameEvents, sealed to the same bytes once they are
// stored; and commands that share what is sealed do not race.
// Breaks when: the repository decides again what has taken effect; closing writes to
// what the command holds (go test -race).
func TestACommandThatIsSentAgainHasTheSameEvents(t *testing.T) {
	type pass struct{ to stream.Sealed[string] }
	passing := aggregate.New(residents, func(_ int, c pass) ([]moved, error) { return []moved{{c.to}}, nil },
		func(n int, _ moved) int { return n + 1 })
	log, keys := memlog.New(), keyring.InMemory()
	defer log.Close()
	people := aggregate.NewRepositoryWith(log, passing, aggregate.Options{Keys: keys})
	shared, id := stream.Seal("person/42", "1 Secret Street"), stream.NewID()
	stored := make([]string, 16)
	var all sync.WaitGroup
	for i := range stored {
		all.Go(func() {
			got, err := people.Handle(context.Background(), aggregate.Command[pass]{ID: id, Key: "42", Data: pass{shared}})
			if err != nil {
				t.Error(err)
				return
			}
			data, err := got.Events[0].Data.To.MarshalText()
			if err != nil {
				t.Error(err)
			}
			stored[i] = got.Events[0].ID.String() + string(data)
		})
	}
	all.Wait()
	for _, s := range stored {
		if s != stored[0] {
			t.Fatalf("one command has the events %s and %s", stored[0], s)
		}
	}
}
