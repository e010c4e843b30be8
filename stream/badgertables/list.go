package badgertables

import (
	"bytes"
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// Tables lists the names of the tables that hold something, in order. It looks at
// one key of each.
func (t *Tables) Tables(ctx context.Context) (names []string, err error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	defer t.leave()
	txn := t.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{})
	defer it.Close()
	for it.Rewind(); it.Valid(); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name, _, ok := bytes.Cut(it.Item().Key(), []byte{0})
		if !ok {
			return nil, &stream.CorruptError{Err: fmt.Errorf("badgertables: key %.80q is of no table", it.Item().Key())}
		}
		names = append(names, string(name))
		it.Seek(append(bytes.Clone(name), 1)) // behind all its keys: no name has a control character
	}
	return names, nil
}

func errLost(table, key string) error {
	return fmt.Errorf("badgertables: the value of %.80q in table %s is lost", key, table)
}
