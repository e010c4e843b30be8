package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// A log is backed up while it is in use: once as a whole, and then what came
// since. Both together make the same log elsewhere.
func ExampleRestore() {
	dir, err := os.MkdirTemp("", "badgerlog-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	users, err := badgerlog.Open(filepath.Join(dir, "users"), badgerlog.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer users.Close()
	named := stream.Record{Header: stream.Header{Type: "NAME_SET", Schema: 1}, Data: []byte(`{"Name":"Ann"}`)}

	var monday, tuesday bytes.Buffer // files, or a connection
	_, err = users.Append(ctx, stream.ID{Topic: "users", Key: "ann"}, 0, named)
	first, err2 := users.Backup(ctx, &monday, badgerlog.BackupOptions{})
	fmt.Println("monday: ", first.Events, "event up to", first.To, errors.Join(err, err2))

	_, err = users.Append(ctx, stream.ID{Topic: "users", Key: "ann"}, 1, named, named)
	next, err2 := users.Backup(ctx, &tuesday, badgerlog.BackupOptions{Since: first.To})
	fmt.Println("tuesday:", next.Events, "events up to", next.To, errors.Join(err, err2))

	elsewhere := filepath.Join(dir, "elsewhere")
	done, err := badgerlog.Restore(ctx, elsewhere, badgerlog.Options{}, &monday, &tuesday)
	fmt.Println("restored", done.Events, "events up to", done.To, err)
	again, err := badgerlog.Open(elsewhere, badgerlog.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = again.Append(ctx, stream.ID{Topic: "users", Key: "ann"}, 2, named)
	fmt.Println(err)
	fmt.Println(errors.Join(again.Verify(ctx, nil), again.Close()))
	// Output:
	// monday:  1 event up to 1 <nil>
	// tuesday: 2 events up to 3 <nil>
	// restored 3 events up to 3 <nil>
	// stream: append to users/ann: expected version 2, found 3
	// <nil>
}

// A log that is opened for reading can be read by many processes, and changed by
// none.
func ExampleOptions_readOnly() {
	dir, err := os.MkdirTemp("", "badgerlog-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	ann := stream.ID{Topic: "users", Key: "ann"}
	named := stream.Record{Header: stream.Header{Type: "NAME_SET", Schema: 1}, Data: []byte(`{"Name":"Ann"}`)}
	writer, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = writer.Append(ctx, ann, 0, named)
	if err := errors.Join(err, writer.Close()); err != nil {
		log.Fatal(err)
	}

	reader, err := badgerlog.Open(dir, badgerlog.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	head, err := reader.Head(ctx)
	fmt.Println("head", head, err)
	_, err = reader.Append(ctx, ann, 1, named)
	fmt.Println(errors.Is(err, badgerlog.ErrReadOnly), err)
	fmt.Println(reader.Close())
	// Output:
	// head 1 <nil>
	// true badgerlog: append to users/ann: the log is open for reading only
	// <nil>
}
