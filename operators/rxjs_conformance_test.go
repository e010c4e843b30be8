package operators

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// rxjsComplete is whether every operator of the cases must be there. Until it is
// set, a missing one is only reported.
const rxjsComplete = true

// rxCase is one case of the file that THAW_RXJS_CASES names.
type rxCase struct {
	ID             string
	Op             string
	Args           map[string]json.RawMessage
	Inputs         []rxCaseInput
	On             string
	Expected       string
	ExpectedValues map[string]any
	ExpectedError  any
	Unsub          string
	Subs           map[string][]string
	Subscribers    []rxSubscriber
}

type rxCaseInput struct {
	Name, Kind, Marbles string
	Values              map[string]any
	Error               any
}

// rxSubscriber is one of several subscribers to one result.
type rxSubscriber struct {
	Sub, Expected  string
	ExpectedValues map[string]any
	ExpectedError  any
}

// rxBench is a case with its inputs laid out.
type rxBench struct {
	*rxCase
	world  *rxWorld
	inputs map[string]*rxInput
}

// rxOperator builds what a case speaks of.
type rxOperator func(b *rxBench) rxStream

// rxFamilies are the operators that there are, by RxJS's names.
var rxFamilies = []map[string]rxOperator{
	rxTransform, rxSelect, rxTest, rxCombining, rxTimes, rxFailures, rxShares, rxGroups,
}

func rxFind(op string) rxOperator {
	for _, family := range rxFamilies {
		if f := family[op]; f != nil {
			return f
		}
	}
	return nil
}

// input is an input by its name.
func (b *rxBench) input(name string) rxStream {
	in, ok := b.inputs[name]
	if !ok {
		panic("no input " + name)
	}
	return in.observable()
}

// source is the input that the operator is applied to.
func (b *rxBench) source() rxStream {
	if b.On != "" {
		return b.input(b.On)
	}
	return b.input(b.Inputs[0].Name)
}

func (b *rxBench) has(arg string) bool { _, ok := b.Args[arg]; return ok }

// rxArg reads an argument; one that was not given is the zero value.
func rxArg[T any](b *rxBench, name string) (value T) {
	if raw, ok := b.Args[name]; ok {
		if err := json.Unmarshal(raw, &value); err != nil {
			panic(fmt.Sprintf("%s: argument %s: %v", b.ID, name, err))
		}
	}
	return value
}

func (b *rxBench) text(arg string) string { return rxArg[string](b, arg) }
func (b *rxBench) int(arg string) int     { return rxArg[int](b, arg) }

// named are the inputs that an argument lists.
func (b *rxBench) named(arg string) (list []rxStream) {
	for _, name := range rxArg[[]string](b, arg) {
		list = append(list, b.input(name))
	}
	return list
}

// inner is what the mapping operators make of a value.
func (b *rxBench) inner() func(any) rxStream {
	project, throws := rxArg[map[string]string](b, "project"), rxArg[[]string](b, "throwsOn")
	product := b.text("combine") == "product"
	return func(v any) rxStream {
		key := rxStr(v)
		if slices.Contains(throws, key) {
			rxThrow()
		}
		o := b.input(project[key])
		if product {
			o = Map(o, func(i any) any { return rxNum(i) * rxNum(v) })
		}
		return o
	}
}

func TestRxJS(t *testing.T) {
	path := os.Getenv("THAW_RXJS_CASES")
	if path == "" {
		t.Skip("THAW_RXJS_CASES does not name a file of cases")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []*rxCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	tally := &rxTally{excused: rxExcused(t), ops: map[string]*rxCount{}}
	for _, c := range cases {
		tally.play(t, c)
	}
	tally.report(t)
}

// rxTally counts how the cases went, by operator.
type rxTally struct {
	excused map[string]bool
	ops     map[string]*rxCount
}

type rxCount struct {
	ran, passed, excused int
	missing              bool
}

func (y *rxTally) play(t *testing.T, c *rxCase) {
	n := y.ops[c.Op]
	if n == nil {
		n = &rxCount{}
		y.ops[c.Op] = n
	}
	n.ran++
	excused := y.excused[c.ID]
	if excused {
		n.excused++
	}
	if rxFind(c.Op) == nil {
		n.missing = true
		if rxjsComplete && !excused {
			t.Errorf("%s: there is no operator %s", c.ID, c.Op)
		}
		return
	}
	t.Run(c.ID, func(t *testing.T) {
		problems := rxPlay(t, c)
		switch {
		case excused && len(problems) == 0:
			t.Error("docs/rxjs.md lists this case, but it passes")
		case !excused && len(problems) > 0:
			t.Errorf("%s\n%s", c.describe(), strings.Join(problems, "\n"))
		case !excused:
			n.passed++
		}
	})
}

func (y *rxTally) report(t *testing.T) {
	var all rxCount
	for _, op := range slices.Sorted(maps.Keys(y.ops)) {
		n := y.ops[op]
		all.ran, all.passed, all.excused = all.ran+n.ran, all.passed+n.passed, all.excused+n.excused
		switch {
		case n.missing:
			t.Logf("%-22s %3d cases: operator missing", op, n.ran)
		default:
			t.Logf("%-22s %3d of %3d passed, %d listed in docs/rxjs.md", op, n.passed, n.ran, n.excused)
		}
	}
	t.Logf("%d cases of %d operators: %d passed, %d listed in docs/rxjs.md", all.ran, len(y.ops), all.passed, all.excused)
}

// rxListed is a row of the page that names a case.
var rxListed = regexp.MustCompile(`(?m)^\| ([A-Za-z]+-[0-9]+) \|`)

// rxExcused reads the page of what differs from RxJS.
func rxExcused(t *testing.T) map[string]bool {
	page, err := os.ReadFile("../docs/rxjs.md")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range rxListed.FindAllStringSubmatch(string(page), -1) {
		ids[m[1]] = true
	}
	return ids
}

func (c *rxCase) describe() string {
	var b strings.Builder
	args, _ := json.Marshal(c.Args)
	fmt.Fprintf(&b, "%s %s on %q", c.Op, args, c.On)
	for _, in := range c.Inputs {
		fmt.Fprintf(&b, "\n  %-4s %-8s %s", in.Kind, in.Name, in.Marbles)
	}
	fmt.Fprintf(&b, "\n  expected      %s", c.Expected)
	return b.String()
}

// rxPlay plays a case and says what went otherwise.
func rxPlay(t *testing.T, c *rxCase) (problems []string) {
	synctest.Test(t, func(t *testing.T) {
		b := &rxBench{rxCase: c, world: newRxWorld(), inputs: map[string]*rxInput{}}
		last := 0
		for _, in := range c.Inputs {
			points, end, err := rxParse(in.Marbles, in.Values, in.Error)
			if err != nil {
				t.Fatal(err)
			}
			last += end
			b.inputs[in.Name] = b.world.input(points, in.Kind == "hot")
		}
		problems = b.watch(t, last, rxFind(c.Op)(b))
	})
	return problems
}

// watch subscribes to the result as the case says, and compares.
func (b *rxBench) watch(t *testing.T, last int, result rxStream) (problems []string) {
	subscribers := b.Subscribers
	if subscribers == nil {
		sub := "^"
		if b.Unsub != "" {
			sub = b.Unsub
		}
		subscribers = []rxSubscriber{{sub, b.Expected, b.ExpectedValues, b.ExpectedError}}
	}
	watches, acts := make([]*rxWatch, len(subscribers)), map[int][]func(){}
	for i, s := range subscribers {
		span, err := rxParseSpan(s.Sub)
		if err != nil {
			t.Fatal(err)
		}
		acts[span.from] = append(acts[span.from], func() { watches[i] = b.world.watch(result) })
		if span.to != never {
			acts[span.to] = append(acts[span.to], func() { watches[i].leave() })
		}
		_, end, err := rxParse(s.Expected, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		last = max(last, end, span.from, span.to)
	}
	const grace = 100 // frames in which what comes too late is seen
	b.world.play(last+grace, acts, func() bool {
		return !slices.ContainsFunc(watches, func(w *rxWatch) bool { return w == nil || !w.over() })
	})
	b.world.settle()            // what a timer did last, too
	problems = b.compareSubs(t) // before the rest is let go
	for i, w := range watches {
		w.leave()
		problems = append(problems, b.comparePoints(t, subscribers[i], w.points)...)
	}
	return problems
}

func (b *rxBench) comparePoints(t *testing.T, s rxSubscriber, got []rxPoint) (problems []string) {
	want, _, err := rxParse(s.Expected, s.ExpectedValues, s.ExpectedError)
	if err != nil {
		t.Fatal(err)
	}
	if b.Op == "windowCount" || b.Op == "groupBy" && b.text("output") != "keys" {
		rxNest(t, want)
	}
	if a, z := fmt.Sprint(got), fmt.Sprint(want); a != z {
		problems = append(problems, fmt.Sprintf("  got  %s\n  want %s", a, z))
	}
	return problems
}

// rxNest turns the values of streams of streams into what the streams do.
func rxNest(t *testing.T, points []rxPoint) {
	for i, p := range points {
		described, ok := p.value.(map[string]any)
		if !ok {
			continue
		}
		values, _ := described["values"].(map[string]any)
		inner, _, err := rxParse(described["marbles"].(string), values, described["error"])
		if err != nil {
			t.Fatal(err)
		}
		points[i].value = &rxNested{key: described["key"], points: inner}
	}
}

func (b *rxBench) compareSubs(t *testing.T) (problems []string) {
	for _, name := range slices.Sorted(maps.Keys(b.Subs)) {
		want := []rxSpan{}
		for _, marbles := range b.Subs[name] {
			span, err := rxParseSpan(marbles)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, span)
		}
		got := []rxSpan{}
		for _, s := range b.inputs[name].subs {
			got = append(got, s.span)
		}
		if !reflect.DeepEqual(got, want) {
			problems = append(problems, fmt.Sprintf("  %s was subscribed %v, want %v", name, got, want))
		}
	}
	return problems
}
