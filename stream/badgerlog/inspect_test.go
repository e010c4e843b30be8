package badgerlog

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// specimen is a log's directory and what it was told: damaged copies of it are
// examined.
type specimen struct {
	files image
	truth *truth
}

// specimens are made once: a log that was closed, and one that was killed with
// events in its journal, in its memory table and in tables.
var specimens = map[string]*specimen{}

// specimenKeys are those of the logs that are made and examined; nil: they are not
// encrypted.
var specimenKeys [][]byte

// closedLog is a log of a few thousand events that was closed several times.
func closedLog(t *testing.T) *specimen { return makeSpecimen(t, "closed") }

// killedLog is the same log, opened again, written to and killed.
func killedLog(t *testing.T) *specimen { return makeSpecimen(t, "killed") }

func makeSpecimen(t *testing.T, which string) *specimen {
	t.Helper()
	closedAs, killedAs := fmt.Sprint("closed", specimenKeys), fmt.Sprint("killed", specimenKeys)
	which = fmt.Sprint(which, specimenKeys)
	if s, ok := specimens[which]; ok {
		return s
	}
	w := &author{t: t, dir: t.TempDir(), truth: &truth{Saved: map[string][]saved{}, Kept: map[string]int{}}}
	for range 4 {
		w.open()
		w.work(200)
		w.close()
	}
	closed := *w.truth
	closed.Saved = maps.Clone(closed.Saved)
	specimens[closedAs] = &specimen{takeImage(t, w.dir), &closed}
	w.open()
	w.work(200)
	w.large() // the last transaction: its events are not in the journal
	w.work(10)
	specimens[killedAs] = &specimen{takeImage(t, w.dir), w.truth}
	w.close()
	return specimens[which]
}

// author writes a log and the truth about it.
type author struct {
	t     *testing.T
	dir   string
	log   *Log
	truth *truth
}

func (w *author) open() {
	w.t.Helper()
	log, err := Open(w.dir, Options{Keys: specimenKeys}.SmallGenerations(100).SmallFiles())
	if err != nil {
		w.t.Fatal(err)
	}
	w.log = log
}

func (w *author) close() {
	w.t.Helper()
	if err := w.log.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// work appends one to five events at a time, and saves what consumers remember.
func (w *author) work(appends int) {
	w.t.Helper()
	for i := range appends {
		w.append(1+rand.IntN(5), 10+rand.IntN(1500))
		if i%20 == 0 {
			w.save(fmt.Sprint("consumer-", i%60), 30)
		}
	}
}

// large appends so much that it goes to the database at once.
func (w *author) large() {
	w.t.Helper()
	w.append(40, directBytes/40+1)
}

func (w *author) append(events, size int) {
	w.t.Helper()
	id, command := stream.ID{Topic: "t", Key: fmt.Sprint("k", rand.IntN(40))}, stream.NewID()
	records := make([]stream.Record, events)
	for i := range records {
		data := make([]byte, size)
		for j := range data {
			data[j] = byte(rand.Uint32())
		}
		records[i] = stream.Record{Header: stream.Header{Type: "T", Schema: 1, Command: command}, Data: data}
	}
	got, err := w.log.Append(w.t.Context(), id, stream.AnyVersion, records...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.truth.Appends = append(w.truth.Appends, appended{id, command, int(got[0].Position), events})
	for i := range got {
		w.truth.Events = append(w.truth.Events, sumOf(&got[i]))
	}
	w.truth.Least = len(w.truth.Events)
}

func (w *author) save(name string, states int) {
	w.t.Helper()
	at := stream.At(stream.Position(len(w.truth.Events)))
	now := saved{At: at.String(), States: map[string]string{}}
	if all := w.truth.Saved[name]; len(all) > 0 {
		for key, value := range all[len(all)-1].States {
			now.States[key] = value
		}
	}
	var changes []stream.Change
	for range states {
		key, value := fmt.Sprint("state-", rand.IntN(500)), fmt.Sprint(at, strings.Repeat("v", rand.IntN(150)))
		if _, ok := now.States[key]; ok {
			continue // once in a checkpoint
		}
		now.States[key] = value
		changes = append(changes, stream.Change{Key: key, Value: []byte(value)})
	}
	if err := w.log.Checkpoint(w.t.Context(), name, at, changes...); err != nil {
		w.t.Fatal(err)
	}
	w.truth.Saved[name] = []saved{now}
	w.truth.Kept[name] = 1
}

// harmless fails unless the directory opens and everything in it is as it was.
func harmless(t *testing.T, r report) {
	t.Helper()
	if r.Refused != "" || len(r.Found) > 0 || len(r.Wrong) > 0 {
		t.Errorf("got refused %q, found %q, wrong %q; want that everything is as it was", r.Refused, r.Found, r.Wrong)
	}
}

// refused fails unless the log was not opened, with an error that names the file,
// and no file's contents are gone.
func refused(t *testing.T, r report, lost []string, file string) {
	t.Helper()
	if !strings.Contains(r.Refused, file) || !r.Typed {
		t.Errorf("got refused %q, found %.300q, wrong %q; want an error that names %s", r.Refused, r.Found, r.Wrong, file)
	}
	if len(lost) > 0 {
		t.Errorf("%v are not what they were before the refused open", lost)
	}
}

func envCount(t *testing.T, name string, small int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" && testing.Short() {
		return max(3, small/6)
	}
	if text == "" {
		return small
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func TestALogThatWasNotDamagedIsAsItWas(t *testing.T) {
	x := &examiner{t: t}
	for _, s := range []*specimen{closedLog(t), killedLog(t)} {
		r, _ := x.ask(s.files, Synced, s.truth)
		harmless(t, r)
	}
}

// A crash leaves a file without length between making it and writing it.
// Breaks when: checkEmpty does not remove the newest one.
func TestAnEmptyNewestFileOfTheDatabaseLosesNothing(t *testing.T) {
	x, s := &examiner{t: t}, killedLog(t)
	for _, name := range []string{"00002.mem", "000099.vlog"} {
		r, _ := x.ask(s.files.with(name, []byte{}), Synced, s.truth)
		harmless(t, r)
	}
}

// A crash leaves a file without length between cutting it and removing it: what
// was in it is elsewhere by then.
// Breaks when: checkEmpty or checkEmptied takes any older one for damage.
func TestAnEmptyOlderFileOfTheDatabaseThatWasBeingRemovedLosesNothing(t *testing.T) {
	x, s := &examiner{t: t}, killedLog(t)
	mem := s.files.names(".mem")[0]
	for what, im := range map[string]image{
		"a memory table that tables have":            s.files.with("00000.mem", []byte{}),
		"a memory table and the one made next":       s.files.with("00000.mem", []byte{}).with("00002.mem", []byte{}),
		"a memory table whose copy is younger":       s.files.with(mem, []byte{}).with("00002.mem", s.files[mem]),
		"a file of the value log that was collected": s.files.with("000000.vlog", []byte{}).with(collectName, []byte{}),
		"several files, by a crash in both of them":  s.files.with("00000.mem", []byte{}).with("000000.vlog", []byte{}).with(collectName, []byte{}),
	} {
		t.Run(what, func(t *testing.T) {
			r, _ := x.ask(im, Synced, s.truth)
			harmless(t, r)
		})
	}
}

// Breaks when: checkEmpty leaves such files to the database, which cuts them to no
// length before it removes them.
func TestAnUnusedFileOfTheValueLogIsRemovedAtOnce(t *testing.T) {
	s := closedLog(t)
	logs := s.files.names(".vlog")
	header := s.files[logs[0]][:logHeaderSize]
	for name, want := range map[string]bool{"000000.vlog": false, "000098.vlog": false, "000099.vlog": true} {
		dir := s.files.with("000000.vlog", header).with("000098.vlog", header).with("000099.vlog", header).write(t)
		if _, err := inspect(dir, secrets{}, false); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v: only the newest stays", name, err == nil, want)
		}
	}
}

// butFirst is a memory table without its oldest transaction.
func butFirst(mem []byte) []byte {
	rest, oldest := bytes.Clone(mem[:logHeaderSize]), uint64(0)
	for at := logHeaderSize; at < len(mem); {
		e, ok := decodeLogEntry(mem[at:])
		if !ok {
			break
		}
		if oldest == 0 {
			oldest = e.ts
		}
		if e.ts > oldest {
			rest = append(rest, mem[at:at+e.size]...)
		}
		at += e.size
	}
	return append(rest, make([]byte, len(mem)-len(rest))...)
}

// Breaks when: checkEmpty removes every file without length, or checkEmptied does
// not ask where the transactions are.
func TestAnEmptyOlderFileOfTheDatabaseIsRefusedByName(t *testing.T) {
	x, s := &examiner{t: t}, killedLog(t)
	mem := s.files.names(".mem")[0]
	logs := s.files.names(".vlog")
	cases := map[string]image{
		mem:     s.files.with(mem, []byte{}).with("00002.mem", butFirst(s.files[mem])),
		logs[0]: s.files.with(logs[0], []byte{}),
	}
	for name, im := range cases {
		r, lost := x.ask(im, Synced, s.truth)
		refused(t, r, lost, name)
	}
}

// Breaks when: checkManifest takes a missing manifest for a new database's, or
// setAside does not ask whether what the manifest does not list is elsewhere.
func TestADamagedManifestIsRefusedByNameAndTheTablesAreKept(t *testing.T) {
	const name = badger.ManifestFilename
	for which, s := range map[string]*specimen{"closed": closedLog(t), "killed": killedLog(t)} {
		t.Run(which, func(t *testing.T) {
			x, whole := &examiner{t: t}, s.files[name]
			r, lost := x.ask(s.files.with(name, nil), Synced, s.truth)
			refused(t, r, lost, name)
			for at := range whole {
				r, lost := x.ask(s.files.with(name, whole[:at:at]), Synced, s.truth)
				refused(t, r, lost, name)
				r, lost = x.ask(s.files.with(name, flipped(whole, at*8+rand.IntN(8))), Synced, s.truth)
				refused(t, r, lost, name)
			}
		})
	}
}

// Breaks when: checkTable does not check the index, which then panics in the
// database's goroutine; or not the blocks, whose keys are then gone without a word.
func TestADamagedTableIsRefusedByNameAndKept(t *testing.T) {
	for which, s := range map[string]*specimen{"closed": closedLog(t), "killed": killedLog(t)} {
		t.Run(which, func(t *testing.T) {
			x, tables := &examiner{t: t}, s.files.names(".sst")
			for i := range envCount(t, "THAW_DAMAGE", 24) {
				name := tables[i%len(tables)]
				whole := s.files[name]
				at := rand.IntN(len(whole))
				if i%2 == 0 {
					at = len(whole) - 1 - rand.IntN(min(len(whole), 100)) // in the footer
				}
				damaged := flipped(whole, at*8+rand.IntN(8))
				switch i % 6 {
				case 0:
					damaged = nil
				case 1, 2:
					damaged = whole[:at:at]
				}
				r, lost := x.ask(s.files.with(name, damaged), Synced, s.truth)
				refused(t, r, lost, name)
			}
		})
	}
}

// What stands in a memory table is on the disk, but for the end of its last
// transaction.
// Breaks when: inspect leaves out checkLogs.
func TestAMemoryTableDamagedEarlyIsRefusedByName(t *testing.T) {
	x, s := &examiner{t: t}, killedLog(t)
	name := s.files.names(".mem")[0]
	length := used(s.files[name])
	for i := range 8 {
		at := logHeaderSize + (length/2)*i/8
		r, lost := x.ask(s.files.with(name, flipped(s.files[name], 8*at+rand.IntN(8))), Synced, s.truth)
		refused(t, r, lost, name)
	}
}

// A memory table that ends early looks as after a loss of power. The journal has
// what is missing, or the log is refused: it is never shorter.
// Breaks when: recovery.run leaves out the witness, or replay does not compare
// positions.
func TestAMemoryTableCutOrTornIsRecoveredOrRefused(t *testing.T) {
	x, s := &examiner{t: t}, killedLog(t)
	name := s.files.names(".mem")[0]
	whole := s.files[name]
	for range 12 {
		at := logHeaderSize + rand.IntN(used(whole)-logHeaderSize)
		torn := bytes.Clone(whole)
		clear(torn[at:])
		for _, data := range [][]byte{torn, whole[:at:at]} {
			r, lost := x.ask(s.files.with(name, data), Synced, s.truth)
			check(t, r, lost, name, fmt.Sprintf("ends at byte %d", at))
		}
	}
}

// Breaks when: openBlock does not compare the checksum, or getValue takes a value
// that is gone for none.
func TestADamagedOrMissingValueLogIsNamedByPosition(t *testing.T) {
	x, s := &examiner{t: t}, killedLog(t)
	for _, name := range s.files.names(".vlog") {
		whole := s.files[name]
		end := used(whole)
		if end <= logHeaderSize {
			continue // nothing is in it
		}
		middle := end/4 + rand.IntN(end/2)
		for damage, data := range map[string][]byte{
			"is missing": nil, "is cut in the middle": whole[:middle:middle], "has a flipped bit": flipped(whole, 8*middle),
		} {
			r, lost := x.ask(s.files.with(name, data), Synced, s.truth)
			if check(t, r, lost, name, damage) == "harmless" {
				t.Errorf("%s %s, and nobody noticed", name, damage)
			}
		}
	}
}

// check fails unless the damage was refused or reported by name, or is harmless,
// and returns which.
func check(t *testing.T, r report, lost []string, name, damage string) (outcome string) {
	t.Helper()
	if len(r.Wrong) > 0 {
		t.Errorf("%s %s: got %q, found %q", name, damage, r.Wrong, r.Found)
		return "wrong"
	}
	for _, other := range lost {
		if other != name {
			t.Errorf("%s %s: refused as %q, and %s is not what it was", name, damage, r.Refused, other)
		}
	}
	switch {
	case r.Refused != "":
		outcome = "refused"
	case len(r.Found) > 0:
		outcome = "reported"
	default:
		return "harmless"
	}
	if !r.names(name) {
		t.Errorf("%s %s: %s without a file or a position: %q %q", name, damage, outcome, r.Refused, r.Found)
	}
	return outcome
}

// TestOneDamagedFileIsFoundOrHarmless flips one bit of one file, or cuts it, at
// random.
// Breaks when: as the tests above, or the journal's or the witness's checks are
// left out.
func TestOneDamagedFileIsFoundOrHarmless(t *testing.T) {
	x := &examiner{t: t}
	both := []*specimen{closedLog(t), killedLog(t)}
	trials, outcomes := envCount(t, "THAW_DAMAGE", 40), map[string]int{}
	for trial := range trials {
		s := both[trial%2]
		name, damage, data := s.damage()
		r, lost := x.ask(s.files.with(name, data), Synced, s.truth)
		outcomes[check(t, r, lost, name, damage)]++
	}
	t.Logf("%d trials: %v", trials, outcomes)
}

// damage is a random file, what was done to it, and what it is then.
func (s *specimen) damage() (name, damage string, data []byte) {
	name = s.files.names("")[rand.IntN(len(s.files))]
	data = s.files[name]
	length := len(data)
	if rand.IntN(8) > 0 {
		length = max(used(data), 1) // where something is written
	}
	at := rand.IntN(length)
	if rand.IntN(3) == 0 {
		return name, fmt.Sprintf("cut to %d of %d bytes", at, len(data)), data[:at:at]
	}
	bit := at*8 + rand.IntN(8)
	return name, fmt.Sprintf("bit %d of byte %d of %d flipped", bit%8, at, len(data)), flipped(data, bit)
}
