package badgerlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// tagIndex says, by tag, which events carry it. It is of one commit or one
// generation.
type tagIndex map[string][]tagged

// tagged are a topic's events that carry a tag, in order.
type tagged struct {
	topic string
	at    []stream.Position
}

// add notes events behind those that are there; it reports whether the topic has the
// tag for the first time.
func (x tagIndex) add(tag, topic string, at ...stream.Position) (first bool) {
	list := x[tag]
	for i := range list {
		if list[i].topic == topic {
			list[i].at = append(list[i].at, at...)
			return false
		}
	}
	x[tag] = append(list, tagged{topic, append([]stream.Position(nil), at...)})
	return true
}

// tagKeys begins the keys of a tag in a topic; in all topics, if it is empty.
func tagKeys(tag, topic string) []byte {
	b := make([]byte, 0, len(tag)+len(topic)+11)
	b = append(b, tagPrefix)
	b = append(append(b, tag...), 0)
	if topic == "" {
		return b
	}
	return append(append(b, topic...), 0)
}

func tagKey(tag, topic string, last stream.Position) []byte {
	return binary.BigEndian.AppendUint64(tagKeys(tag, topic), uint64(last))
}

// tagEntry reads what tagKey wrote.
func tagEntry(key []byte) (tag, topic []byte, last stream.Position, err error) {
	if len(key) > 0 && key[0] == tagPrefix {
		tag, rest, ok := bytes.Cut(key[1:], []byte{0})
		topic, number, also := bytes.Cut(rest, []byte{0})
		if ok && also && len(tag) > 0 && len(topic) > 0 && len(number) == 8 {
			return tag, topic, stream.Position(binary.BigEndian.Uint64(number)), nil
		}
	}
	return nil, nil, 0, &stream.CorruptError{Err: fmt.Errorf("key %x names no tag", key)}
}

// Positions ascend: each is stored as how far it is behind the one before, the first
// one behind 0, as an unsigned varint.
func encodePositions(list []stream.Position) []byte {
	b := make([]byte, 0, 10+2*len(list))
	before := stream.Position(0)
	for _, at := range list {
		b = binary.AppendUvarint(b, uint64(at-before))
		before = at
	}
	return seal(b)
}

var errPositions = errors.New("expected positions that ascend up to the one in the key")

// decodePositions appends to list what encodePositions wrote. The last one stands in
// the key as well.
func decodePositions(list []stream.Position, sealed []byte, last stream.Position) ([]stream.Position, error) {
	b, err := unseal(sealed)
	if err != nil {
		return list, err
	}
	at := uint64(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || step == 0 || step > uint64(last)-at {
			return list, errPositions
		}
		at += step
		list = append(list, stream.Position(at))
		b = b[n:]
	}
	if at != uint64(last) {
		return list, errPositions
	}
	return list, nil
}

// maxRequestKeys bounds what the entries of one append take in a transaction beside
// its blocks: of its streams, its command, and each of its different tags.
const maxRequestKeys = 1 << 20

// checkTags returns a [*stream.TooLargeError] for an append whose tags, beside the
// other entries, are more than one transaction takes.
func checkTags(what string, others weight, writes []request) error {
	most := others
	for i := range writes {
		for j := range writes[i].records {
			for _, tag := range writes[i].records[j].Tags {
				most.addTag(tag, writes[i].id.Topic)
			}
		}
	}
	if most.keys <= maxRequestKeys { // as almost always, even if all were different
		return nil
	}
	most = others
	index := tagIndex{}
	for i := range writes {
		for j := range writes[i].records {
			for _, tag := range writes[i].records[j].Tags {
				if index.add(tag, writes[i].id.Topic) {
					most.addTag(tag, writes[i].id.Topic)
				}
			}
		}
	}
	if most.keys <= maxRequestKeys {
		return nil
	}
	return &stream.TooLargeError{What: what + " (bytes of its names and different tags)", Size: int64(most.keys), Limit: maxRequestKeys}
}
