package badgerlog_test

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Guarantee 2: acknowledged means on disk; and of 1, 3 and 7 what a crash could
// break: positions stay dense, an append is whole or absent, a command takes
// effect once. It holds for appends, batches under
// conditions, imports, checkpoints and truncations at
// once, while generations are stored and the value log is collected, and if the
// process is killed while it opens the log, too.
//
// THAW_CRASH_KILLS is how many processes are killed: 40 if it is not set, some
// thousands in a long run, which take half a second each.
//
// Breaks when: a generation's commands or changes are left out of its transaction,
// a batch's streams are accepted in commits of their own, the index of tags is left out
// of it, a group's last event is left out of its journal record, or checkEmptied or
// removeUnused is left out of inspect.
func TestLogKilledAtRandomMomentsLosesNothingAcknowledged(t *testing.T) {
	kills := number(t, "THAW_CRASH_KILLS", 40)
	if testing.Short() {
		kills = min(kills, 5)
	}
	var total crashTotals
	var c *crashes
	for kill := range kills {
		if c == nil || c.head > 60_000 || rand.IntN(60) == 0 {
			c = newCrashes(t, &total)
		}
		c.kill()
		if kill == kills-1 || rand.IntN(4) > 0 {
			c.check(rand.IntN(3) == 0)
		}
		if t.Failed() {
			t.Fatalf("after kill %d, the last one of a process told %q", kill+1, c.options)
		}
		if (kill+1)%100 == 0 || kill == kills-1 {
			t.Logf("%d kills, %d of them while the log was being opened; %s", kill+1, total.opening, total.String())
		}
	}
	if total.appends < 10*(kills-total.opening) || !testing.Short() && (total.imports == 0 || total.saves == 0 || total.doubts == 0) {
		t.Errorf("too little was acknowledged: the test proves too little")
	}
}

// number is what a variable of the environment says, or usual if it is not set.
func number(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s: got %q, want a number from 1", name, text)
	}
	return n
}

// crashTotals are what a test has seen in all.
type crashTotals struct {
	opening                                                          int // killed while opening
	appends, imports, saves, truncations, collected, doubts, doubled int
	logs, checks, verifications, read                                int
}

func (n *crashTotals) String() string {
	return fmt.Sprintf("%d appends, %d imports, %d checkpoints and %d truncations acknowledged, %d files collected; "+
		"%d commands in doubt sent again, %d had taken effect; %d logs, checked %d times (%d of them verified), %d events read and compared",
		n.appends, n.imports, n.saves, n.truncations, n.collected, n.doubts, n.doubled, n.logs, n.checks, n.verifications, n.read)
}

// crashes are what processes said of one log before they were killed.
type crashes struct {
	t       *testing.T
	total   *crashTotals
	dir     string
	locked  bool          // the log is encrypted
	options string        // what the last process was told
	opening time.Duration // about how long opening takes

	stored   map[stream.Position]told                      // the first event of each append that was acknowledged
	seen     map[stream.Position]told                      // events that a subscriber was handed
	refused  map[stream.EventID]bool                       // appends since the last check
	imports  map[stream.EventID]imported                   // those that were acknowledged
	doubt    map[stream.EventID]sent                       // appends of the processes since the last check that were not
	doubtAll map[stream.EventID]string                     // the same of batches: their tags
	doubtIn  map[stream.EventID]imported                   // the same of imports
	places   map[string]stream.Position                    // of consumers: the last acknowledged
	cut      struct{ acknowledged, asked stream.Position } // of truncations
	head     stream.Position                               // at the last check
}

// told is an acknowledged append.
type told struct {
	id      stream.ID
	version stream.Version
	command stream.EventID
	n       int
}

type imported struct {
	n    int
	head stream.Position // when it began
}

func newCrashes(t *testing.T, total *crashTotals) *crashes {
	total.logs++
	return &crashes{
		t: t, total: total, dir: t.TempDir(), locked: rand.IntN(3) == 0, opening: 30 * time.Millisecond,
		stored: map[stream.Position]told{}, seen: map[stream.Position]told{}, refused: map[stream.EventID]bool{}, imports: map[stream.EventID]imported{}, places: map[string]stream.Position{},
		doubt: map[stream.EventID]sent{}, doubtIn: map[stream.EventID]imported{}, doubtAll: map[stream.EventID]string{},
	}
}

// kill runs the writing process, kills it at a random moment, often while it
// opens the log, and takes down what it said.
func (c *crashes) kill() {
	c.t.Helper()
	words := []string{}
	for _, word := range []string{"unsynced", "compressed", "few"} {
		if rand.IntN(3) == 0 {
			words = append(words, word)
		}
	}
	if c.locked {
		words = append(words, "encrypted")
	}
	c.options = strings.Join(words, " ")
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+c.dir, crashOptions+"="+c.options)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	in := bufio.NewReader(pipe)
	expect := func(want string) bool {
		line, err := in.ReadString('\n')
		return err == nil && line == want+"\n"
	}
	killAfter := func(most time.Duration) *time.Timer {
		return time.AfterFunc(time.Duration(rand.Int64N(int64(most))), func() { _ = cmd.Process.Kill() })
	}
	early := rand.IntN(4) == 0
	began := expect("begin")
	since := time.Now()
	if began && early {
		defer killAfter(c.opening).Stop()
	}
	opened := began && expect("open")
	if opened && !early {
		c.opening = max(time.Since(since), time.Millisecond)
		most := 120 * time.Millisecond
		if rand.IntN(4) == 0 {
			most *= 5 // so that the journal turns, and turns again
		}
		defer killAfter(most).Stop()
	}
	said, err := io.ReadAll(in)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 || !began || !opened && !early {
		c.t.Fatalf("the writing process, told %q, ended by itself: %v\n%s", c.options, err, stderr.String())
	}
	if !opened {
		c.total.opening++
	}
	c.listen(string(said))
}

// listen takes down what a process said.
func (c *crashes) listen(said string) {
	c.t.Helper()
	for line := range strings.Lines(said) {
		if !strings.HasSuffix(line, "\n") {
			return // it was killed while saying it
		}
		if err := c.hear(line); err != nil {
			c.t.Fatalf("the process said %q: %v", line, err)
		}
	}
}

// hear takes down a line; what each means stands beside victim.
func (c *crashes) hear(line string) error {
	l := words{rest: strings.Fields(line)}
	switch what := l.next(); what {
	case "a":
		s := sent{command: l.command(), id: l.stream(), n: int(l.number())}
		c.doubt[s.command] = s
	case "b":
		command := l.command()
		c.doubtAll[command] = l.next()
	case "e":
		at, of := l.place(), l.told()
		of.n = int(l.number())
		c.stored[at] = of
		delete(c.doubt, of.command)
		delete(c.doubtAll, of.command)
		c.total.appends++
	case "r":
		command := l.command()
		c.refused[command] = true
		delete(c.doubt, command)
		delete(c.doubtAll, command)
	case "s":
		at := l.place()
		c.seen[at] = l.told()
	case "i":
		id := l.command()
		c.doubtIn[id] = imported{n: int(l.number()), head: l.place()}
	case "j":
		id := l.command()
		c.imports[id] = c.doubtIn[id]
		delete(c.doubtIn, id)
		c.total.imports++
	case "c":
		name := l.next()
		c.places[name] = max(c.places[name], l.place())
		c.total.saves++
	case "t":
		c.cut.asked = max(c.cut.asked, l.place())
	case "u":
		c.cut.acknowledged = max(c.cut.acknowledged, l.place())
		c.total.truncations++
	case "g":
		c.total.collected += int(l.number())
	default:
		return fmt.Errorf("nothing begins with %q", what)
	}
	return l.err
}

// words are those of a line. The first that is not as expected is the error.
type words struct {
	rest []string
	err  error
}

func (l *words) next() (word string) {
	if len(l.rest) == 0 {
		l.err = cmp.Or(l.err, io.ErrUnexpectedEOF)
		return ""
	}
	word, l.rest = l.rest[0], l.rest[1:]
	return word
}

func (l *words) number() uint64 {
	n, err := strconv.ParseUint(l.next(), 10, 64)
	l.err = cmp.Or(l.err, err)
	return n
}

func (l *words) place() stream.Position { return stream.Position(l.number()) }

func (l *words) command() stream.EventID {
	id, err := stream.ParseEventID(l.next())
	l.err = cmp.Or(l.err, err)
	return id
}

func (l *words) stream() stream.ID {
	id, err := stream.ParseID(l.next())
	l.err = cmp.Or(l.err, err)
	return id
}

func (l *words) told() told {
	return told{id: l.stream(), version: stream.Version(l.number()), command: l.command()}
}
