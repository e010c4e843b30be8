package operators

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// rxOwn makes a case of our own of its JSON.
func rxOwn(t *testing.T, text string) *rxCase {
	t.Helper()
	c := &rxCase{ID: "own"}
	if err := json.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTheOracleTellsWrongFromRight: each of these differs from what happens in one
// thing, and must be told.
// Breaks when: the oracle compares values only, or does not look at subscriptions.
func TestTheOracleTellsWrongFromRight(t *testing.T) {
	const right = `{"Op":"take","Args":{"n":2},"Inputs":[{"Name":"a","Kind":"hot","Marbles":"-x-^-p--q--r-|"}],
		"Expected":"--p--(q|)","Subs":{"a":["^----!"]}}`
	if problems := rxPlay(t, rxOwn(t, right)); len(problems) > 0 {
		t.Fatalf("got %q, want none", problems)
	}
	for claim, change := range map[string][2]string{
		"a value too early":        {`--p--(q|)`, `---p-(q|)`},
		"a value too late":         {`--p--(q|)`, `-p---(q|)`},
		"another value":            {`--p--(q|)`, `--p--(r|)`},
		"values the other way":     {`--p--(q|)`, `--q--(p|)`},
		"a value missing":          {`--p--(q|)`, `--p--(qr|)`},
		"a value too many":         {`--p--(q|)`, `-----(q|)`},
		"a completion missing":     {`--p--(q|)`, `--p--q--|`},
		"a completion too many":    {`--p--(q|)`, `--p--q---`},
		"an error for completion":  {`--p--(q|)`, `--p--(q#)`},
		"a value that is a number": {`"Subs"`, `"ExpectedValues":{"p":1},"Subs"`},
		"let go too late":          {`^----!`, `^---!`},
		"not let go":               {`^----!`, `^------`},
		"subscribed too early":     {`^----!`, `-^---!`},
		"subscribed once more":     {`["^----!"]`, `["^----!","-----^-!"]`},
		"subscribed at all":        {`["^----!"]`, `[]`},
	} {
		changed := strings.Replace(right, change[0], change[1], 1)
		if problems := rxPlay(t, rxOwn(t, changed)); changed == right || len(problems) != 1 {
			t.Errorf("%s: got %q, want it to be told", claim, problems)
		}
	}
}

// TestTheOracleKeepsTheOrderWithinAFrame: who leaves comes first, then hot inputs
// in their order, then cold ones.
func TestTheOracleKeepsTheOrderWithinAFrame(t *testing.T) {
	for claim, text := range map[string]string{
		"hot before cold": `{"Op":"merge","Args":{"sources":["c","h"]},"Inputs":[
			{"Name":"c","Kind":"cold","Marbles":"--c---|"},{"Name":"h","Kind":"hot","Marbles":"--h---|"}],"Expected":"--(hc)|"}`,
		"cold ones in the order of the inputs": `{"Op":"merge","Args":{"sources":["b","a"]},"Inputs":[
			{"Name":"a","Kind":"cold","Marbles":"--(ab)-|"},{"Name":"b","Kind":"cold","Marbles":"--c----|"}],"Expected":"--(abc)|"}`,
		"who leaves sees nothing of the frame": `{"Op":"map","Args":{"project":"identity"},"Inputs":[
			{"Name":"a","Kind":"hot","Marbles":"-x-y-"}],"Expected":"-x","Unsub":"---!","Subs":{"a":["^--!"]}}`,
		"what is subscribed later counts from then": `{"Op":"concatMap","Args":{"project":{"x":"i","y":"i"}},"Inputs":[
			{"Name":"a","Kind":"cold","Marbles":"-x---y 2s |"},{"Name":"i","Kind":"cold","Marbles":"(p|)"}],
			"Expected":"-p---p 2s |","Subs":{"i":["-(^!)","-----(^!)"]}}`,
	} {
		if problems := rxPlay(t, rxOwn(t, text)); len(problems) > 0 {
			t.Errorf("%s: %q", claim, problems)
		}
	}
}

// Timers come after what the script does in their frame, whenever they were set.
// Breaks when: the script does not come earlier from instant to instant (sleep
// until the frame itself).
func TestTimersOfTheOracleComeLastInAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRxWorld()
		points, _, err := rxParse("-a-b-c-d-e-f-g-h", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		in := w.input(points, true).observable()
		twoLater := MergeMap(in, 0, func(v any) rxStream {
			return Map(Timer(2*time.Millisecond), func(int) any { return v.(string) + "'" })
		})
		var watch *rxWatch
		w.play(20, map[int][]func(){0: {func() { watch = w.watch(Merge(twoLater, in)) }}}, func() bool { return false })
		watch.leave()
		got, want := fmt.Sprint(watch.points), `[1:"a" 3:"b" 3:"a'" 5:"c" 5:"b'" 7:"d" 7:"c'" 9:"e" 9:"d'" 11:"f" 11:"e'" 13:"g" 13:"f'" 15:"h" 15:"g'" 17:"h'"]`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
