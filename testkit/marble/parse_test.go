package marble_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/marble"
)

const ms = time.Millisecond

// parse reads a lane that is known to be right.
func parse(t testing.TB, text string) marble.Lane {
	t.Helper()
	l, err := marble.Parse(text, ms)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func event(at time.Duration, letter string) marble.Point {
	return marble.Point{At: at, Kind: marble.Event, Name: letter}
}

func appended(at time.Duration, n int, letter string) marble.Point {
	return marble.Point{At: at, Kind: marble.Event, Name: letter, Append: n}
}

func again(at time.Duration, letter string) marble.Point {
	return marble.Point{At: at, Kind: marble.Event, Name: letter, Again: true}
}

func sign(at time.Duration, kind marble.Kind) marble.Point {
	return marble.Point{At: at, Kind: kind}
}

// Breaks when: a jump also takes a tick; ^ is not zero; [a] is an append of its
// own; the unit is not the longest that matches.
func TestLanesMeanWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		claim, text string
		want        []marble.Point
		end         time.Duration
	}{
		{"nothing is a lane", "", nil, 0},
		{"spaces take no time", "  \t ", nil, 0},
		{"a tick passes", "-", nil, ms},
		{"a token is a tick", "a b", []marble.Point{event(0, "a"), event(ms, "b")}, 2 * ms},
		{"the first ^ is zero", "ab^c", []marble.Point{event(-2*ms, "a"), event(-ms, "b"), sign(0, marble.Subscribe), event(ms, "c")}, 2 * ms},
		{"ticks before the first ^ only shift what is before it", "--^", []marble.Point{sign(0, marble.Subscribe)}, ms},
		{"a jump takes as long as it says", "a 9ms b", []marble.Point{event(0, "a"), event(10*ms, "b")}, 11 * ms},
		{"a jump needs a space only before a letter", "a5s b", []marble.Point{event(0, "a"), event(5*time.Second+ms, "b")}, 5*time.Second + 2*ms},
		{"ms are milliseconds, not minutes", "5ms", nil, 5 * ms},
		{"jumps add up", "1h30m", nil, 90 * time.Minute},
		{"every unit", "1d1h1m1s1ms1us1ns", nil, 25*time.Hour + time.Minute + time.Second + ms + time.Microsecond + 1},
		{"a jump before ^ is before it", "a 1s ^", []marble.Point{event(-time.Second-ms, "a"), sign(0, marble.Subscribe)}, ms},
		{"a jump need not be of whole ticks", "a 500us b", []marble.Point{event(0, "a"), event(1500*time.Microsecond, "b")}, 2500 * time.Microsecond},
		{"an append is one tick", "[ab]c[de]", []marble.Point{appended(0, 1, "a"), appended(0, 1, "b"), event(ms, "c"), appended(2*ms, 2, "d"), appended(2*ms, 2, "e")}, 3 * ms},
		{"one event is appended alone", "[a]", []marble.Point{event(0, "a")}, ms},
		{"an instant is one tick", "(ab~)c", []marble.Point{event(0, "a"), event(0, "b"), sign(0, marble.CaughtUp), event(ms, "c")}, 2 * ms},
		{"appends in an instant", "([ab]c'|)", []marble.Point{appended(0, 1, "a"), appended(0, 1, "b"), again(0, "c"), sign(0, marble.Complete)}, ms},
		{"a redelivered append", "[a'b]", []marble.Point{{Kind: marble.Event, Name: "a", Again: true, Append: 1}, appended(0, 1, "b")}, ms},
		{"zero in an instant", "a(b^c)", []marble.Point{event(-ms, "a"), event(0, "b"), sign(0, marble.Subscribe), event(0, "c")}, ms},
		{"spaces are free in brackets", "( [ a b ] ~ )", []marble.Point{appended(0, 1, "a"), appended(0, 1, "b"), sign(0, marble.CaughtUp)}, ms},
		{"every sign", "^~*!%^#", []marble.Point{sign(0, marble.Subscribe), sign(ms, marble.CaughtUp), sign(2*ms, marble.Checkpoint),
			sign(3*ms, marble.Unsubscribe), sign(4*ms, marble.Crash), sign(5*ms, marble.Subscribe), sign(6*ms, marble.Failed)}, 7 * ms},
		{"letters of all alphabets", "aÄж語", []marble.Point{event(0, "a"), event(ms, "Ä"), event(2*ms, "ж"), event(3*ms, "語")}, 4 * ms},
		{"after completion one can subscribe again", "^a|-^b|", []marble.Point{sign(0, marble.Subscribe), event(ms, "a"), sign(2*ms, marble.Complete),
			sign(4*ms, marble.Subscribe), event(5*ms, "b"), sign(6*ms, marble.Complete)}, 7 * ms},
		{"time passes after completion", "|--", []marble.Point{sign(0, marble.Complete)}, 3 * ms},
		{"things happen between a crash and the next ^", "^%a^", []marble.Point{sign(0, marble.Subscribe), sign(ms, marble.Crash), event(2*ms, "a"), sign(3*ms, marble.Subscribe)}, 4 * ms},
		{"a lane may have a tick of its own", "10us: ab", []marble.Point{event(0, "a"), event(10*time.Microsecond, "b")}, 20 * time.Microsecond},
	} {
		t.Run(c.claim, func(t *testing.T) {
			got := parse(t, c.text)
			if !reflect.DeepEqual(got, marble.Lane{Points: c.want, End: c.end}) {
				t.Errorf("%s\ngot  %+v\nwant %+v until %v", c.text, got, c.want, c.end)
			}
		})
	}
}

// Breaks when: any of the checks is left out; columns are counted in bytes.
func TestSyntaxErrorsPointAtTheColumn(t *testing.T) {
	for _, c := range []struct {
		text    string
		column  int
		problem string // part of it
	}{
		{"ab?", 3, `'?' means nothing`},
		{"ab5", 4, "needs its unit"},
		{"5 s", 2, "needs its unit"},
		{"5x", 2, "needs its unit"},
		{"5µs", 2, "needs its unit"},
		{"5sa", 3, "a space is needed"},
		{"a 0s", 3, "no time passes"},
		{"1000000000000h", 1, "spans at most"},
		{"- 99999999999999999999999999999999999999s", 3, "spans at most"},
		{"90000000h", 1, "spans at most"},
		{"36500d 1d", 8, "spans at most"},
		{"36500d a", 8, "spans at most"},
		{"(ab", 1, "never closed"},
		{"a[b", 2, "never closed"},
		{"()", 1, "nothing in ()"},
		{"a[ ]", 2, "nothing in []"},
		{"(a(b))", 3, "a ( in a ("},
		{"(a-)", 3, "no time passes"},
		{"(a5s)", 3, "no time passes"},
		{"[a-]", 3, "only events"},
		{"[a~]", 3, "only events"},
		{"[a[b]]", 3, "only events"},
		{"a)", 2, "without its beginning"},
		{"]", 1, "without its beginning"},
		{"'", 1, "right behind a letter"},
		{"a ' ", 3, "right behind a letter"},
		{"a''", 3, "right behind a letter"},
		{"|a", 2, "after '|'"},
		{"#[ab]", 2, "after '#'"},
		{"(|a)", 3, "after '|'"},
		{"| - ~", 5, "after '|'"},
		{"||", 2, "after '|'"},
		{"^a^", 3, "subscribed already"},
		{"(^^)", 3, "subscribed already"},
		{"(ab~)c%-^", 9, "begin the lane with a ^"},
		{"a!^", 3, "begin the lane with a ^"},
		{"(a|)^", 5, "begin the lane with a ^"},
		{"a\nb", 2, `'\n' means nothing`},
		{"äö?", 3, "means nothing"},
		{"a\xffb", 2, "no character"},
		{"a 1s: b", 5, "':' means nothing"},
		{"1s: 2s: b", 7, "':' means nothing"},
		{strings.Repeat("a", 2<<20), 1, "at most 1048576 bytes"},
	} {
		_, err := marble.Parse(c.text, ms)
		var wrong *marble.SyntaxError
		if !errors.As(err, &wrong) {
			t.Errorf("%.40q: got the error %v, want a *SyntaxError", c.text, err)
			continue
		}
		if wrong.Column != c.column || !strings.Contains(wrong.Problem, c.problem) {
			t.Errorf("%.40q: got column %d, %s; want column %d, %s", c.text, wrong.Column, wrong.Problem, c.column, c.problem)
		}
	}
	if _, err := marble.Parse("a", -1); err == nil {
		t.Error("a negative tick: got no error")
	}
}

func TestSyntaxErrorShowsTheLane(t *testing.T) {
	_, err := marble.Parse("äb\t- ?", ms)
	want := "marble: column 6: '?' means nothing in a lane\n  äb - ?\n       ^"
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
	_, err = marble.Parse(strings.Repeat("-", 1000)+"?"+strings.Repeat("-", 1000), ms)
	lines := strings.Split(err.Error(), "\n")
	if caret := strings.Index(lines[2], "^"); len(lines[1]) > 110 || lines[1][caret] != '?' {
		t.Errorf("a long lane: the caret is not under the character:\n%s", err)
	}
}

func TestTextIsShort(t *testing.T) {
	for text, want := range map[string]string{
		" ( a ) ":             "a",
		"ab ^ - c - [de] - |": "ab^-c-[de]-|",
		"- - a ^":             "a^",
		"a----------b":        "a 10ms b",
		"a---------b":         "a---------b",
		"a 90m b":             "a 1h30m b",
		"a 1500us b":          "a 1ms500us b",
		"1ms: a b":            "ab",
		"1s: a b 5ms c":       "a 999ms b 1s4ms c 999ms", // with the tick that it is asked for
		"10us: ab":            "10us: ab",
		"a 5ms":               "a-----",
	} {
		if got := parse(t, text).Text(ms); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// randomText is a lane that may be wrong in what follows what.
func randomText(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var b strings.Builder
	letters := func() {
		for range 1 + r.IntN(3) {
			b.WriteString(pick("a", "b", "c'", "Ω", "d"))
		}
	}
	point := func() {
		switch r.IntN(6) {
		case 0:
			b.WriteString("[")
			letters()
			b.WriteString("]")
		case 1:
			b.WriteString(pick("~", "*", "%", "^", "!", "|", "#"))
		default:
			b.WriteString(pick("a", "b", "c'"))
		}
	}
	for range r.IntN(15) {
		switch r.IntN(8) {
		case 0:
			b.WriteString(pick(" 5s ", " 1h30m ", " 10ms ", " 3us ", " 7ns ", " 2d "))
		case 1:
			b.WriteString("(")
			for range 1 + r.IntN(3) {
				point()
			}
			b.WriteString(")")
		case 2, 3:
			b.WriteString("-")
		default:
			point()
		}
		b.WriteString(pick("", " "))
	}
	return b.String()
}

// Breaks when: a gap of 10 ticks is written as 10 letters long; the end is
// forgotten; appends of one instant run together.
func TestTextIsTheInverseOfParse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 20_000 {
		text := randomText(r)
		lane, err := marble.Parse(text, ms)
		if err != nil {
			continue
		}
		read++
		inverse(t, lane, ms)
		inverse(t, lane, 3*time.Microsecond)
		inverse(t, lane, time.Hour)
	}
	if read < 5000 {
		t.Errorf("only %d of the random lanes could be read", read)
	}
}

// inverse tests that a lane is the same when it has been written and read.
func inverse(t testing.TB, lane marble.Lane, tick time.Duration) {
	t.Helper()
	text := lane.Text(tick)
	back, err := marble.Parse(text, tick)
	if err != nil {
		t.Fatalf("%+v is written as %q: %v", lane, text, err)
	}
	if !reflect.DeepEqual(normal(back), normal(lane)) {
		t.Fatalf("%+v is written as %q and read as\n%+v", lane, text, back)
	}
	if second := back.Text(tick); second != text {
		t.Fatalf("%q is written as %q", text, second)
	}
}

// normal leaves out the end where it is within the last token: a longer tick
// than the lane was read with ends later.
func normal(l marble.Lane) marble.Lane {
	if n := len(l.Points); n > 0 {
		l.End = max(l.End, l.Points[n-1].At+time.Hour)
	}
	return l
}

// Lanes of real runs have no regular ticks.
func TestTextOfAnyLaneCanBeRead(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		var l marble.Lane
		at := time.Duration(0)
		for range r.IntN(8) {
			at += time.Duration(r.Int64N(int64(3*ms))) * time.Duration(r.IntN(2))
			p := sign(at, []marble.Kind{marble.CaughtUp, marble.Checkpoint}[r.IntN(2)])
			if r.IntN(2) == 0 {
				p = event(at, string("abc"[r.IntN(3)]))
			}
			l.Points = append(l.Points, p)
		}
		l.End = at + 2*ms
		back, err := marble.Parse(l.Text(ms), ms)
		if err != nil || !reflect.DeepEqual(back, l) {
			t.Fatalf("%+v is written as %q and read as %+v, %v", l, l.Text(ms), back, err)
		}
	}
}

func TestTextPutsALaneInOrder(t *testing.T) {
	l := marble.Lane{Points: []marble.Point{event(2*ms, "b"), event(0, "a")}}
	if got := l.Text(0); got != "a-b" {
		t.Errorf("got %q", got)
	}
	if l.Points[0].Name != "b" {
		t.Error("the lane itself was changed")
	}
}

// Breaks when: a lane is not aligned by time; a jump is not common to all.
func TestAlignedLanesCanBeReadAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		var trace marble.Trace
		for len(trace.Lanes) < 3 {
			if l, err := marble.Parse(randomText(r), ms); err == nil {
				l.Name = "lane"
				trace.Lanes = append(trace.Lanes, l)
			}
		}
		text := trace.Text()
		tick := ms
		if _, after, ok := strings.Cut(text, "one token is "); ok {
			tick = duration(t, strings.TrimSpace(after))
		}
		for i, line := range strings.SplitN(text, "\n", 4)[:3] {
			back, err := marble.Parse(strings.TrimPrefix(line, "  lane"), tick)
			back.Name = "lane"
			if err != nil || !slices.Equal(back.Points, trace.Lanes[i].Points) || back.End != trace.Lanes[i].End {
				t.Fatalf("lane %d of\n%s\nis read as %+v, %v\nwant %+v", i+1, text, back, err, trace.Lanes[i])
			}
		}
	}
}

// duration is a time as lanes write it.
func duration(t testing.TB, text string) time.Duration {
	t.Helper()
	l := parse(t, text)
	return l.End
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"ab ^ - c - [de] - |", "(ab~)- 5s c'%^!", "10us: [ab](c|)", "1d2h 3m4s 5ms 6us 7ns", "((", "ж'#^", "a 99999999999h"} {
		f.Add(text, int64(ms))
	}
	f.Fuzz(func(t *testing.T, text string, tick int64) {
		lane, err := marble.Parse(text, time.Duration(tick))
		if err != nil {
			var wrong *marble.SyntaxError
			if !errors.As(err, &wrong) || wrong.Column < 1 || err.Error() == "" {
				t.Fatalf("%q: got %v", text, err)
			}
			return
		}
		inverse(t, lane, time.Duration(tick))
		inverse(t, lane, ms)
		if d := marble.Compare(lane, lane); d != nil {
			t.Fatalf("%q is not itself: %v", text, d)
		}
		trace := marble.Trace{Lanes: []marble.Lane{lane, {Points: lane.Points}}}
		trace.Text()
		trace.SVG()
	})
}
