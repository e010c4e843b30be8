package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// These tests look for input that is accepted and then fits into no transaction of
// the database's, or into no record of the journal: a log that met it would not
// open again.

func loose(t *testing.T, dir string, s seams) *Log {
	t.Helper()
	l, err := Open(dir, Options{Durability: Unsynced, seams: s})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// reopens closes the log and opens it again.
func reopens(t *testing.T, l *Log, s seams) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	again := loose(t, l.dir.path, s)
	if err := again.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

// many are n records, each made by make.
func many(n int, make func(i int) stream.Record) iter.Seq2[stream.Record, error] {
	return func(yield func(stream.Record, error) bool) {
		for i := range n {
			if !yield(make(i), nil) {
				return
			}
		}
	}
}

// Breaks when: addFrame does not count streams' entries.
func TestATruncationOfManyStreamsFits(t *testing.T) {
	t.Run("of one event each", func(t *testing.T) {
		l := loose(t, t.TempDir(), seams{})
		_, err := l.Import(t.Context(), many(60_000, func(i int) stream.Record {
			return stream.Record{Header: stream.Header{Stream: stream.ID{Topic: "notes", Key: fmt.Sprint(i)}, Type: "A"}, Data: []byte("x")}
		}), ImportOptions{})
		if err == nil {
			_, err = l.Truncate(t.Context(), stream.At(60_000))
		}
		if err != nil {
			t.Error(err)
		}
		reopens(t, l, seams{})
	})
	t.Run("of one entry for each of many generations", func(t *testing.T) {
		small := seams{generation: 1000}
		l := loose(t, t.TempDir(), small)
		for i := range 60_000 {
			id := stream.ID{Topic: "notes", Key: fmt.Sprint(i % 1000)}
			if _, err := l.Append(t.Context(), id, stream.AnyVersion, stream.Record{Header: stream.Header{Type: "A"}, Data: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Truncate(t.Context(), stream.At(60_000)); err != nil {
			t.Error(err)
		}
		reopens(t, l, small)
	})
}

// Many streams with the longest keys, and one whose spans each have a reference
// and a copy in front of it.
// Breaks when: longSpans does not spend spareKeys.
func TestReferencesWithLongKeysFitTheirTransaction(t *testing.T) {
	l := loose(t, t.TempDir(), seams{})
	topic := strings.Repeat("t", 200)
	put := func(id stream.ID, size int) {
		t.Helper()
		if _, err := l.Append(t.Context(), id, stream.AnyVersion, stream.Record{Header: stream.Header{Type: "T"}, Data: make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1350 {
		put(stream.ID{Topic: topic, Key: fmt.Sprintf("%s%05d", strings.Repeat("k", 995), i)}, 1)
	}
	long, short := stream.ID{Topic: topic, Key: strings.Repeat("a", 1000)}, stream.ID{Topic: "t", Key: "b"}
	for range 390 {
		put(long, longSpanBytes)
		put(short, 1)
		put(long, 1)
		put(short, 1)
	}
	reopens(t, l, seams{})
}

// Breaks when: recordSize leaves out metadata.
func TestAGroupWithMuchMetadataFitsTheJournal(t *testing.T) {
	gate, began := make(chan struct{}), make(chan struct{})
	var once sync.Once
	l := loose(t, t.TempDir(), seams{commit: func(write func() error) error {
		once.Do(func() { close(began); <-gate })
		return write()
	}})
	meta := stream.Metadata{"m": strings.Repeat("x", 60<<10)}
	var wg sync.WaitGroup
	put := func(i int) {
		wg.Go(func() {
			r := stream.Record{Header: stream.Header{Type: "T", Meta: meta}, Data: []byte("x")}
			if _, err := l.Append(context.Background(), stream.ID{Topic: "t", Key: fmt.Sprint(i)}, stream.AnyVersion, r); err != nil {
				t.Errorf("append %d: %v", i, err)
			}
		})
	}
	put(0)
	<-began
	for i := range 1200 {
		put(i + 1)
	}
	close(gate)
	wg.Wait()
	reopens(t, l, seams{})
}

// Breaks when: full counts payloads only, or add does not look at tailBytes.
func TestABatchOfAnImportFitsTheJournal(t *testing.T) {
	id := stream.ID{Topic: "notes", Key: "k"}
	t.Run("with much metadata", func(t *testing.T) {
		l := loose(t, t.TempDir(), seams{})
		meta := stream.Metadata{"m": strings.Repeat("x", 8<<10)}
		_, err := l.Import(t.Context(), many(9000, func(int) stream.Record {
			return stream.Record{Header: stream.Header{Stream: id, Type: "A", Meta: meta}, Data: []byte("x")}
		}), ImportOptions{})
		if err != nil {
			t.Error(err)
		}
		reopens(t, l, seams{})
	})
	t.Run("of one command, which no append could be", func(t *testing.T) {
		l := loose(t, t.TempDir(), seams{})
		command := stream.NewID()
		_, err := l.Import(t.Context(), many(40, func(int) stream.Record {
			return stream.Record{Header: stream.Header{Stream: id, Type: "A", Command: command}, Data: make([]byte, 1<<20)}
		}), ImportOptions{})
		var large *stream.TooLargeError
		if !errors.As(err, &large) {
			t.Errorf("got %v, want a TooLargeError", err)
		}
		if _, err := l.Append(t.Context(), id, stream.AnyVersion, stream.Record{Header: stream.Header{Type: "T"}, Data: []byte("x")}); err != nil {
			t.Errorf("append after it: %v", err)
		}
		reopens(t, l, seams{})
	})
}
