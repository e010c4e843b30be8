package badgerlog

import (
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

// The manifest is a head and then messages: length u32, crc32c u32, both
// big-endian, and the message. The database makes room for whatever a length or a
// number in it asks for, so it is walked before; so is the registry of keys.
const (
	manifestHead = 8   // "Bdgr", two versions u16
	mostLevel    = 255 // of a table; the database has seven
)

// eachMessage hands over the messages behind a head, and returns where the last
// whole one ends.
func eachMessage(data []byte, head int, each func(message []byte) error) (end int, err error) {
	if len(data) < head {
		return 0, fmt.Errorf("expected a head of %d bytes, found %d", head, len(data))
	}
	for end = head; len(data)-end >= 8; {
		length, sum := int64(binary.BigEndian.Uint32(data[end:])), binary.BigEndian.Uint32(data[end+4:])
		if length > int64(len(data)-end-8) {
			return end, nil
		}
		message := data[end+8 : end+8+int(length)]
		if got := crc32.Checksum(message, castagnoli); got != sum {
			return end, fmt.Errorf("checksum of the entry at byte %d: expected %08x, found %08x", end, sum, got)
		}
		if err := each(message); err != nil {
			return end, fmt.Errorf("the entry at byte %d: %w", end, err)
		}
		end += 8 + int(length)
	}
	return end, nil
}

// checkChanges checks a manifest's changes. A crash may have cut its last one.
func checkChanges(data []byte) error {
	_, err := eachMessage(data, manifestHead, func(message []byte) error {
		var set pb.ManifestChangeSet
		if err := proto.Unmarshal(message, &set); err != nil {
			return err
		}
		for _, c := range set.Changes {
			if c.Level > mostLevel {
				return fmt.Errorf("expected table %d on a level up to %d, found %d", c.Id, mostLevel, c.Level)
			}
		}
		return nil
	})
	return err
}

// checkFrames checks the manifest, if there is one.
func (in *inspection) checkFrames() error {
	data, err := os.ReadFile(filepath.Join(in.dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	if err := checkChanges(data); err != nil {
		return in.damaged(badger.ManifestFilename, err)
	}
	return nil
}
