package badgerlog

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"google.golang.org/protobuf/proto"
)

// registry is the database's own keys, which it stores in a file, closed under
// the key that the log gives it, and encrypts its files with: each file names the
// number of its key.
//
//	iv 16 | sanity text 12 | key …
//	key  length u32 | crc32c u32 | number, key, iv and time, as a protocol buffer
//
// Integers are big-endian.
type registry struct {
	exists bool
	keys   map[uint64]cipher.Block
	order  []uint64 // their numbers, the newest last
	whole  int      // how long the file is up to the first key that is not whole
	size   int
}

const registryHeadSize = aes.BlockSize + 12

var registrySanity = []byte("Hello Badger")

// mostRegistryKey bounds what is taken for a key in the registry.
const mostRegistryKey = 1 << 10

// checkKeys reads the registry of keys, whose damage the database reports as a
// key that does not fit. What stands at its end and is not whole may be a key that
// was being added when the power went: checkHeads finds out whether it was used.
func (in *inspection) checkKeys() error {
	data, err := os.ReadFile(filepath.Join(in.dir, badger.KeyRegistryFileName))
	if errors.Is(err, fs.ErrNotExist) {
		if in.secrets.encrypted() && len(in.tables)+len(in.logs)+len(in.mems) > 0 {
			return in.damaged(badger.KeyRegistryFileName, errors.New("it is missing, and the database is encrypted"))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	master, err := in.secrets.key(databasePart)
	if err == nil {
		err = in.registry.read(data, master)
	}
	if err != nil {
		return in.damaged(badger.KeyRegistryFileName, err)
	}
	return nil
}

func (r *registry) read(data, master []byte) error {
	*r = registry{exists: true, keys: map[uint64]cipher.Block{}, size: len(data), whole: registryHeadSize}
	if len(data) < registryHeadSize {
		return fmt.Errorf("expected at least %d bytes, found %d", registryHeadSize, len(data))
	}
	text, err := unmasked(master, data[:aes.BlockSize], data[aes.BlockSize:registryHeadSize])
	if err != nil {
		return err
	}
	if !bytes.Equal(text, registrySanity) {
		return errors.New("its beginning is damaged, or is another log's")
	}
	for r.whole < len(data) {
		size, key := registryKey(data[r.whole:])
		if key == nil {
			return r.checkTorn(data[r.whole:])
		}
		if err := r.add(key, master); err != nil {
			return fmt.Errorf("its key at byte %d: %w", r.whole, err)
		}
		r.whole += size
	}
	return nil
}

// registryKey is the key at the beginning of b, and how long it is; nil if none
// that is whole stands there.
func registryKey(b []byte) (size int, key *pb.DataKey) {
	if len(b) < 8 {
		return 0, nil
	}
	length := binary.BigEndian.Uint32(b)
	if length == 0 || length > mostRegistryKey || int(length) > len(b)-8 {
		return 0, nil
	}
	size, key = 8+int(length), &pb.DataKey{}
	if crc32.Checksum(b[8:size], castagnoli) != binary.BigEndian.Uint32(b[4:]) || proto.Unmarshal(b[8:size], key) != nil {
		return 0, nil
	}
	return size, key
}

// checkTorn refuses what is not whole if a key follows: a key is on the disk
// before the next one is made.
func (r *registry) checkTorn(rest []byte) error {
	for i := range rest {
		if _, key := registryKey(rest[i:]); key != nil && key.KeyId > 0 {
			return fmt.Errorf("expected a key at byte %d, found none that is whole, but one at byte %d", r.whole, r.whole+i)
		}
	}
	return nil
}

func (r *registry) add(key *pb.DataKey, master []byte) error {
	if len(key.Iv) != aes.BlockSize {
		return fmt.Errorf("expected an IV of %d bytes, found %d", aes.BlockSize, len(key.Iv))
	}
	plain, err := unmasked(master, key.Iv, key.Data)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(plain)
	if err != nil {
		return err
	}
	r.keys[key.KeyId] = block
	r.order = append(r.order, key.KeyId)
	return nil
}

// unmasked is data as it is without AES-CTR; as it is, if there is no key.
func unmasked(key, iv, data []byte) ([]byte, error) {
	if key == nil {
		return data, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return unmask(block, iv, data), nil
}

func unmask(block cipher.Block, iv, data []byte) []byte {
	plain := make([]byte, len(data))
	cipher.NewCTR(block, iv).XORKeyStream(plain, data)
	return plain
}

// key is what a file is encrypted with that names a number; nil if the log is not
// encrypted. name is the file's.
func (in *inspection) key(name string, number uint64) (cipher.Block, error) {
	switch key, ok := in.registry.keys[number]; {
	case ok:
		return key, nil
	case number == 0 && !in.secrets.encrypted():
		return nil, nil
	case number == 0:
		return nil, in.damaged(name, errors.New("it says that it is not encrypted, and the log is"))
	case !in.secrets.encrypted():
		return nil, in.damaged(name, fmt.Errorf("it says that it is encrypted with key %d, and the log is not", number))
	case in.registry.whole < in.registry.size:
		return nil, in.damaged(badger.KeyRegistryFileName, fmt.Errorf("expected key %d, which %s is encrypted with, found nothing that is whole behind byte %d", number, name, in.registry.whole))
	default:
		return nil, in.damaged(name, fmt.Errorf("it says that it is encrypted with key %d, which %s does not have", number, badger.KeyRegistryFileName))
	}
}

// mendKeys cuts off a key that was being added to the registry when the power
// went: the next one would stand behind it, where nobody finds it. No file is
// encrypted with it.
func (in *inspection) mendKeys() error {
	if !in.registry.exists || in.registry.whole == in.registry.size {
		return nil
	}
	err := in.change(func() error {
		f, err := os.OpenFile(filepath.Join(in.dir, badger.KeyRegistryFileName), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Truncate(int64(in.registry.whole)), f.Sync(), f.Close())
	})
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	return nil
}

// copyKeys copies the registry up to its last whole key, if there is one.
func (in *inspection) copyKeys(to string) error {
	if !in.registry.exists {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(in.dir, badger.KeyRegistryFileName))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, badger.KeyRegistryFileName), data[:min(in.registry.whole, len(data))], 0o600)
}
