package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// A damaged block is never returned and never left out in silence: the reader is
// told which events can not be read, and decides to go on behind them.
func ExampleLog_Read_damaged() {
	dir, err := os.MkdirTemp("", "badgerlog-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	makeDamaged(dir)
	l, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		log.Fatal(err)
	}
	print := func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			fmt.Println(r.Position, string(r.Data[:5]))
		}
		return nil
	}
	from := stream.Cursor{}
	for {
		err = l.Read(context.Background(), stream.Query{From: from}, print)
		var corrupt *stream.CorruptError
		if !errors.As(err, &corrupt) || corrupt.Last == 0 {
			break
		}
		fmt.Printf("leaving out %d to %d\n", corrupt.Position, corrupt.Last)
		from = stream.At(corrupt.Last)
	}
	fmt.Println(errors.Join(err, l.Close()))
	// Output:
	// 1 note1
	// leaving out 2 to 2
	// 3 note3
	// <nil>
}

// makeDamaged makes a log of three events, the second of which is damaged.
func makeDamaged(dir string) {
	l, err := badgerlog.Open(dir, badgerlog.Options{}.SmallGenerations(1).SmallFiles())
	if err != nil {
		log.Fatal(err)
	}
	text := func(i int) []byte { return []byte(strings.Repeat(fmt.Sprint("note", i), 100_000)) }
	for i := range 3 {
		note := stream.Record{Header: stream.Header{Type: "NOTE_ADDED", Schema: 1}, Data: text(i + 1)}
		if _, err := l.Append(context.Background(), stream.ID{Topic: "notes", Key: "a"}, stream.AnyVersion, note); err != nil {
			log.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		log.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.vlog"))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		data = bytes.ReplaceAll(data, text(2), bytes.Repeat([]byte("?"), len(text(2))))
		if err := os.WriteFile(name, data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
