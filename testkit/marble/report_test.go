package marble_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/testkit/marble"
)

// report compares and reports, as the test kit does.
func report(want, got marble.Lane, around ...marble.Lane) string {
	return marble.Report(ms, around, want, got, marble.Compare(want, got))
}

// named is a lane with a name.
func named(name string, l marble.Lane) marble.Lane {
	l.Name = name
	return l
}

func sameText(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Breaks when: the caret is not under the first difference; the legend has
// letters that the lanes do not.
func TestReportIsReadable(t *testing.T) {
	log := named("log", parse(t, "ab ^ - c - [de] - |"))
	want := named("cold+hot", valued(t, "(ab~)-c-[de]-|", letters))
	got := valued(t, "(ab~)-c-d-|", letters)
	for i := range want.Points {
		if want.Points[i].Name == "e" {
			want.Points[i].Note = "position 5"
		}
	}
	sameText(t, report(want, got, log), `
cold+hot: tick 4 (+4ms): e (position 5) was never delivered
  log   a b ^     - c - [de] - |
  want      (ab~) - c - [de] - |
  got       (ab~) - c - d    - |
                        ^
  a  sent{To:"ann", copy:1}
  b  sent{To:"bob", copy:1}
  c  sent{To:"cy", copy:1}
  d  sent{To:"dan", copy:1}
  e  sent{To:"eve", copy:1}`)
}

func TestReportShowsTheValueAndWhatElseDiffers(t *testing.T) {
	want, got := valued(t, "a--cd", letters), valued(t, "x-10s ab", letters)
	text := marble.Report(ms, nil, want, got, marble.Compare(want, got), marble.Name{Letter: "a", Text: "SENT {}\nto ann"})
	for _, part := range []string{
		"tick 0 (+0s): a came at +10s2ms, 10s2ms late: wanted at +0s\n  want  a - - c d\n  got   x - - - - 9s997ms a b\n        ^\n",
		"\n  tick 0 (+0s): x came at +0s and was not wanted\n",
		"\n  tick 3 (+3ms): c was never delivered\n",
		"\n  a  SENT {} to ann\n  b  sent{",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nis missing in\n%s", part, text)
		}
	}
	want, got = valued(t, "ad", letters), valued(t, "ax", letters)
	text = report(want, got)
	for _, part := range []string{"x came in the place of d\n  want  a d\n  got   a x\n          ^\n  difference (- want, + got):\n", `    - 	copy: 1,`, `    + 	copy: 2,`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nis missing in\n%s", part, text)
		}
	}
}

func TestReportPointsWhereALaneHasNothing(t *testing.T) {
	sameText(t, report(parse(t, "a"), parse(t, "a-10s b")), `
tick 10002 (+10s2ms): b came at +10s2ms and was not wanted
  want  a
  got   a 10s1ms b
                 ^`)
	sameText(t, report(parse(t, ""), parse(t, "a")), `
tick 0 (+0s): a came at +0s and was not wanted
  want
  got   a
        ^`)
	sameText(t, report(named("empty", parse(t, "")), parse(t, "")), `
empty: as wanted
  want
  got`)
}

func TestReportSaysThatItsTickIsShorter(t *testing.T) {
	got := report(parse(t, "ab"), parse(t, "a 500us b"))
	sameText(t, got, `
tick 1 (+1ms): b came at +1ms500us, 500us late: wanted at +1ms
  want  a - b -
  got   a - - b -
            ^
  one token is 500us: less than the tick of 1ms, in which more than one thing happened`)
}

// Breaks when: a wide diagram is not cut, or not where the caret is.
func TestReportCutsWideDiagrams(t *testing.T) {
	text := strings.Repeat("a - ", 200)
	want, got := parse(t, text+"b"+text), parse(t, text+"c"+text)
	lines := strings.Split(report(want, got), "\n")
	for _, line := range lines[1:] {
		if n := len([]rune(line)); n > 115 {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
	caret := strings.Index(lines[3], "^")
	at := func(line string) string { return string([]rune(line)[caret]) }
	if !strings.Contains(lines[1], "…") || at(lines[1]) != "b" || at(lines[2]) != "c" {
		t.Errorf("the caret points elsewhere:\n%s", strings.Join(lines, "\n"))
	}
}

func TestReportIsNotEndless(t *testing.T) {
	got := report(long(1000, 0), marble.Lane{})
	if lines := strings.Count(got, "\n"); lines > 20 {
		t.Errorf("it has %d lines:\n%s", lines, got)
	}
	if !strings.Contains(got, "… and 994 more differences") {
		t.Errorf("it does not say how much is missing:\n%s", got)
	}
	wide := valued(t, "a", values{"a": strings.Repeat("long ", 1000)})
	if got := report(wide, marble.Lane{}); len(got) > 400 || !strings.Contains(got, "…") {
		t.Errorf("a wide value is not clipped:\n%s", got)
	}
}

// Whatever the lanes are, a report is made.
func TestReportOfOddLanes(t *testing.T) {
	for _, l := range []marble.Lane{
		{Points: []marble.Point{{Kind: 99}, {Kind: marble.Event}, {Kind: marble.Event, Name: "ab"}}},
		{Points: []marble.Point{{Kind: marble.Event, Name: "\xff", At: -ms}}},
		{Points: []marble.Point{{Kind: marble.Event, Name: "a", At: 1<<63 - 1}, {Kind: marble.Event, Name: "a", At: -1 << 63}}},
		{End: -ms},
	} {
		for _, other := range []marble.Lane{{}, parse(t, "a"), l} {
			report(l, other)
			report(other, l, l)
			trace := marble.Trace{Lanes: []marble.Lane{l, other}, Tick: -1}
			fmt.Fprint(&strings.Builder{}, trace.Text(), trace.Mermaid(), trace.SVG())
		}
	}
}

func BenchmarkReport(b *testing.B) {
	want, got := twenty(b)
	for b.Loop() {
		report(want, got, want)
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		parse(b, twentyTokens)
	}
}

func BenchmarkCompare(b *testing.B) {
	want, got := twenty(b)
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			marble.Compare(want, want)
		}
	})
	b.Run("different", func(b *testing.B) {
		for b.Loop() {
			marble.Compare(want, got)
		}
	})
}

const twentyTokens = "(ab~)c-d-ea--b[cd]e-5s-ab-cd-|"

// twenty are two lanes of some twenty tokens that differ in one.
func twenty(b *testing.B) (want, got marble.Lane) {
	return valued(b, twentyTokens, letters), valued(b, strings.Replace(twentyTokens, "5s-a", "5s-x", 1), letters)
}
