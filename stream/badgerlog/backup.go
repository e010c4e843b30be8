package badgerlog

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// BackupOptions are how a log is backed up. The zero value backs up everything.
type BackupOptions struct {
	// Since is where the backup before this one ended, its Backup.To: only events
	// behind it are written. Zero: all that the log has.
	Since stream.Cursor
	// Progress, if set, is told now and then how much has been written. It runs on
	// the caller's goroutine.
	Progress func(Backup)
}

// Backup is what a backup holds, or what was restored.
type Backup struct {
	From      stream.Cursor // the events after this place...
	To        stream.Cursor // ...up to this one, from which the next backup goes on
	Cut       stream.Cursor // how far the log was truncated
	Events    uint64        // how many there are
	Consumers uint64        // whose places are in it
	States    uint64        // values that they remember
	Bytes     int64         // of the backup
}

// Backup writes the log as it is at the call: its events after o.Since, all
// consumers' places and what they remember, and how far it was truncated.
// Appends, reads, truncation and all else go on meanwhile, and nothing waits for
// w. [Restore] makes a log of it; what it returns is all that is needed to go on
// from it with another backup.
//
// A log that is encrypted is backed up encrypted, under the newest of its keys.
//
// What is written is complete only if there is no error; a part of it is never
// taken for the whole. Errors: those of [Log.Read], among them a
// [*stream.TruncatedError] if events behind o.Since were removed, and w's.
func (l *Log) Backup(ctx context.Context, w io.Writer, o BackupOptions) (Backup, error) {
	if err := l.mayWork(ctx); err != nil {
		return Backup{}, err
	}
	n, err := l.hold()
	if err != nil {
		return Backup{}, err
	}
	defer n.release()
	if err := engine.CheckFrom(o.Since, stream.At(n.head)); err != nil {
		return Backup{}, err
	}
	if !o.Since.IsZero() && !o.Since.Reached(stream.At(n.cut)) {
		return Backup{}, &stream.TruncatedError{From: o.Since, Cut: stream.At(n.cut)}
	}
	// All bytes go out here.
	out := bufio.NewWriterSize(w, sectionBytes)
	b := &backup{ctx: ctx, instant: n, file: counted{to: out}, progress: o.Progress}
	b.done = Backup{From: stream.At(max(o.Since.Position(0), n.cut)), To: stream.At(n.head), Cut: stream.At(n.cut)}
	if err = b.seal(l.dir.secrets.master); err == nil {
		err = out.Flush()
	}
	if err != nil {
		return Backup{}, fmt.Errorf("badgerlog: back up %s: %w", l.dir.path, err)
	}
	return b.done, nil
}

// backup is one that is being written.
type backup struct {
	ctx      context.Context
	instant  *instant
	file     counted      // where its bytes go out...
	out      backupWriter // ...encrypted, if the log is
	streams  uint64
	done     Backup
	progress func(Backup)
}

// seal writes the backup, encrypted if there is a master key.
func (b *backup) seal(master []byte) error {
	b.out.to = &b.file
	end := func() error { return nil }
	if master != nil {
		sealed, err := newSealedWriter(&b.file, master)
		if err != nil {
			return err
		}
		b.out.to, end = sealed, sealed.Close
	}
	err := b.run()
	if err == nil {
		err = end()
	}
	b.done.Bytes = b.file.bytes
	return err
}

func (b *backup) run() error {
	h, err := b.header()
	if err == nil {
		err = b.out.write(h.encode())
	}
	if err == nil && h.begins() && h.cut > 0 {
		err = b.writeStreams()
	}
	if err == nil {
		err = b.writeEvents(h.from)
	}
	if err == nil {
		err = b.writeConsumers()
	}
	if err == nil {
		err = b.out.section(sectionEnd, backupCounts{b.streams, b.done.Events, b.done.Consumers, b.done.States}.encode())
	}
	return err
}

// header finds the events that this backup begins and ends with.
func (b *backup) header() (h backupHeader, err error) {
	h.from, h.to, h.cut = b.done.From.Position(0), b.instant.head, b.instant.cut
	h.made = time.Now().UnixNano()
	if h.to > 0 {
		last, err := b.instant.event(h.to)
		if err != nil {
			return h, err
		}
		h.last = last.ID
	}
	if !h.begins() {
		before, err := b.instant.event(h.from)
		if err != nil {
			return h, err
		}
		h.after = before.ID
		return h, nil
	}
	half, err := b.instant.beginsHalf()
	if half {
		h.flags |= flagHalf
	}
	return h, err
}

// beginsHalf reports whether the first event that is left belongs to an append
// whose first events were removed.
func (n *instant) beginsHalf() (bool, error) {
	if n.cut == 0 {
		return false, nil
	}
	first, err := n.event(n.cut + 1)
	if err != nil || first.Command.IsZero() {
		return false, err
	}
	s, err := n.begin()
	if err != nil {
		return false, err
	}
	defer s.end()
	e, err := s.command(first.Stream.Topic, first.Command)
	return e == nil || e.stream != first.Stream || e.first != first.Version, err
}

// step ends the writing if it must end, and tells how far it has come.
func (b *backup) step() error {
	if err := b.instant.log.mayWork(b.ctx); err != nil {
		return err
	}
	if b.done.Bytes = b.file.bytes; b.progress != nil {
		b.progress(b.done)
	}
	return nil
}

func (b *backup) writeEvents(after stream.Position) error {
	write := func(value []byte, events int) error {
		if err := b.out.section(sectionEvents, value); err != nil {
			return err
		}
		b.done.Events += uint64(events)
		return b.step()
	}
	from := b.instant.blocks(after)
	for {
		value, events, err := from.next()
		if err == nil && events > 0 {
			err = write(value, events)
		}
		if err != nil {
			return err
		}
		if events == 0 {
			return from.unstored(write)
		}
	}
}

func (b *backup) writeConsumers() error {
	return b.instant.consumers(func(key, sealed []byte) error {
		name, state, cursor, ok := consumerEntry(key)
		value, err := unseal(sealed)
		switch {
		case err == nil && !ok:
			err = fmt.Errorf("key %x names no consumer", key)
		case err == nil && cursor:
			b.done.Consumers++
			err = checkPlace(value, b.instant.head)
		case err == nil:
			b.done.States++
		}
		if err != nil {
			return &stream.CorruptError{Err: fmt.Errorf("consumer, key %q: %w", key, err)}
		}
		if err := b.out.entry(sectionConsumers, savedState{name, cursor, state, value}.append); err != nil {
			return err
		}
		if (b.done.Consumers+b.done.States)%256 == 0 {
			return b.step()
		}
		return nil
	})
}

// checkPlace checks a consumer's place, as text, against the head.
func checkPlace(text []byte, head stream.Position) error {
	at, err := stream.ParseCursor(string(text))
	if err == nil && !stream.At(head).Reached(at) {
		err = fmt.Errorf("it is at %s, past the head, %d", at, head)
	}
	return err
}

// writeStreams writes which streams lost events to the cut, and their versions
// there.
func (b *backup) writeStreams() error {
	walk := lostWalk{instant: b.instant, emit: func(s lostStream) error {
		b.streams++
		return b.out.entry(sectionStreams, s.append)
	}}
	return walk.run(b.step)
}
