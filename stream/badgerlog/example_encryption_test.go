package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// A log is encrypted from its first day on, and moved to another key when it is
// opened with it and the one before.
func ExampleOpen_encrypted() {
	dir, err := os.MkdirTemp("", "badgerlog-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	// In earnest: 32 random bytes, kept where the disk is not.
	old, fresh := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)

	open := func(keys ...[]byte) {
		l, err := badgerlog.Open(dir, badgerlog.Options{Keys: keys})
		var refused *badgerlog.KeyError
		if errors.As(err, &refused) {
			fmt.Printf("refused: encrypted %v, %d keys given\n", refused.Encrypted, refused.Given)
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		named := stream.Record{Header: stream.Header{Type: "NAME_SET", Schema: 1}, Data: []byte(`{"Name":"Ann"}`)}
		stored, err := l.Append(context.Background(), stream.ID{Topic: "users", Key: "ann"}, stream.AnyVersion, named)
		if err = errors.Join(err, l.Close()); err != nil {
			log.Fatal(err)
		}
		fmt.Println("opened, and stored version", stored[0].Version)
	}
	open(old)
	open()           // without a key
	open(fresh, old) // moves it to the fresh one
	open(old)
	open(fresh)
	// Output:
	// opened, and stored version 1
	// refused: encrypted true, 0 keys given
	// opened, and stored version 2
	// refused: encrypted true, 1 keys given
	// opened, and stored version 3
}
