package badgerlog

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// storageError is Badger's error in words: no type or sentinel of Badger's
// leaves this package.
func storageError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("badgerlog: %s: %s", doing, err)
}

// getValue returns a copy of a key's value, or nil if there is none. No value is
// stored empty: one that reads so is lost, or its file was collected between the
// look at the key and the look at the value, and then stands elsewhere by now.
func getValue(txn *badger.Txn, key []byte) (value []byte, err error) {
	for range 2 {
		var item *badger.Item
		item, err = txn.Get(key)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil, nil
		}
		if err == nil {
			value, err = item.ValueCopy(nil)
		}
		if err == nil && len(value) > 0 {
			return value, nil
		}
	}
	if err != nil {
		return nil, storageError(fmt.Sprintf("read key %q", key), err)
	}
	return []byte{}, nil // its checksum tells it from none
}

// floorKey is a copy of the last key of a family that is not after the given
// one; nil if there is none.
func floorKey(txn *badger.Txn, prefix, at []byte) []byte {
	it := txn.NewIterator(badger.IteratorOptions{Reverse: true})
	defer it.Close()
	it.Seek(at)
	if !it.ValidForPrefix(prefix) {
		return nil
	}
	return bytes.Clone(it.Item().Key())
}
