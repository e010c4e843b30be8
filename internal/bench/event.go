package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/thaw-go/thaw/stream"
)

// What every event of the benchmark is: an order that was placed.
const (
	topicName = "orders"
	typeName  = "ORDER_PLACED"
	poolSize  = 4096
)

// pool holds the events that the cases append, made before any clock starts.
// Thaw is given records, a peer the same events as frames: bytes laid out as
// Thaw's own format has an event's head and payload, so that all of them store
// equally many. It is not changed after newPool and safe for concurrent use.
type pool struct {
	payloads [][]byte
	frames   [][]byte
	keys     []string // the streams' keys
	size     int      // bytes of an event: head and payload
}

// newPool makes events with payloads of the given size, spread over streams.
func newPool(payload, streams int) *pool {
	random := rand.New(rand.NewPCG(1, 2))
	p := &pool{keys: make([]string, streams)}
	for i := range p.keys {
		p.keys[i] = fmt.Sprintf("order-%06d", i)
	}
	for i := range poolSize {
		data := appendOrder(nil, i, payload, random)
		p.payloads = append(p.payloads, data)
		p.frames = append(p.frames, appendFrame(nil, p.key(i), uint64(i+1), data))
	}
	p.size = len(p.frames[0])
	return p
}

func (p *pool) frame(i int) []byte   { return p.frames[i%poolSize] }
func (p *pool) payload(i int) []byte { return p.payloads[i%poolSize] }
func (p *pool) key(i int) string     { return p.keys[i%len(p.keys)] }

// record is event i as a writer gives it to Thaw; its command is none.
func (p *pool) record(i int) stream.Record {
	return stream.Record{
		Header: stream.Header{Type: typeName, Schema: 1, ID: uniqueID(i, 1)},
		Data:   p.payload(i),
	}
}

// uniqueID spreads like a random ID, differs for every i and kind, and costs
// nothing next to what is measured.
func uniqueID(i int, kind uint64) stream.EventID {
	var id stream.EventID
	binary.BigEndian.PutUint64(id[:], mix(uint64(i)<<2|kind))
	binary.BigEndian.PutUint64(id[8:], uint64(i)<<2|kind)
	return id
}

// mix is the finalizer of SplitMix64: a bijection that looks random.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789    eeeetttaaaoooiiinnn"

// appendOrder appends a JSON document of exactly size bytes.
func appendOrder(b []byte, i, size int, random *rand.Rand) []byte {
	start := len(b)
	b = append(b, `{"order":"o-`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `","customer":"c-`...)
	b = strconv.AppendInt(b, int64(random.IntN(1_000_000)), 10)
	b = append(b, `","cents":`...)
	b = strconv.AppendInt(b, int64(100+random.IntN(90_000)), 10)
	b = append(b, `,"paid":true,"note":"`...)
	for len(b)-start < size-2 {
		b = append(b, letters[random.IntN(len(letters))])
	}
	return append(b, `"}`...)
}

const frameFixed = 4 + 2 + 4 + 8 + 8 + 8 + 16 + 4 // docs/format.md: a head without its strings

// appendFrame appends an event as docs/format.md lays out a head, and its
// payload behind it.
func appendFrame(b []byte, key string, number uint64, payload []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)                       // the head's length, set below
	b = append(b, 0, 0)                             // flags
	b = binary.LittleEndian.AppendUint32(b, 1)      // schema
	b = binary.LittleEndian.AppendUint64(b, number) // position
	b = binary.LittleEndian.AppendUint64(b, number) // version
	b = binary.LittleEndian.AppendUint64(b, 1_700_000_000_000_000_000+number)
	id := uniqueID(int(number), 1)
	b = append(b, id[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	for _, s := range []string{topicName, key, typeName} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start))
	return append(b, payload...)
}

// view is what a reader of a frame sees; it shares the frame's bytes.
type view struct {
	position, version uint64
	time              int64
	id                []byte
	topic, key, typ   []byte
	payload           []byte
}

var errFrame = errors.New("bench: a stored event is not what was written")

// decodeFrame reads the head of a frame and where its payload is.
func decodeFrame(b []byte, v *view) error {
	if len(b) < frameFixed {
		return errFrame
	}
	head := int(binary.LittleEndian.Uint32(b))
	size := int(binary.LittleEndian.Uint32(b[50:]))
	if head < frameFixed || head+size != len(b) {
		return errFrame
	}
	v.position = binary.LittleEndian.Uint64(b[10:])
	v.version = binary.LittleEndian.Uint64(b[18:])
	v.time = int64(binary.LittleEndian.Uint64(b[26:]))
	v.id = b[34:50]
	rest := b[frameFixed:head]
	for _, s := range []*[]byte{&v.topic, &v.key, &v.typ} {
		n, width := binary.Uvarint(rest)
		if width <= 0 || n > uint64(len(rest)-width) {
			return errFrame
		}
		*s, rest = rest[width:width+int(n)], rest[width+int(n):]
	}
	v.payload = b[head:]
	return nil
}

// positionKey is the key of event i in a key-value store: they sort by number.
func positionKey(i int) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), 'e'), uint64(i))
}

// indexKey is the key of event i of a stream, after which its events sort.
func indexKey(key string, i int) []byte {
	return binary.BigEndian.AppendUint64(indexPrefix(key, 8), uint64(i))
}

func indexPrefix(key string, room int) []byte {
	b := append(make([]byte, 0, len(key)+2+room), 's')
	return append(append(b, key...), 0)
}
