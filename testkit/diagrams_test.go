package testkit_test

import (
	"os"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/golden"
)

// The README's diagrams are golden files of passing tests.
func TestTheDiagramsOfTheReadme(t *testing.T) {
	diagrams := map[string]func(b *testkit.Board){
		"three-sources": func(b *testkit.Board) {
			testkit.Events(b, "log", mails, "ab ^ - c - [de] - |", letters)
			testkit.Expect(b, "Cold", replay.Cold(b.Log(), mails), "(ab|)")
			testkit.Expect(b, "ColdHot", replay.ColdHot(b.Log(), mails), "(ab~) - c - [de] - |")
			testkit.Expect(b, "Hot", replay.Hot(b.Log(), mails), "- - c - [de] - |")
		},
		"at-least-once": func(b *testkit.Board) {
			testkit.Events(b, "log", mails, "^ a b c - -  d |", letters)
			testkit.Expect(b, "Hot", replay.Hot(b.Log(), mails), "- a b c - c' d |").Subscribed("^ - * - % ^")
		},
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, lay := range diagrams {
		t.Run(name, func(t *testing.T) {
			trace := testkit.Marbles(t, lay)
			golden.Check(t, name, trace)
			lanes, _, _ := strings.Cut(trace.Text(), "\n\n")
			if !strings.Contains(string(readme), strings.TrimRight(lanes, "\n")) {
				t.Errorf("the README does not show\n%s", lanes)
			}
			if !strings.Contains(string(readme), "testkit/testdata/"+name+".svg") {
				t.Errorf("the README does not show the picture %s.svg", name)
			}
		})
	}
}
