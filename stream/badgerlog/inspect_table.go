package badgerlog

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// checkTable checks a table's index and each of its blocks. The database takes a
// block that it can not read for the end of the table, and says nothing: the keys
// in it would not be there any more. It returns the youngest transaction that the
// table has entries of. The key is nil if the table is not encrypted.
func checkTable(path string, compression options.CompressionType, key cipher.Block) (newest uint64, err error) {
	defer func() {
		if p := recover(); p != nil { // an index that another key was for is read by the database's own code
			err = fmt.Errorf("reading it panics: %v", p)
		}
	}()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errors.New("it is missing, and the manifest lists it")
	}
	if err != nil {
		return 0, err
	}
	return checkTableBytes(data, compression, key)
}

// checkTableBytes checks what a table's file holds.
func checkTableBytes(data []byte, compression options.CompressionType, key cipher.Block) (newest uint64, err error) {
	defer func() {
		if p := recover(); p != nil { // an index says where its parts are, and is believed
			newest, err = 0, fmt.Errorf("reading its index panics: %v", p)
		}
	}()
	index, err := tableIndex(data)
	if err == nil {
		index, err = decrypted(key, index)
	}
	if err != nil {
		return 0, err
	}
	root := fb.GetRootAsTableIndex(index, 0)
	if compression != options.None {
		return root.MaxVersion(), nil // its blocks are read in another way; this package writes none
	}
	return root.MaxVersion(), checkTableBlocks(data, root, key)
}

// tableIndex reads a table's index: checksum length, checksum, index length,
// index, from the end of the file. The checksum is of what stands in the file.
func tableIndex(data []byte) ([]byte, error) {
	data, sum, err := cutSized(data)
	if err != nil {
		return nil, fmt.Errorf("the checksum of its index: %w", err)
	}
	_, index, err := cutSized(data)
	if err != nil {
		return nil, fmt.Errorf("its index: %w", err)
	}
	if len(index) == 0 {
		return nil, errors.New("it has no index")
	}
	if err := checkTableSum(index, sum); err != nil {
		return nil, fmt.Errorf("its index: %w", err)
	}
	return index, nil
}

// decrypted is a part of a table as it is without its encryption: behind it stands
// its IV.
func decrypted(key cipher.Block, part []byte) ([]byte, error) {
	if key == nil {
		return part, nil
	}
	if len(part) <= aes.BlockSize {
		return nil, fmt.Errorf("expected more than %d encrypted bytes", len(part))
	}
	at := len(part) - aes.BlockSize
	return unmask(key, part[at:], part[:at]), nil
}

// cutSized cuts off what stands at the end of data, before its length.
func cutSized(data []byte) (before, part []byte, err error) {
	if len(data) < 4 {
		return nil, nil, fmt.Errorf("expected a length before byte %d", len(data))
	}
	at := len(data) - 4
	size := int64(binary.BigEndian.Uint32(data[at:]))
	if size > int64(at) {
		return nil, nil, fmt.Errorf("expected %d bytes before byte %d", size, at)
	}
	return data[:at-int(size)], data[at-int(size) : at], nil
}

func checkTableSum(data, sum []byte) error {
	var expected pb.Checksum
	if err := proto.Unmarshal(sum, &expected); err != nil {
		return err
	}
	if expected.Sum == 0 {
		return errors.New("it has no checksum")
	}
	if expected.Algo != pb.Checksum_CRC32C && expected.Algo != pb.Checksum_XXHash64 {
		return fmt.Errorf("its checksum is of an unknown kind, %d", expected.Algo)
	}
	if err := y.VerifyChecksum(data, &expected); err != nil {
		return errors.New(err.Error())
	}
	return nil
}

// checkTableBlocks checks a table's blocks. Each ends with its checksum and the
// length of that, before it is encrypted.
func checkTableBlocks(data []byte, root *fb.TableIndex, key cipher.Block) error {
	var at fb.BlockOffset
	before := int64(0) // where the block before ends: none is read twice
	for i := range root.OffsetsLength() {
		if !root.Offsets(&at, i) {
			return fmt.Errorf("expected the place of block %d in its index", i)
		}
		begin, end := int64(at.Offset()), int64(at.Offset())+int64(at.Len())
		if begin < before || end <= begin || end > int64(len(data)) {
			return fmt.Errorf("expected block %d from byte %d to %d of %d, behind the one before, which ends at %d", i, begin, end, len(data), before)
		}
		before = end
		var sum []byte
		block, err := decrypted(key, data[begin:end])
		if err == nil {
			block, sum, err = cutSized(block)
		}
		if err == nil {
			err = checkTableSum(block, sum)
		}
		if err != nil {
			return fmt.Errorf("its block from byte %d to %d: %w", begin, end, err)
		}
	}
	return nil
}
