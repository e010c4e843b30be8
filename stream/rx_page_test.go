package stream_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/reactivex/rxgo/v2"
)

// Another package of the test binary may have defined it before.
var _ = func() bool {
	if flag.Lookup("update") == nil {
		flag.Bool("update", false, "write docs/rxgo.md as the tests find it")
	}
	return true
}()

const rxPage = "../docs/rxgo.md"

// Every method of rxgo.Observable is in the table, so that the page is complete.
//
// Breaks when: a case is taken out of rxMethods.
func TestTheRxgoPageHasEveryOperator(t *testing.T) {
	listed := map[string]int{"Observe": 1} // what the doors themselves call
	for _, c := range rxMethods {
		listed[c.name]++
	}
	all := reflect.TypeFor[rxgo.Observable]()
	for i := range all.NumMethod() {
		name := all.Method(i).Name
		if listed[name] != 1 {
			t.Errorf("%s is listed %d times, want once", name, listed[name])
		}
	}
	if len(rxFactories) != 17 {
		t.Errorf("got %d factories, want rxgo's 17", len(rxFactories))
	}
}

// The tables of docs/rxgo.md say what the probes find. With -update they are
// written.
//
// Breaks when: end does not wait for the sources; options does not give the run's
// context; BackOffRetry gets it; a verdict of the page is edited.
func TestRxgoPage(t *testing.T) {
	if testing.Short() {
		t.Skip("asks 600 questions in child processes")
	}
	page, err := os.ReadFile(rxPage)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(page), "\r\n", "\n")
	found := rxAskAll(t)
	got := rxReplace(t, want, "methods", rxTable(rxMethods, found))
	got = rxReplace(t, got, "factories", rxTable(rxFactories, found[len(rxMethods):]))
	switch {
	case got == want:
	case flag.Lookup("update").Value.String() == "true":
		if err := os.WriteFile(rxPage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/rxgo.md does not say what rxgo does; if what it does now is right, run this test with -update\n%s", cmp.Diff(want, got))
	}
}

// rxReplace puts a table between its two comments in the page.
func rxReplace(t *testing.T, page, name, table string) string {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("docs/rxgo.md: expected %q and %q", begin, end)
	}
	return before + begin + table + end + after
}

// rxVerdict is what all probes of one case found.
type rxVerdict struct {
	wrong    []string
	function bool
}

func (v *rxVerdict) add(what string) {
	if what != "" && !slices.Contains(v.wrong, what) {
		v.wrong = append(v.wrong, what)
	}
}

// rxAskAll asks every question, in as many child processes as it takes.
func rxAskAll(t *testing.T) []rxVerdict {
	verdicts := make([]rxVerdict, len(rxMethods)+len(rxFactories))
	for from, all := 0, rxQuestions(); from < len(all); {
		answers, done := rxAsk(t, from)
		for _, a := range answers {
			q, v := all[a.Index], &verdicts[a.Index/len(rxProbes)]
			v.add(a.Wrong)
			v.function = v.function || a.Bombed
			if a.Leaks {
				v.add("leaves a goroutine behind when " + q.when())
			}
			from = a.Index + 1
			if a.Spins {
				v.add("keeps a processor busy while it waits")
				from = (a.Index/len(rxProbes) + 1) * len(rxProbes)
			}
		}
		if done {
			break
		}
		if n := len(answers); n > 0 && (answers[n-1].Leaks || answers[n-1].Spins) {
			continue
		}
		for all[from].skipped() {
			from++
		}
		verdicts[from/len(rxProbes)].add("ends the process when " + all[from].when())
		from++
	}
	return verdicts
}

func (q rxQuestion) skipped() bool { return q.skip != nil && q.skip(q.rxCase) }

// when is the question as the end of a sentence.
func (q rxQuestion) when() string {
	return map[string]string{
		"result": "the source completes", "again": "it is run again", "error first": "the source fails", "error later": "the source fails",
		"left early": "its consumer leaves", "live": "its context ends", "panic": "its function panics",
	}[q.rxProbe.name]
}

// rxAsk runs one child process from a question on, and reports whether it came
// to the end.
func rxAsk(t *testing.T, from int) (answers []rxFound, done bool) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRxProbe$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", rxProbeEnv, from))
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if data, ok := strings.CutPrefix(line, "rxprobe "); ok {
			var a rxFound
			if err := json.Unmarshal([]byte(data), &a); err != nil {
				t.Fatal(err)
			}
			answers = append(answers, a)
		}
	}
	return answers, err == nil && strings.HasSuffix(strings.TrimSpace(string(out)), "PASS")
}

func rxTable(cases []rxCase, found []rxVerdict) string {
	var b strings.Builder
	b.WriteString("| rxgo | safe | what the tests find | of Thaw |\n| --- | --- | --- | --- |\n")
	for i, c := range cases {
		v := found[i]
		safe, notes := "yes", v.wrong
		switch {
		case len(notes) > 0:
			safe = "**no**"
		case c.note != "":
			safe = "with care"
		case c.beside:
			safe, notes = "beside", []string{"no stage: it consumes, so it runs the source once more"}
		case c.when == atEnd:
			safe, notes = "at the end", []string{"answers when its source has ended"}
		}
		if c.note != "" {
			notes = append(notes, "*"+c.note+"*")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.name, safe, strings.Join(notes, "; "), c.instead)
	}
	return b.String()
}
