package badgerlog

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// tagPlace is a tag on an event of a topic.
type tagPlace struct {
	tag, topic string
	at         stream.Position
}

func (v *verification) hashTag(tag, topic []byte, at stream.Position) uint64 {
	var h maphash.Hash
	h.SetSeed(v.seed)
	for _, name := range [2][]byte{tag, topic} {
		_, _ = h.Write(name)
		_ = h.WriteByte(0)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(at))
	_, _ = h.Write(b[:])
	return h.Sum64()
}

// dueTags adds up what the index of tags has to say.
func (v *verification) dueTags(f *frame) {
	var err error
	if v.tags, err = f.tags(v.tags); err != nil {
		v.found(stream.Position(f.position), stream.Position(f.position), "event: its tags: %w", err)
	}
	for _, tag := range v.tags {
		v.tagsDue[v.bucket([]byte(tag), f.topic)].add(v.hashTag([]byte(tag), f.topic, stream.Position(f.position)))
	}
}

// walkTags adds up what the index of tags says of what was not removed.
func (v *verification) walkTags() error {
	return v.eachTagged(func(tag, topic []byte, list []stream.Position) {
		sum := &v.tagsIn[v.bucket(tag, topic)]
		for _, at := range list {
			sum.add(v.hashTag(tag, topic, at))
		}
	}, func(key []byte, at stream.Position, err error) {
		v.found(at, 0, "index of tags, key %q: %w", key, err)
	})
}

// eachTagged hands over the entries of the index of tags.
func (v *verification) eachTagged(visit func(tag, topic []byte, list []stream.Position), damaged func(key []byte, at stream.Position, err error)) error {
	var list []stream.Position
	return v.each(tagPrefix, func(key, value []byte) {
		tag, topic, last, err := tagEntry(key)
		if err == nil {
			list, err = decodePositions(list[:0], value, last)
		}
		if err != nil {
			damaged(key, last, err)
			return
		}
		removed, _ := slices.BinarySearch(list, v.cut+1)
		visit(tag, topic, list[removed:])
	})
}

// mostBuckets is how many buckets of tags that differ are looked into: that bounds
// what it takes in memory.
const mostBuckets = 16

// compareTags holds the log against its index of tags, and names what differs.
func (v *verification) compareTags() error {
	differ := map[uint64]bool{}
	for i := range v.tagsDue {
		switch {
		case v.tagsDue[i] == v.tagsIn[i]:
		case len(differ) < mostBuckets:
			differ[uint64(i)] = true
		default:
			v.more++
		}
	}
	if len(differ) == 0 {
		return nil
	}
	places := map[tagPlace]int{}
	err := v.each(blockPrefix, func(_, value []byte) {
		_ = eachFrame(value, &v.plain, func(f *frame) { // what is damaged was found before
			if f.position <= uint64(v.cut) {
				return
			}
			v.tags, _ = f.tags(v.tags)
			for _, tag := range v.tags {
				if differ[v.bucket([]byte(tag), f.topic)] {
					places[tagPlace{string([]byte(tag)), string(f.topic), stream.Position(f.position)}]++
				}
			}
		})
	})
	if err != nil {
		return err
	}
	err = v.eachTagged(func(tag, topic []byte, list []stream.Position) {
		if !differ[v.bucket(tag, topic)] {
			return
		}
		for _, at := range list {
			places[tagPlace{string(tag), string(topic), at}]--
		}
	}, func([]byte, stream.Position, error) {})
	if err == nil {
		v.nameTags(places)
	}
	return err
}

func (v *verification) nameTags(places map[tagPlace]int) {
	for _, p := range slices.SortedFunc(maps.Keys(places), func(a, b tagPlace) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.tag, b.tag))
	}) {
		switch n := places[p]; {
		case n > 0:
			v.found(p.at, p.at, "event of topic %s tagged %q: the index of tags does not have it", p.topic, p.tag)
		case n < 0:
			v.found(p.at, p.at, "index of tags: it names an event of topic %s tagged %q that the log does not have, or has less often", p.topic, p.tag)
		}
	}
}
