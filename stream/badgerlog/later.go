package badgerlog

import (
	"encoding/binary"
	"math"

	"github.com/thaw-go/thaw/stream"
)

// fillLater sets what stands behind the type of an event that has something there.
func (f *frame) fillLater(names *interner, r *stream.Record) (err error) {
	rest := f.later
	if f.flags&hasMeta != 0 {
		if rest, err = fillMeta(rest, r); err != nil {
			return err
		}
	}
	if f.flags&hasTags != 0 {
		if rest, err = eachString(rest, 1, func(s [2][]byte) { r.Tags = append(r.Tags, names.get(s[0])) }); err != nil {
			return err
		}
	}
	if f.flags&hasDepth != 0 {
		if r.Depth, rest, err = takeUint32(rest); err != nil {
			return err
		}
	}
	if f.flags&hasRemember != 0 {
		r.Remember, _, err = takeUint32(rest)
	}
	return err
}

func fillMeta(b []byte, r *stream.Record) (rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return nil, errShort
	}
	r.Meta = make(stream.Metadata, min(n, 64))
	return eachString(b, 2, func(s [2][]byte) { r.Meta[string(s[0])] = string(s[1]) })
}

// eachString hands over counted strings, by one or two.
func eachString(b []byte, by int, each func([2][]byte)) (rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return nil, errShort
	}
	rest = b[size:]
	for range n {
		var s [2][]byte
		for i := range by {
			if s[i], rest, err = takeString(rest); err != nil {
				return nil, err
			}
		}
		each(s)
	}
	return rest, nil
}

func takeUint32(b []byte) (n uint32, rest []byte, err error) {
	long, size := binary.Uvarint(b)
	if size <= 0 || long > math.MaxUint32 {
		return 0, nil, errShort
	}
	return uint32(long), b[size:], nil
}

// tags are the event's, in room, as views that hold as long as its bytes do: for
// queries that ask for some.
func (f *frame) tags(room []string) ([]string, error) {
	room = room[:0]
	if f.flags&hasTags == 0 {
		return room, nil
	}
	rest, err := f.behindMeta()
	if err == nil {
		_, err = eachString(rest, 1, func(s [2][]byte) { room = append(room, view(s[0])) })
	}
	return room, err
}

func (f *frame) behindMeta() ([]byte, error) {
	if f.flags&hasMeta == 0 {
		return f.later, nil
	}
	return eachString(f.later, 2, func([2][]byte) {})
}

// remember is for how many seconds the event's command is remembered.
func (f *frame) remember() (n uint32, err error) {
	if f.flags&hasRemember == 0 {
		return 0, nil
	}
	rest, err := f.behindMeta()
	if err == nil && f.flags&hasTags != 0 {
		rest, err = eachString(rest, 1, func([2][]byte) {})
	}
	if err == nil && f.flags&hasDepth != 0 {
		_, rest, err = takeUint32(rest)
	}
	if err == nil {
		n, _, err = takeUint32(rest)
	}
	return n, err
}

// needsTags reports whether a query selects by tags, and whether it selects nothing
// else.
func needsTags(list []stream.Match) (some, all bool) {
	all = len(list) > 0
	for i := range list {
		tags := len(list[i].Tags) > 0
		some, all = some || tags, all && tags
	}
	return some, all
}
