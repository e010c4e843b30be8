package badgerlog

import (
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// compare holds the log against its indexes.
func (v *verification) compare() error {
	if v.commandsDue != v.commandsIn {
		v.found(0, 0, "the log has the effects of %d commands, their index %d, and they are not the same", v.commandsDue.count, v.commandsIn.count)
	}
	differ := map[uint64]bool{}
	for i := range v.inLog {
		if v.inLog[i] != v.inStreams[i] {
			differ[uint64(i)] = true
		}
	}
	if len(differ) > 0 {
		if err := v.nameStreams(differ); err != nil {
			return err
		}
	}
	return v.compareTags()
}

// nameStreams reads the streams again that may differ, and names those that do.
func (v *verification) nameStreams(differ map[uint64]bool) error {
	type both struct {
		log, index sum
		first      stream.Position
	}
	streams := map[stream.ID]*both{}
	walk := func(prefix byte, add func(*both, *frame)) error {
		return v.each(prefix, func(_, value []byte) {
			_ = eachFrame(value, &v.plain, func(f *frame) { // what is damaged was found before
				if f.position <= uint64(v.cut) || !differ[v.bucket(f.topic, f.key)] {
					return
				}
				id := stream.ID{Topic: string(f.topic), Key: string(f.key)}
				b, ok := streams[id]
				if !ok {
					b = &both{first: stream.Position(f.position)}
					streams[id] = b
				}
				add(b, f)
			})
		})
	}
	if err := walk(blockPrefix, func(b *both, f *frame) { b.log.add(v.hashEvent(f)) }); err != nil {
		return err
	}
	if err := walk(streamPrefix, func(b *both, f *frame) { b.index.add(v.hashEvent(f)) }); err != nil {
		return err
	}
	for id, b := range streams {
		if b.log != b.index {
			v.found(b.first, 0, "%w", differs(id, b.log, b.index))
		}
	}
	return nil
}

func differs(id stream.ID, log, index sum) error {
	if log.count == index.count {
		return fmt.Errorf("%s: the log and its index have %d events each that are not the same", id, log.count)
	}
	return fmt.Errorf("%s: the log has %d of its events, its index %d", id, log.count, index.count)
}
