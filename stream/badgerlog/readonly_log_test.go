package badgerlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
)

// transactionEntry is an entry as the database writes it to its logs.
func transactionEntry(meta byte, ts uint64, value string) []byte {
	key := binary.BigEndian.AppendUint64([]byte("key"), 1<<64-1-ts)
	b := binary.AppendUvarint([]byte{meta, 0}, uint64(len(key)))
	b = binary.AppendUvarint(b, uint64(len(value)))
	b = append(append(append(b, 0), key...), value...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Breaks when: wholeTransactions takes what is not ended, or by another
// transaction, or goes on behind what it can not read.
func TestOnlyWholeTransactionsAreShownToTheDatabase(t *testing.T) {
	const in, ends, alone = 1 << 6, 1 << 7, 0
	end := func(ts uint64) []byte { return transactionEntry(ends, ts, fmt.Sprint(ts)) }
	torn := transactionEntry(in, 3, "three")
	for claim, c := range map[string]struct {
		entries [][]byte
		whole   int // how many of them
	}{
		"nothing":                          {nil, 0},
		"two transactions":                 {[][]byte{transactionEntry(in, 1, "a"), transactionEntry(in, 1, "b"), end(1), transactionEntry(in, 2, "c"), end(2)}, 5},
		"one that has not ended":           {[][]byte{transactionEntry(in, 1, "a"), end(1), transactionEntry(in, 2, "c")}, 2},
		"one that another interrupts":      {[][]byte{transactionEntry(in, 1, "a"), transactionEntry(in, 2, "c"), end(2)}, 0},
		"one that ends as another":         {[][]byte{transactionEntry(in, 1, "a"), end(2)}, 0},
		"a value that was moved":           {[][]byte{transactionEntry(alone, 1, "a"), transactionEntry(in, 2, "c"), end(2), transactionEntry(alone, 1, "b")}, 4},
		"a moved value in the middle":      {[][]byte{transactionEntry(in, 1, "a"), end(1), transactionEntry(in, 2, "c"), transactionEntry(alone, 1, "b"), end(2)}, 2},
		"a torn entry, and a whole behind": {[][]byte{transactionEntry(in, 1, "a"), end(1), torn[:len(torn)-2], transactionEntry(in, 3, "c"), end(3)}, 2},
		"room that was never used":         {[][]byte{transactionEntry(in, 1, "a"), end(1), make([]byte, 100)}, 2},
	} {
		t.Run(claim, func(t *testing.T) {
			data := make([]byte, logHeaderSize)
			want := len(data)
			for i, e := range c.entries {
				if data = append(data, e...); i < c.whole {
					want = len(data)
				}
			}
			if got := len((&databaseLog{data: data}).wholeTransactions()); got != want {
				t.Errorf("got %d of %d bytes, want %d", got, len(data), want)
			}
		})
	}
	if got := len((&databaseLog{data: make([]byte, 7)}).wholeTransactions()); got > 7 {
		t.Errorf("of 7 bytes: got %d", got)
	}
}
