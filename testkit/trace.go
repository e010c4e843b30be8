package testkit

import (
	"strings"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// Trace fails the test unless what is wanted is the tree of an event's story, as
// [replay.Trace] makes it of the log: the same for the same commands, also after a
// crash. In what is wanted, empty lines around it do not count, nor does the
// indentation that all lines share.
func Trace(t testing.TB, log stream.Log, event stream.EventID, want string) {
	t.Helper()
	graph, err := replay.Trace(t.Context(), log, event)
	if err != nil {
		tell(t, "%s: %v", caller(), err)
		return
	}
	if want, got := unindented(want), graph.Tree(); want != got {
		tell(t, "%s: the story of the event is another one\nwant:\n%s\ngot:\n%s", caller(), want, got)
	}
}

// unindented is text without the empty lines around it and the tabs and spaces that
// all its lines begin with.
func unindented(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return ""
	}
	shared := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " \t"))]
	for _, line := range lines {
		for !strings.HasPrefix(line, shared) {
			shared = shared[:len(shared)-1]
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(line, shared), " \t")
	}
	return strings.Join(lines, "\n") + "\n"
}
