package property

import (
	"errors"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// failed ends the test with an error that a command must not lead to.
func (tr *trial[C, E, S]) failed(err error) {
	var panicked *stream.PanicError
	if errors.As(err, &panicked) {
		tr.fail(fmt.Sprintf("%s panicked: %v", panicked.Stage, panicked.Value), "")
	}
	tr.fail("the command could not be handled: "+err.Error(), "")
}

// fail ends the test: what is wrong, the story, and the details.
func (tr *trial[C, E, S]) fail(what, details string) {
	tr.t.Fatalf("%s\n%s%s", what, tr.story(), strings.TrimRight(details, "\n"))
}

// story is what had happened to the instance, what it was asked, and what that
// led to.
func (tr *trial[C, E, S]) story() string {
	var b strings.Builder
	lines := func(label string, list []string) {
		for _, line := range list {
			fmt.Fprintf(&b, "  %-5s  %s\n", label, line)
			label = ""
		}
	}
	var given []string
	for i := range tr.before {
		given = append(given, showRecord(&tr.before[i]))
	}
	if len(given) == 0 {
		given = []string{"nothing"}
	}
	lines("given", given)
	if tr.ended {
		return b.String()
	}
	lines("when", []string{value.Show(tr.step.Command)})
	if tr.step.Rival != nil && tr.rival == nil {
		lines("while", []string{value.Show(*tr.step.Rival) + ", by somebody who is faster"})
	}
	var then []string
	for _, e := range tr.decided {
		if rec, err := tr.decider.Topic.Encode(e); err == nil {
			then = append(then, showRecord(&rec))
		} else {
			then = append(then, value.Show(e))
		}
	}
	lines("then", then)
	return b.String()
}

func showRecord(r *stream.Record) string { return r.Type + " " + string(r.Data) }

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
