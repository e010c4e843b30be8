package marble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/marble"
)

type sent struct {
	To   string
	copy int
}

var (
	errBroken = errors.New("broken pipe")
	errOther  = errors.New("timeout")
)

// odd is a Matcher.
type odd struct{}

func (odd) Match(got any) error {
	if n, ok := got.(int); !ok || n%2 == 0 {
		return fmt.Errorf("%v is not odd", got)
	}
	return nil
}

type wild struct{}

func (wild) Match(any) error { return nil }

type panicking struct{}

func (panicking) Match(any) error { panic("no idea") }

// failing matches errors by type.
type failing struct{}

func (failing) Match(got any) error {
	var wanted *marble.SyntaxError
	if err, _ := got.(error); errors.As(err, &wanted) {
		return nil
	}
	return fmt.Errorf("%v is no *SyntaxError", got)
}

type values map[string]any

var letters = values{
	"a": sent{"ann", 1}, "b": sent{"bob", 1}, "c": sent{"cy", 1}, "d": sent{"dan", 1}, "e": sent{"eve", 1},
	"x": sent{"dan", 2}, "z": sent{},
	"#": errBroken,
}

// valued is a lane whose points have the values of their letters.
func valued(t testing.TB, text string, v values) marble.Lane {
	t.Helper()
	l := parse(t, text)
	for i, p := range l.Points {
		if p.Kind == marble.Failed {
			p.Name = "#"
		}
		l.Points[i].Value = v[p.Name]
	}
	return l
}

// with is letters and one more value.
func (v values) with(letter string, value any) values {
	all := values{letter: value}
	for l, other := range v {
		if l != letter {
			all[l] = other
		}
	}
	return all
}

// texts are differences as a list of lines.
func texts(differences []marble.Difference) (list []string) {
	for _, d := range differences {
		list = append(list, fmt.Sprintf("%v: %s", d.At, d.Text))
	}
	return list
}

// Every way in which a lane can be wrong is found, and named. Breaks when:
// Compare is turned off; the times, the values, the kinds or Again are not
// compared; extra points are overlooked.
func TestWhatIsWrongIsNamed(t *testing.T) {
	const lane = "(ab~)-c-[de]*|"
	for _, c := range []struct {
		claim     string
		want, got string // want "": lane
		with      values // of got; nil: letters
		differs   []string
	}{
		{"dropped", "", "(ab~)-c-d*|", nil, []string{"4ms: e was never delivered"}},
		{"dropped at the end", "ab", "a", nil, []string{"1ms: b was never delivered"}},
		{"all dropped", "ab|", "", nil, []string{"0s: a was never delivered", "1ms: b was never delivered", "2ms: did not complete: wanted at +2ms"}},
		{"extra", "", "(ab~)xc-[de]*|", nil, []string{"1ms: x came at +1ms and was not wanted"}},
		{"extra where nothing is wanted", "---", "-a-", nil, []string{"1ms: a came at +1ms and was not wanted"}},
		{"swapped in an instant", "", "(ba~)-c-[de]*|", nil, []string{"0s: b came before a: wanted ab~, came ba~"}},
		{"swapped in an append", "", "(ab~)-c-[ed]*|", nil, []string{"4ms: e came before d: wanted de, came ed"}},
		{"swapped in time", "a-b-|", "b-a-|", nil, []string{"0s: b and a came in each other's place: a was wanted at +0s, b at +2ms"}},
		{"rotated", "(abc)", "(cab)", nil, []string{"0s: c came before a: wanted abc, came cab"}},
		{"live before it had caught up", "", "(a~b)-c-[de]*|", nil, []string{"0s: ~ came before b: wanted ab~, came a~b"}},
		{"duplicated", "", "(ab~)-c-[de]c|", nil, []string{"5ms: no checkpoint was stored: wanted at +5ms", "5ms: c was delivered twice, at +2ms and +5ms"}},
		{"duplicated at once", "", "(ab~)-(cc)-[de]*|", nil, []string{"2ms: c was delivered twice, at +2ms and +2ms"}},
		{"delivered three times", "a", "aaa", nil, []string{"1ms: a was delivered twice, at +0s and +1ms", "2ms: a was delivered 3 times, at +0s, +1ms and +2ms"}},
		{"more often than wanted", "aa", "aaa", nil, []string{"2ms: a was delivered 3 times, at +0s, +1ms and +2ms; wanted twice"}},
		{"less often than wanted", "a-a", "a--", nil, []string{"2ms: a was delivered once, at +0s; wanted twice, also at +2ms"}},
		{"wrong field", "", "(ab~)-c-[xe]*|", nil, []string{"4ms: x came in the place of d"}},
		{"wrong field under the same letter", "", lane, letters.with("d", sent{"dan", 2}), []string{"4ms: d came with another value than wanted"}},
		{"zero-valued", "", "(ab~)-z-[de]*|", nil, []string{"2ms: z came in the place of c"}},
		{"wrong type", "", "(ab~)-c-[de]*|", letters.with("c", &sent{"cy", 1}), []string{"2ms: c came with another value than wanted"}},
		{"wrong value before another", "(abc)", "(axbc)", nil, []string{"0s: x came at +0s and was not wanted"}},
		{"wrong value and one missing", "(abc)", "(bx)", nil, []string{"0s: a was never delivered", "0s: x came in the place of c"}},
		{"wrong value when another is late", "ab-", "xa-", nil, []string{"0s: a came at +1ms, 1ms late: wanted at +0s", "0s: x came at +0s and was not wanted", "1ms: b was never delivered"}},
		{"early", "", "(ab~)c--[de]*|", nil, []string{"1ms: c came at +1ms, 1ms early: wanted at +2ms"}},
		{"late", "a-b", "--a", nil, []string{"0s: a came at +2ms, 2ms late: wanted at +0s", "2ms: b was never delivered"}},
		{"late by less than a tick", "a-", " 1us a", nil, []string{"0s: a came at +1us, 1us late: wanted at +0s"}},
		{"history as if it were live", "a^-", "^a-", nil, []string{"-1ms: a came at +1ms, 2ms late: wanted at -1ms"}},
		{"missing completion", "", "(ab~)-c-[de]*-", nil, []string{"6ms: did not complete: wanted at +6ms"}},
		{"completion not wanted", "a--", "a-|", nil, []string{"2ms: completed at +2ms, which was not wanted"}},
		{"completed early", "a-|", "a|", nil, []string{"1ms: completed at +1ms, 1ms early: wanted at +2ms"}},
		{"completed late", "a-|", "a---|", nil, []string{"2ms: completed at +4ms, 2ms late: wanted at +2ms"}},
		{"completed though it was to fail", "a-#", "a-|", nil, []string{`2ms: completed at +2ms: it was to fail with "broken pipe" at +2ms`}},
		{"failed though it was to complete", "a-|", "a#", nil, []string{`1ms: failed at +1ms with "broken pipe": it was to complete at +2ms`}},
		{"failed though it was to go on", "a-b", "a#-", nil, []string{`1ms: failed at +1ms with "broken pipe", which was not wanted`, "2ms: b was never delivered"}},
		{"did not fail", "a#", "a-", nil, []string{`1ms: did not fail with "broken pipe": wanted at +1ms`}},
		{"failed early", "a-#", "a#", nil, []string{`1ms: failed at +1ms with "broken pipe", 1ms early: wanted at +2ms`}},
		{"wrong error", "a#", "a#", letters.with("#", errOther), []string{"1ms: failed at +1ms with another error than wanted"}},
		{"wrong error, late", "a#", "a-#", letters.with("#", errOther), []string{"1ms: failed at +2ms with another error than wanted, and 1ms late"}},
		{"an error of the same text", "a#", "a#", letters.with("#", errors.New("broken pipe")), []string{"1ms: failed at +1ms with another error than wanted"}},
		{"an unknown error", "a#", "a#", letters.with("#", nil), []string{"1ms: failed at +1ms with another error than wanted"}},
		{"redelivery not wanted", "", "(ab~)c'c-[de]*|", nil, []string{"1ms: c' was delivered again at +1ms, which was not wanted"}},
		{"redelivered once too often", "c-c'--", "c-c'c'-", nil, []string{"3ms: c' was delivered 3 times, at +0s, +2ms and +3ms; wanted twice"}},
		{"not delivered again", "c-c'", "c--", nil, []string{"2ms: c' was not delivered again"}},
		{"delivered again as if it were new", "c-c'", "c-c", nil, []string{"2ms: c was delivered as if for the first time: wanted again, as c'"}},
		{"new, delivered as a redelivery", "c", "c'", nil, []string{"0s: c' was delivered again: wanted for the first time, as c"}},
		{"never caught up", "(a~)", "a", nil, []string{"0s: was never caught up: wanted at +0s"}},
		{"caught up though not wanted", "a-", "a~", nil, []string{"1ms: was caught up at +1ms, which was not wanted"}},
		{"caught up late", "(a~)-", "a~", nil, []string{"0s: was caught up at +1ms, 1ms late: wanted at +0s"}},
		{"missing checkpoint", "a*", "a-", nil, []string{"1ms: no checkpoint was stored: wanted at +1ms"}},
		{"extra checkpoint", "a-", "a*", nil, []string{"1ms: a checkpoint was stored at +1ms, which was not wanted"}},
		{"no crash", "^a%", "^a-", nil, []string{"2ms: did not crash: wanted at +2ms"}},
		{"a crash", "^a-", "^a%", nil, []string{"2ms: crashed at +2ms, which was not wanted"}},
		{"not subscribed", "^a!", "-a!", nil, []string{"0s: was not subscribed: wanted at +0s"}},
		{"not unsubscribed", "^a!", "^a-", nil, []string{"2ms: was not unsubscribed: wanted at +2ms"}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if c.want == "" {
				c.want = lane
			}
			if c.with == nil {
				c.with = letters
			}
			want, got := valued(t, c.want, letters), valued(t, c.got, c.with)
			differs := texts(marble.Compare(want, got))
			if !slices.Equal(differs, c.differs) {
				t.Errorf("want %s\ngot  %s\n  %s\ninstead of\n  %s", c.want, c.got, strings.Join(differs, "\n  "), strings.Join(c.differs, "\n  "))
			}
		})
	}
}

// What comes after the end can not be written as a lane, but it can happen.
func TestWhatComesAfterTheEndIsNamed(t *testing.T) {
	got := valued(t, "a|", letters)
	for _, c := range []struct {
		want    string
		late    marble.Point
		differs []string
	}{
		{"a|", marble.Point{At: 2 * ms, Kind: marble.Event, Name: "b", Value: letters["b"]}, []string{"2ms: b came at +2ms and was not wanted; by then it had ended"}},
		{"a|", marble.Point{At: 2 * ms, Kind: marble.Event, Name: "a", Value: letters["a"]}, []string{"2ms: a was delivered twice, at +0s and +2ms; by then it had ended"}},
		{"a|", sign(2*ms, marble.Complete), []string{"2ms: completed at +2ms, which was not wanted; by then it had ended"}},
		{"a|", sign(2*ms, marble.Failed), []string{"2ms: failed at +2ms, which was not wanted; by then it had ended"}},
		{"(ab)|", marble.Point{At: 2 * ms, Kind: marble.Event, Name: "b", Value: letters["b"]}, []string{"0s: b came at +2ms, 2ms late: wanted at +0s; by then it had ended"}},
		{"a(b|)", marble.Point{At: ms, Kind: marble.Event, Name: "b", Value: letters["b"]}, []string{"1ms: | came before b: wanted b|, came |b"}},
	} {
		l := got
		l.Points = append(slices.Clone(got.Points), c.late)
		if differs := texts(marble.Compare(valued(t, c.want, letters), l)); !slices.Equal(differs, c.differs) {
			t.Errorf("want %s: got %q, want %q", c.want, differs, c.differs)
		}
	}
}

func TestOnlyTheValueThatIsWrongIsShown(t *testing.T) {
	want, got := valued(t, "(abc)d", letters), valued(t, "(abc)x", letters)
	found := marble.Compare(want, got)
	if len(found) != 1 || !strings.Contains(found[0].Values, "copy: 1") || !strings.Contains(found[0].Values, "copy: 2") || strings.Contains(found[0].Values, "ann") {
		t.Errorf("got %+v", found)
	}
	found = marble.Compare(valued(t, "#", letters), valued(t, "#", letters.with("#", errOther)))
	if want := "- broken pipe (*errors.errorString)\n+ timeout (*errors.errorString)\n"; len(found) != 1 || found[0].Values != want {
		t.Errorf("got %+v, want %q", found, want)
	}
}

func TestPositionsAreSaid(t *testing.T) {
	want, got := valued(t, "(ab)", letters), valued(t, "a-b", letters)
	got.Points[1].Note = "position 5"
	differs := texts(marble.Compare(want, got))
	if !slices.Equal(differs, []string{"0s: b (position 5) came at +2ms, 2ms late: wanted at +0s"}) {
		t.Errorf("got %q", differs)
	}
}

// What is not compared, and what counts as the same.
func TestLanesAreTheSame(t *testing.T) {
	wrapped := fmt.Errorf("send: %w", errBroken)
	for _, c := range []struct {
		claim             string
		want, got         string
		wantWith, gotWith values
	}{
		{"nothing", "", "", letters, letters},
		{"the same", "^(ab~)-[cd]c'*!^%^|", "^(ab~)-[cd]c'*!^%^|", letters, letters},
		{"letters differ", "(ab)", "(cd)", values{"a": 1, "b": 2}, values{"c": 1, "d": 2}},
		{"appended together or not", "[ab]", "(ab)", letters, letters},
		{"watched longer", "a", "a---", letters, letters},
		{"an error that wraps the wanted one", "#", "#", letters, values{"#": wrapped}},
		{"any error", "#", "#", nil, values{"#": errOther}},
		{"an error by its type", "#", "#", values{"#": failing{}}, values{"#": fmt.Errorf("x: %w", &marble.SyntaxError{})}},
		{"values that are not known", "(ab)", "(ab)", nil, letters},
		{"values that are not known here", "(ab)", "(ab)", letters, nil},
		{"what a function wants", "(ab)", "(cd)", values{"a": odd{}, "b": 2}, values{"c": 1, "d": 2}},
		{"what wants anything before what it also wants", "(aab)", "(bbb)", values{"a": wild{}, "b": 2}, values{"b": 2}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if differs := marble.Compare(valued(t, c.want, c.wantWith), valued(t, c.got, c.gotWith)); differs != nil {
				t.Errorf("got %q, want no difference", texts(differs))
			}
		})
	}
}

func TestWhatAFunctionSaysIsSaid(t *testing.T) {
	for _, c := range []struct {
		want, got         string
		wantWith, gotWith values
		differs           []string
	}{
		{"a", "b", values{"a": odd{}}, values{"b": 2}, []string{"0s: b came in the place of a: 2 is not odd"}},
		{"--a", "b-c", values{"a": odd{}}, values{"b": 1, "c": 3}, []string{"0s: b came at +0s and was not wanted"}},
		{"a", "-b", values{"a": odd{}}, values{"b": 1}, []string{"0s: a came at +1ms, 1ms late: wanted at +0s"}},
		{"a", "b", values{"a": panicking{}}, values{"b": 2}, []string{"0s: b came in the place of a: comparing them panicked: no idea"}},
		{"#", "#", values{"#": failing{}}, values{"#": errOther}, []string{"0s: failed at +0s with another error than wanted: timeout is no *SyntaxError"}},
		{"#", "-", values{"#": failing{}}, nil, []string{"0s: did not fail: wanted at +0s"}},
		{"(ab)", "b", values{"a": odd{}, "b": 1}, values{"b": 1}, []string{"0s: b was never delivered"}},
	} {
		differs := texts(marble.Compare(valued(t, c.want, c.wantWith), valued(t, c.got, c.gotWith)))
		if !slices.Equal(differs, c.differs) {
			t.Errorf("want %s, got %s\n  got  %q\n  want %q", c.want, c.got, differs, c.differs)
		}
	}
}

// No two lanes are the same unless they say the same. Breaks when: something is
// paired and not described.
func TestNothingThatDiffersIsOverlooked(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	differ := 0
	for range 20_000 {
		a, errA := marble.Parse(randomText(r), ms)
		b, errB := marble.Parse(randomText(r), ms)
		if errA != nil || errB != nil {
			continue
		}
		same := slices.EqualFunc(a.Points, b.Points, func(p, q marble.Point) bool {
			p.Append, q.Append = 0, 0
			return p == q
		})
		found := marble.Compare(a, b)
		if same != (len(found) == 0) {
			t.Fatalf("%s and %s: got %q", a.Text(ms), b.Text(ms), texts(found))
		}
		if !same {
			differ++
		}
		if !slices.IsSortedFunc(found, func(d, e marble.Difference) int { return int(d.At - e.At) }) {
			t.Fatalf("%s and %s: out of order: %q", a.Text(ms), b.Text(ms), texts(found))
		}
	}
	if differ < 5000 {
		t.Errorf("only %d pairs of lanes were different", differ)
	}
}

// long is a lane of n events, from one on, some of them at once.
func long(n, from int) (l marble.Lane) {
	for i := range n {
		l.Points = append(l.Points, marble.Point{At: time.Duration(i/3) * ms, Kind: marble.Event, Name: "a", Value: sent{"ann", from + i}})
	}
	return l
}

// Breaks when: the lanes are compared in a table of one by the other, which
// would take 800 MB.
func TestLongLanesTakeLittleMemory(t *testing.T) {
	want, got := long(10_000, 0), long(10_000, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := marble.Compare(want, got)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
		t.Errorf("comparing took %d MB", used>>20)
	}
	if len(found) < 3000 {
		t.Errorf("found only %d differences", len(found))
	}
}
