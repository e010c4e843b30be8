package badgerlog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// truth is what was asked of a log, and how much of it was acknowledged.
type truth struct {
	Events  []string // a sum of each event, by position from 1
	Least   int      // so many of them were acknowledged
	Cut     int      // so many of them were removed since
	Appends []appended
	Saved   map[string][]saved // by each consumer, in order
	Kept    map[string]int     // so many of those were acknowledged
}

// appended is one append that was acknowledged some time.
type appended struct {
	Stream  stream.ID
	Command stream.EventID
	First   int // position
	Count   int
}

// saved is what a consumer had once a checkpoint was stored.
type saved struct {
	At     string
	States map[string]string
}

func sumOf(r *stream.Record) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %s %d %s %s %s %s %s %d %v %x", r.Shard, r.Schema, r.Position, r.Stream, r.Version,
		r.ID, r.Type, r.CausedBy, r.Command, r.Correlation, r.Time.UnixNano(), map[string]string(r.Meta), r.Data))
	return fmt.Sprintf("%x", h[:8])
}

// report is what an examination found out about a directory.
type report struct {
	Refused   string   // why it was not opened
	Typed     bool     // the reason has a type that names a place
	Inspected bool     // it was found before the database looked at its files
	Head      int      // otherwise: where the log ends
	Found     []string // what Verify, reads and closing reported
	Wrong     []string // what was handed out as if it were right
}

func (r *report) found(what string, err error) bool {
	if err != nil && len(r.Found) < 20 {
		text := fmt.Sprintf("%s: %v", what, err)
		r.Found = append(r.Found, text[:min(len(text), 400)])
	}
	return err != nil
}

func (r *report) wrong(format string, args ...any) {
	if len(r.Wrong) < 20 {
		r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
	}
}

// examine opens a directory twice, as the first time may repair something, and
// compares all that can be asked of it with the truth.
func examine(dir string, o Options, want *truth) (r report) {
	for again := range 2 {
		log, err := Open(dir, o)
		if err != nil {
			r.Refused = err.Error()
			var damaged *DamagedError
			var corrupt *stream.CorruptError
			var format *FormatError
			var key *KeyError
			r.Inspected = errors.As(err, &damaged) || errors.As(err, &key)
			r.Typed = r.Inspected || errors.As(err, &corrupt) || errors.As(err, &format)
			return r
		}
		r.readAll(log, want)
		r.readConsumers(log, want)
		r.found("verify", log.Verify(context.Background(), nil))
		if again == 1 {
			r.appendAgain(log, want)
		}
		r.found("close", log.Close())
	}
	return r
}

// readAll reads the log and each stream's own entries.
func (r *report) readAll(log *Log, want *truth) {
	head, err := log.Head(context.Background())
	if r.found("head", err) {
		return
	}
	r.Head = int(head.Position(0))
	if r.Head < want.Least || r.Head > len(want.Events) {
		r.wrong("the log ends at %d, expected from %d to %d", r.Head, want.Least, len(want.Events))
		return
	}
	var all []int
	for p := want.Cut + 1; p <= r.Head; p++ {
		all = append(all, p)
	}
	from := stream.At(stream.Position(want.Cut))
	r.compare(log, "log", stream.Query{From: from}, all, want)
	if want.Cut > 0 {
		err := log.Read(context.Background(), stream.Query{}, func([]stream.Record, stream.Mark) error { return nil })
		if gone := (*stream.TruncatedError)(nil); !errors.As(err, &gone) || gone.Cut.Position(0) != stream.Position(want.Cut) {
			r.wrong("the log was cut at %d, and reading all of it ends with %v", want.Cut, err)
		}
	}
	streams := map[stream.ID][]int{}
	for _, a := range want.Appends {
		if a.First <= r.Head && a.First+a.Count-1 > r.Head {
			r.wrong("the log ends at %d, inside the append of %d to %d", r.Head, a.First, a.First+a.Count-1)
		}
		for i := range a.Count {
			if a.First+i <= r.Head && a.First+i > want.Cut {
				streams[a.Stream] = append(streams[a.Stream], a.First+i)
			}
		}
	}
	for id, positions := range streams {
		slices.Sort(positions)
		r.compare(log, id.String(), stream.Query{From: from, Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}, positions, want)
	}
}

func (r *report) compare(log *Log, what string, q stream.Query, positions []int, want *truth) {
	n := 0
	err := log.Read(context.Background(), q, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			if n >= len(positions) || int(records[i].Position) != positions[n] {
				r.wrong("%s: the event after %d others is at position %d", what, n, records[i].Position)
			} else if sumOf(&records[i]) != want.Events[positions[n]-1] {
				r.wrong("%s: position %d is another event than was acknowledged", what, positions[n])
			}
			n++
		}
		return nil
	})
	if !r.found("read "+what, err) && n != len(positions) {
		r.wrong("%s: %d events and no error, expected %d", what, n, len(positions))
	}
}

func (r *report) readConsumers(log *Log, want *truth) {
	ctx := context.Background()
	for name, all := range want.Saved {
		at, _, err := log.Cursor(ctx, name)
		has := saved{At: at.String(), States: map[string]string{}}
		if err == nil {
			err = log.States(ctx, name, "", func(key string, value []byte) error {
				has.States[key] = string(value)
				return nil
			})
		}
		if r.found("consumer "+name, err) {
			continue
		}
		if at.Position(0) > stream.Position(r.Head) {
			r.wrong("consumer %s is at %s, behind the head, %d", name, at, r.Head)
		}
		kept := want.Kept[name]
		ok := kept == 0 && at.IsZero() && len(has.States) == 0
		for _, s := range all[max(kept-1, 0):] {
			ok = ok || s.At == has.At && maps.Equal(s.States, has.States)
		}
		if !ok {
			r.wrong("consumer %s is at %s with %d states, which it never saved, or has saved over since", name, has.At, len(has.States))
		}
	}
}

// appendAgain asks for commands that have taken effect, and goes on in their
// streams: a lost entry would let one take effect twice, or give a version twice.
func (r *report) appendAgain(log *Log, want *truth) {
	versions := map[stream.ID]stream.Version{}
	for _, a := range want.Appends {
		if a.First > r.Head {
			continue
		}
		versions[a.Stream] += stream.Version(a.Count)
		records := make([]stream.Record, a.Count)
		for i := range records {
			records[i] = stream.Record{Header: stream.Header{Type: "AGAIN", Schema: 1, Command: a.Command}, Data: []byte("again")}
		}
		if a.First <= want.Cut {
			continue // forgotten with its events
		}
		if a.Command.IsZero() || a.First%7 != 0 && r.Head-a.First > 100 {
			continue
		}
		got, err := log.Append(context.Background(), a.Stream, stream.AnyVersion, records...)
		if r.found("command again", err) {
			continue
		}
		if len(got) != a.Count || int(got[0].Position) != a.First {
			r.wrong("the command at %d took effect again", a.First)
		}
	}
	for id, version := range versions {
		got, err := log.Append(context.Background(), id, stream.AnyVersion, stream.Record{Header: stream.Header{Type: "NEXT", Schema: 1}, Data: []byte("next")})
		if !r.found("append", err) && got[0].Version != version+1 {
			r.wrong("%s goes on with version %d after %d", id, got[0].Version, version)
		}
	}
}

// examineEnv, in the environment, makes the test binary an examiner: a damaged
// table may panic in a goroutine of the database's, where only another process
// survives it.
const examineEnv = "THAW_TEST_EXAMINE"

func init() {
	if os.Getenv(examineEnv) == "" {
		return
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var want truth
	for {
		var q question
		if err := in.Decode(&q); err != nil {
			os.Exit(0)
		}
		if q.Truth != nil {
			want = *q.Truth
		}
		if err := out.Encode(examine(q.Dir, Options{Durability: q.Durability, Keys: q.Keys}.Files(4<<20), &want)); err != nil {
			os.Exit(1)
		}
	}
}

type question struct {
	Dir        string
	Durability Durability
	Keys       [][]byte
	Truth      *truth // nil: the same as before
}

// examiner is the other process.
type examiner struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
	told   *truth
	once   sync.Once
}

func (x *examiner) start() {
	x.t.Helper()
	x.cmd, x.told = exec.Command(os.Args[0]), nil
	x.cmd.Env = append(os.Environ(), examineEnv+"=1")
	x.stderr.Reset()
	x.cmd.Stderr = &x.stderr
	var err error
	if x.in, err = x.cmd.StdinPipe(); err != nil {
		x.t.Fatal(err)
	}
	out, err := x.cmd.StdoutPipe()
	if err != nil {
		x.t.Fatal(err)
	}
	x.out = bufio.NewReader(out)
	if err := x.cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	x.once.Do(func() { x.t.Cleanup(x.stop) })
}

func (x *examiner) stop() {
	if x.cmd != nil {
		_ = x.in.Close()
		_ = x.cmd.Wait()
		x.cmd = nil
	}
}

// ask examines a directory that is made of an image and removed again. If the log
// was refused, it also returns the files whose contents are gone: any, if that was
// before the database looked at them, and those that hold data in any case. A
// panic is something wrong.
func (x *examiner) ask(im image, d Durability, want *truth) (r report, lost []string) {
	x.t.Helper()
	if x.cmd == nil {
		x.start()
	}
	dir := im.write(x.t)
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			x.t.Error(err)
		}
	}()
	q := question{Dir: dir, Durability: d, Keys: specimenKeys}
	if x.told != want {
		q.Truth = want
	}
	if err := json.NewEncoder(x.in).Encode(q); err != nil {
		x.t.Fatal(err)
	}
	x.told = want
	line, err := x.out.ReadBytes('\n')
	if err != nil {
		x.stop()
		said := x.stderr.String()
		return report{Wrong: []string{"the process ended: " + said[:min(len(said), 1500)]}}, nil
	}
	if err := json.Unmarshal(line, &r); err != nil {
		x.t.Fatal(err)
	}
	if r.Refused == "" {
		return r, nil
	}
	for _, name := range im.lost(x.t, dir) {
		if r.Inspected && name != "LOCK" || holdsData(name, im[name]) {
			lost = append(lost, name)
		}
	}
	return r, lost
}

// holdsData reports whether a file has to be there as it was even if the database
// was opened meanwhile, which stores memory tables in tables, and tables in others.
func holdsData(name string, data []byte) bool {
	if filepath.Ext(name) == ".vlog" {
		return used(data) > logHeaderSize
	}
	return strings.HasPrefix(name, "journal")
}

// names reports whether an error says which file or which position is damaged.
func (r *report) names(file string) bool {
	if r.Refused != "" {
		return r.Typed || strings.Contains(r.Refused, file)
	}
	return len(r.Found) > 0
}
