package badgerlog_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// These, in the environment, make the test binary the process to be killed.
const (
	crashDir     = "THAW_TEST_CRASH_DIR"
	crashOptions = "THAW_TEST_CRASH_OPTIONS"
)

// asOptions reads what a process is told of its options.
func asOptions(words string) badgerlog.Options {
	var o badgerlog.Options
	generation := 400
	for _, word := range strings.Fields(words) {
		switch word {
		case "unsynced":
			o.Durability = badgerlog.Unsynced
		case "compressed":
			o.Compress = true
		case "encrypted":
			o.Keys = keys(1)
		case "few":
			generation = 40
		}
	}
	o.TailEvents = 300
	return o.SmallGenerations(generation).Files(4 << 20).SmallJournal()
}

// victim is the process to be killed: it does everything that changes a log at
// once, and says on stdout what it is about to do and what was acknowledged, a
// line each:
//
//	begin                              the log is being opened
//	open                               and is now
//	a command stream n                 an append of n events begins
//	b command tag                      an append of three events to two streams begins
//	e position stream version command n   it was acknowledged: its first event is there
//	r command                          it was refused: of its version, or its condition
//	s position stream version command  a subscriber was handed this event
//	i command n head                   an import of n events begins, while the log ends at head
//	j command                          it was acknowledged
//	c consumer position                a checkpoint was acknowledged
//	t position                         a truncation begins
//	u position                         it was acknowledged
//	g files                            files of the value log were given back
type victim struct {
	log     *badgerlog.Log
	out     sync.Mutex
	removed atomic.Uint64 // history up to here may be gone
}

// say writes lines at once, so that a kill cuts at most the last one.
func (v *victim) say(format string, args ...any) {
	v.out.Lock()
	defer v.out.Unlock()
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) // a failed write means that the reader has gone
}

func writeUntilKilled(dir string) error {
	v := &victim{}
	v.say("begin")
	var err error
	if v.log, err = badgerlog.Open(dir, asOptions(os.Getenv(crashOptions))); err != nil {
		return err
	}
	v.say("open")
	failed := make(chan error)
	work := func(step func() error) {
		for {
			if err := step(); err != nil {
				failed <- err
				return
			}
		}
	}
	for range 3 {
		go work(v.claim)
	}
	for range 10 {
		w := &crashWriter{victim: v, seen: map[stream.ID]stream.Version{}}
		go work(w.step)
	}
	for i := range 2 {
		go work(func() error { return v.checkpoint(fmt.Sprintf("auditor-%d", i)) })
	}
	go work(v.savePlace)
	go work(v.importSome)
	go work(v.truncate)
	go work(v.collect)
	go work(v.follow)
	return <-failed
}

// crashWriter appends, and remembers what it did.
type crashWriter struct {
	*victim
	seen map[stream.ID]stream.Version
	done []sent // the last few
}

type sent struct {
	id      stream.ID
	command stream.EventID
	n       int
	at      stream.Position
}

// step appends a new command, whatever the stream's version or at the one that
// this writer saw last, which another may have moved; or one of its last again.
func (w *crashWriter) step() error {
	if len(w.done) > 0 && rand.IntN(8) == 0 {
		return w.again(w.done[rand.IntN(len(w.done))])
	}
	s := sent{id: crashStream(rand.IntN(60)), command: stream.NewID(), n: 1 + rand.IntN(3)}
	expected := stream.AnyVersion
	if rand.IntN(2) == 0 {
		expected = w.seen[s.id]
	}
	w.say("a %s %s %d", s.command, s.id, s.n)
	stored, err := w.log.Append(context.Background(), s.id, expected, crashRecords(s.command, s.n)...)
	var conflict *stream.ConflictError
	if errors.As(err, &conflict) && conflict.Actual != expected && conflict.Expected == expected {
		w.seen[s.id] = conflict.Actual
		w.say("r %s", s.command)
		return nil
	}
	if err != nil {
		return err
	}
	if expected != stream.AnyVersion && stored[0].Version != expected+1 {
		return fmt.Errorf("append to %s expecting version %d was stored as version %d", s.id, expected, stored[0].Version)
	}
	w.say("e %d %s %d %s %d", stored[0].Position, s.id, stored[0].Version, s.command, len(stored))
	s.at, w.seen[s.id] = stored[0].Position, stored[s.n-1].Version
	w.done = append(w.done[max(0, len(w.done)-15):], s)
	return nil
}

// again sends a command that took effect, and wants to hear where.
func (w *crashWriter) again(s sent) error {
	if uint64(s.at) <= w.removed.Load() {
		return nil
	}
	stored, err := w.log.Append(context.Background(), s.id, stream.AnyVersion, crashRecords(s.command, s.n)...)
	var gone *stream.TruncatedError
	switch {
	case uint64(s.at) <= w.removed.Load() && (err == nil || errors.As(err, &gone)): // meanwhile
		return nil
	case err != nil:
		return err
	case len(stored) != s.n || stored[0].Position != s.at:
		return fmt.Errorf("command %s took effect at %d, and again at %d", s.command, s.at, stored[0].Position)
	}
	return nil
}

func crashStream(n int) stream.ID { return stream.ID{Topic: "crash", Key: fmt.Sprint(n)} }

// crashRecords are the events of one append, which all follow from its command.
func crashRecords(command stream.EventID, n int) []stream.Record {
	records := make([]stream.Record, n)
	for i := range records {
		records[i] = crashRecord(command, command, i, n)
	}
	return records
}

// crashRecord is the i-th event of n that are stored together or not at all. A few
// appends are so large that their commits are not journaled.
func crashRecord(group, command stream.EventID, i, n int) stream.Record {
	seed := binary.LittleEndian.Uint16(group[14:])
	size := int(seed % 1500)
	if seed >= 65_500 && n <= 3 {
		size = 800 << 10
	}
	return stream.Record{
		Header: stream.Header{Type: "WRITTEN", Schema: 1, ID: stream.DeriveID(group, "event", i), Command: command},
		Data:   fmt.Appendf(nil, "%s %d of %d %s", group, i, n, bytes.Repeat([]byte{'a' + byte(i%26)}, size)),
	}
}

// crashImport are the records of an import, which all follow from its name:
// appends of one to three events to some streams.
func crashImport(group stream.EventID, n int) iter.Seq2[stream.Record, error] {
	return func(yield func(stream.Record, error) bool) {
		for i := range n {
			command := stream.DeriveID(group, "append", i/3)
			r := crashRecord(group, command, i, n)
			r.Stream = stream.ID{Topic: "imported", Key: fmt.Sprint(int(command[0]) % 20)}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (v *victim) importSome() error {
	pause(40)
	group, n := stream.NewID(), 100+rand.IntN(300)
	head, err := v.log.Head(context.Background())
	if err != nil {
		return err
	}
	v.say("i %s %d %s", group, n, head)
	done, err := v.log.Import(context.Background(), crashImport(group, n), badgerlog.ImportOptions{})
	if err != nil || done.Events != uint64(n) {
		return fmt.Errorf("imported %+v of %d events: %v", done, n, err)
	}
	v.say("j %s", group)
	return nil
}

// pause is for a part of the work that shall not crowd out the others.
func pause(most int) { time.Sleep(time.Duration(rand.IntN(most)) * time.Millisecond) }

// checkpoint moves a consumer to the head with values that say where it is: one
// always, and one of five in turn.
func (v *victim) checkpoint(name string) error {
	head, err := v.log.Head(context.Background())
	if err != nil {
		return err
	}
	value := []byte(head.String())
	turn := stream.Change{Key: fmt.Sprintf("turn/%d", rand.IntN(5)), Value: value}
	if rand.IntN(5) == 0 {
		turn.Value = nil
	}
	if err := v.log.Checkpoint(context.Background(), name, head, stream.Change{Key: "at", Value: value}, turn); err != nil {
		return err
	}
	v.say("c %s %s", name, head)
	return nil
}

// savePlace moves a consumer by one event at a time, as a cautious one does.
func (v *victim) savePlace() error {
	const name = "cautious"
	at, _, err := v.log.Cursor(context.Background(), name)
	if err != nil {
		return err
	}
	head, err := v.log.Head(context.Background())
	if err != nil || head.Equal(at) {
		return err
	}
	next := stream.At(at.Position(0) + 1)
	if err := v.log.SaveCursor(context.Background(), name, next); err != nil {
		return err
	}
	v.say("c %s %s", name, next)
	return nil
}

// truncate removes part of the older half, now and then.
func (v *victim) truncate() error {
	pause(150)
	head, err := v.log.Head(context.Background())
	if err != nil {
		return err
	}
	s, err := v.log.Stats(context.Background())
	if err != nil || head.Position(0) < s.Cut+3000 {
		return err
	}
	upTo := s.Cut + stream.Position(rand.IntN(int(head.Position(0)-s.Cut)/2))
	v.removed.Store(uint64(upTo))
	v.say("t %d", upTo)
	cut, err := v.log.Truncate(context.Background(), stream.At(upTo))
	if err != nil {
		return err
	}
	v.say("u %s", cut)
	return nil
}

func (v *victim) collect() error {
	pause(60)
	files, err := v.log.Collect()
	if err != nil {
		return err
	}
	v.say("g %d", files)
	return nil
}

// follow subscribes, and says what came last in some of what it is handed: what
// a subscriber saw is there for good.
func (v *victim) follow() error {
	head, err := v.log.Head(context.Background())
	if err != nil {
		return err
	}
	blocks := 0
	err = v.log.Read(context.Background(), stream.Query{From: head, Follow: true}, func(records []stream.Record, _ stream.Mark) error {
		if len(records) > 0 {
			r := &records[len(records)-1]
			v.say("s %d %s %d %s", r.Position, r.Stream, r.Version, r.Command)
		}
		if blocks++; blocks == 50 {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}
