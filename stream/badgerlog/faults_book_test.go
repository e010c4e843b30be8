package badgerlog

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// book is what callers of a log were told.
type book struct {
	mu        sync.Mutex
	stored    map[stream.Position]stream.Record // acknowledged
	sent      map[stream.EventID][]stream.Record
	ambiguous map[stream.EventID]stream.ID // commands that may or may not be there
	seen      []stream.Record              // by followers
	places    []stream.Cursor              // where the consumer may be; the first one is acknowledged
}

func newBook() *book {
	return &book{
		stored:    map[stream.Position]stream.Record{},
		sent:      map[stream.EventID][]stream.Record{},
		ambiguous: map[stream.EventID]stream.ID{},
		places:    []stream.Cursor{{}},
	}
}

// written are n events of one command, of so many bytes and a few more.
func written(n, size int) []stream.Record {
	command := stream.NewID()
	list := make([]stream.Record, n)
	for i := range list {
		list[i] = one(command)
		list[i].Data = append(fmt.Appendf(nil, "%s %d of %d ", command, i, n), make([]byte, size)...)
	}
	return list
}

// note takes down what an append was told.
func (b *book) note(id stream.ID, sent, got []stream.Record, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[sent[0].Command] = sent
	var ambiguous *stream.AmbiguousError
	if errors.As(err, &ambiguous) {
		b.ambiguous[sent[0].Command] = id
	}
	for _, r := range got {
		b.stored[r.Position] = r
	}
}

// saw takes down what a follower was handed.
func (b *book) saw(records []stream.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range records {
		r.Data = slices.Clone(r.Data)
		b.seen = append(b.seen, r)
	}
}

// everything reads the log to its end.
func everything(t *testing.T, log *Log) []stream.Record {
	t.Helper()
	var all []stream.Record
	err := log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			r.Data = slices.Clone(r.Data)
			all = append(all, r)
		}
		return nil
	})
	if err != nil {
		t.Errorf("read: %v", err)
	}
	return all
}

// shows checks that readers see what was acknowledged, and nothing else.
func (b *book) shows(t *testing.T, log *Log) {
	t.Helper()
	all := everything(t, log)
	if len(all) != len(b.stored) {
		t.Errorf("readers see %d events, want the %d that were acknowledged", len(all), len(b.stored))
	}
	for _, r := range all {
		b.isStored(t, r)
	}
	if head, err := log.Head(t.Context()); err != nil || !head.Equal(stream.At(stream.Position(len(b.stored)))) {
		t.Errorf("the head is %s, want %d: %v", head, len(b.stored), err)
	}
	b.isPlaced(t, log, b.places[:1])
}

// isStored checks that an event was acknowledged, and is as it was then.
func (b *book) isStored(t *testing.T, r stream.Record) {
	t.Helper()
	want, ok := b.stored[r.Position]
	if !ok || string(r.Data) != string(want.Data) || r.Version != want.Version || r.Stream != want.Stream {
		t.Errorf("position %d holds %.60q, which was not acknowledged there", r.Position, r.Data)
	}
}

// isPlaced checks that the consumer is at one of the places, and remembers what
// was saved with it.
func (b *book) isPlaced(t *testing.T, log *Log, places []stream.Cursor) {
	t.Helper()
	at, saved, err := log.Cursor(t.Context(), "reader")
	if err != nil || !slices.ContainsFunc(places, at.Equal) {
		t.Errorf("the consumer is at %s, want one of %v: %v", at, places, err)
	}
	state, known, err := log.State(t.Context(), "reader", "at")
	if err != nil || known != saved || known && string(state) != at.String() {
		t.Errorf("the consumer at %s remembers %q: %v", at, state, err)
	}
}

// holds checks a log that was opened again: it has what was acknowledged, of
// what is ambiguous all or nothing, and nothing that was refused.
func (b *book) holds(t *testing.T, log *Log) {
	t.Helper()
	parts := map[stream.EventID]int{}
	for i, r := range everything(t, log) {
		if r.Position != stream.Position(i+1) {
			t.Errorf("position %d stands where %d was expected", r.Position, i+1)
		}
		parts[r.Command]++
		if _, open := b.ambiguous[r.Command]; !open {
			b.isStored(t, r)
		}
	}
	for at, r := range b.stored {
		if n, want := parts[r.Command], len(b.sent[r.Command]); n != want {
			t.Errorf("position %d was acknowledged, and %d of its append's %d events are there", at, n, want)
		}
	}
	for command := range b.ambiguous {
		if n, want := parts[command], len(b.sent[command]); n != 0 && n != want {
			t.Errorf("%d of an ambiguous append's %d events are there, want all or none", n, want)
		}
	}
	for _, r := range b.seen {
		b.isStored(t, r)
	}
	b.isPlaced(t, log, b.places)
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// settles finds out what became of what was ambiguous, after the log was opened.
func (b *book) settles(t *testing.T, log *Log) {
	t.Helper()
	b.holds(t, log)
	for _, r := range everything(t, log) {
		b.stored[r.Position] = r
	}
	clear(b.ambiguous)
	at, _, err := log.Cursor(t.Context(), "reader")
	if err != nil {
		t.Error(err)
	}
	b.places = []stream.Cursor{at}
}

// repeats sends what is ambiguous again: after that it is there once.
func (b *book) repeats(t *testing.T, log *Log) {
	t.Helper()
	for command, id := range b.ambiguous {
		sent := b.sent[command]
		got, err := log.Append(t.Context(), id, stream.AnyVersion, sent...)
		if err != nil || len(got) != len(sent) || string(got[0].Data) != string(sent[0].Data) {
			t.Errorf("an ambiguous command again: got %d of %d events: %v", len(got), len(sent), err)
		}
		delete(b.ambiguous, command)
		b.note(id, sent, got, err)
	}
}
