package badgerlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// maxFindings is how many inconsistencies Verify names.
const maxFindings = 100

// Verify reads the whole log and everything that is kept beside it, and returns
// every inconsistency it finds: damaged or missing blocks, a stream whose own
// entries are not what the log says of it, a command whose effect is not there,
// a tag that its index does not have or has for another event, a consumer past the head. They are joined in one error, [*stream.CorruptError]
// each, at most 100 of them; nil: the log is whole. Other errors are those of
// [Log.Read]. progress, which may be nil, is told now and then how much of
// the work is done; it runs on the caller's goroutine and must not close the log.
//
// It verifies the log as it is at the call; appends and reads go on meanwhile. Once
// storage has failed it verifies what the database has.
// It takes little memory, however long the log is, and about as long as reading
// the disk twice.
func (l *Log) Verify(ctx context.Context, progress func(done, total uint64)) error {
	if err := l.mayWork(ctx); err != nil {
		return err
	}
	var failed *FailedError // then the database has what it has, and that can be compared
	if err := l.settle(ctx); err != nil && !errors.As(err, &failed) {
		return err
	}
	s, err := l.reads.begin(l)
	if err != nil {
		return err
	}
	defer s.end()
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	v := &verification{log: l, ctx: ctx, section: s, seed: maphash.MakeSeed(), progress: progress, cut: l.memory.cutAt()}
	if err := v.run(); err != nil {
		return err
	}
	if v.more > 0 {
		v.findings = append(v.findings, fmt.Errorf("badgerlog: and %d more", v.more))
	}
	return errors.Join(v.findings...)
}

// verification walks each family of keys once and compares them by sums: adding
// up a hash of each event gives the same however they are ordered, and nothing
// else gives the same.
type verification struct {
	log      *Log
	ctx      context.Context
	section  *section
	seed     maphash.Seed
	progress func(done, total uint64)
	done     uint64

	inLog, inStreams        [sumBuckets]sum // of events, by stream
	commandsDue, commandsIn sum
	now                     time.Time       // commands that are forgotten by now are left out
	tagsDue, tagsIn         [sumBuckets]sum // of events that carry tags, by tag
	tags                    []string        // of the event that is looked at
	streams                 uint64
	findings                []error
	cut                     stream.Position // history up to here was removed
	first                   uint64          // the position of the first event that is still there
	plain                   []byte          // of a block that stands compressed
	more                    int
}

const sumBuckets = 1 << 12

// sum is of what a set holds: how many, and of their hashes.
type sum struct{ count, hashes uint64 }

func (s *sum) add(hash uint64) {
	s.count++
	s.hashes += hash
}

func (v *verification) run() error {
	for _, walk := range []func() error{v.walkCommands, v.walkLog, v.walkStreams, v.walkTags, v.walkConsumers, v.walkUnstored} {
		if err := walk(); err != nil {
			return err
		}
	}
	return v.compare()
}

func (v *verification) found(at, last stream.Position, format string, args ...any) {
	if len(v.findings) == maxFindings {
		v.more++
		return
	}
	v.findings = append(v.findings, &stream.CorruptError{Position: at, Last: last, Err: fmt.Errorf(format, args...)})
}

// each walks a family of keys; what visit is given is valid until it returns.
func (v *verification) each(prefix byte, visit func(key, value []byte)) error {
	if err := v.section.fault.at("db.iterate"); err != nil {
		return storageError(fmt.Sprintf("verify the keys that begin with %q", prefix), err)
	}
	it := v.section.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := v.log.mayWork(v.ctx); err != nil {
			return err
		}
		item := it.Item()
		err := v.section.fault.at("db.value")
		if err == nil {
			err = item.Value(func(value []byte) error {
				if prefix != streamPrefix {
					visit(item.Key(), value)
					return nil
				}
				return v.section.block(value, func(block []byte) error {
					visit(item.Key(), block)
					return nil
				})
			})
		}
		if err != nil {
			v.found(0, 0, "key %x: %s", item.Key(), err)
		}
	}
	return nil
}

// advance counts events of the log and of the streams.
func (v *verification) advance(events uint64) {
	v.done += events
	v.progress(min(v.done, 2*uint64(v.section.stored)), 2*uint64(v.section.stored))
}

// bucket is where a stream's events are added up.
func (v *verification) bucket(topic, key []byte) uint64 {
	return (maphash.Bytes(v.seed, topic) + 31*maphash.Bytes(v.seed, key)) % sumBuckets
}

func (v *verification) hashEvent(f *frame) uint64 {
	var h maphash.Hash
	h.SetSeed(v.seed)
	_, _ = h.Write(f.head)
	_, _ = h.Write(f.body)
	return h.Sum64()
}

// eachFrame walks a block's events.
func eachFrame(value []byte, room *[]byte, visit func(*frame)) error {
	b, err := openBlock(value, room)
	if err != nil {
		return err
	}
	var f frame
	for {
		more, err := b.next(&f)
		if err != nil || !more {
			return err
		}
		visit(&f)
	}
}

func (v *verification) walkLog() error {
	next := uint64(v.cut) + 1
	last := effectWalk{emit: v.endCommand}
	err := v.each(blockPrefix, func(key, value []byte) {
		end, _, err := numbered([]byte{blockPrefix}, key)
		if err != nil {
			v.found(stream.Position(next), 0, "block: %w", err)
			return
		}
		if end <= uint64(v.cut) { // it is being removed, and what its commands did with it
			if err := eachFrame(value, &v.plain, func(f *frame) { v.dueCommand(&last, f) }); err != nil {
				v.found(stream.Position(end), stream.Position(end), "block that is being removed: %w", err)
			}
			return
		}
		begin := next
		err = eachFrame(value, &v.plain, func(f *frame) {
			if f.position != next {
				v.found(stream.Position(next), stream.Position(f.position-min(f.position, 1)), "expected position %d, found %d", next, f.position)
			}
			next = f.position + 1
			v.inLog[v.bucket(f.topic, f.key)].add(v.hashEvent(f))
			if f.version == 1 {
				v.streams++
			}
			v.dueCommand(&last, f)
			v.dueTags(f)
		})
		if err == nil && next != end+1 {
			err = fmt.Errorf("expected a block up to position %d, found one up to %d", end, next-1)
		}
		if err != nil {
			v.found(stream.Position(begin), stream.Position(end), "block: %w", err)
		}
		next = end + 1
		v.advance(next - begin)
	})
	last.end()
	if err == nil && next != uint64(v.section.stored)+1 {
		v.found(stream.Position(next), v.section.stored, "expected blocks up to position %d, found them up to %d", v.section.stored, next-1)
	}
	return err
}

// dueCommand adds up what the entries of commands have to say.
func (v *verification) dueCommand(walk *effectWalk, f *frame) {
	if v.first == 0 {
		v.first = f.position
	}
	o, err := f.origin()
	if err != nil {
		v.found(stream.Position(f.position), stream.Position(f.position), "event: %w", err)
		return
	}
	walk.add(&o, stream.Version(f.version), stream.Position(f.position))
}

func (v *verification) endCommand(command stream.EventID, e *effect, at stream.Position) {
	if e.known(v.now) && !v.halfRemoved(command, e, at) {
		v.commandsDue.add(v.hashEffect(commandKey(e.stream.Topic, command), e))
	}
}

// halfRemoved reports whether an append's first events were removed, and with
// them what its command did: it may, if what is left is the log's beginning.
func (v *verification) halfRemoved(command stream.EventID, e *effect, at stream.Position) bool {
	if v.cut == 0 || uint64(at) != v.first {
		return false
	}
	has, err := v.section.command(e.stream.Topic, command)
	return err == nil && (has == nil || has.share.first != e.first || has.stream != e.stream)
}

func (v *verification) hashEffect(key []byte, e *effect) uint64 {
	plain := *e
	plain.beyond = false // two appends by one command to two topics look like one
	var h maphash.Hash
	h.SetSeed(v.seed)
	_, _ = h.Write(key)
	_, _ = h.Write(plain.encode())
	return h.Sum64()
}

func (v *verification) walkStreams() error {
	var prefix []byte
	next, streams := uint64(0), uint64(0)
	err := v.each(streamPrefix, func(key, value []byte) {
		if len(key) < 16 {
			v.found(0, 0, "key %x is too short", key)
			return
		}
		if own := key[:len(key)-16]; string(own) != string(prefix) {
			prefix, next = append(prefix[:0], own...), 1
		}
		end, at, _ := numbered(prefix, key)
		before, empty := next, true
		err := eachFrame(value, &v.plain, func(f *frame) {
			if empty && next == 1 && v.cut > 0 {
				next = f.version // those before were removed
			}
			empty = false
			if id := (stream.ID{Topic: view(f.topic), Key: view(f.key)}); !bytes.Equal(prefix, streamKeys(id)) {
				v.found(at, 0, "index %q up to version %d: found an event of %s", prefix, end, id)
			}
			if f.version != next {
				v.found(at, 0, "index of %s/%s: expected version %d, found %d", f.topic, f.key, next, f.version)
			}
			next = f.version + 1
			if f.position <= uint64(v.cut) {
				return
			}
			if f.version == 1 {
				streams++
			}
			v.inStreams[v.bucket(f.topic, f.key)].add(v.hashEvent(f))
		})
		if err == nil && !empty && next != end+1 {
			err = fmt.Errorf("expected an entry up to version %d, found one up to %d", end, next-1)
		}
		if err != nil {
			v.found(at, 0, "index %q up to version %d: %w", prefix, end, err)
		}
		next = end + 1
		v.advance(next - before)
	})
	if err == nil && streams != v.streams {
		v.found(0, 0, "expected the indexes of %d streams, found those of %d", v.streams, streams)
	}
	return err
}

func (v *verification) walkConsumers() error {
	return v.each(consumerPrefix, func(key, value []byte) {
		v.checkConsumer(key, value, v.section.stored)
	})
}

func (v *verification) checkConsumer(key, value []byte, head stream.Position) {
	text, err := unseal(value)
	_, _, cursor, ok := consumerEntry(key)
	if err == nil && !ok {
		err = errors.New("it names no consumer")
	}
	if err == nil && cursor {
		var at stream.Cursor
		if at, err = stream.ParseCursor(string(text)); err == nil && !stream.At(head).Reached(at) {
			err = fmt.Errorf("it is at %s, past the head, %d", at, head)
		}
	}
	if err != nil {
		v.found(0, 0, "consumer, key %q: %w", key[1:], err)
	}
}
