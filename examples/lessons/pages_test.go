package lessons

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const pages = "../../docs/lessons"

// page is one lesson's page, and all that it must agree with.
type page struct {
	number  string // "03"
	name    string // "03-cold"
	text    string
	source  string // of the lesson's test
	library string
	diagram string // as text
}

// TestThePages compares the pages with the tests that they are about. With
// -update it first puts the diagrams that were drawn into the pages.
//
// Breaks when: any of TestThePagesTestFindsLies.
func TestThePages(t *testing.T) {
	list := readPages(t)
	if len(list) != 12 {
		t.Fatalf("got %d lessons, want 12", len(list))
	}
	for _, p := range list {
		t.Run(p.name, func(t *testing.T) {
			for _, complaint := range p.check() {
				t.Error(complaint)
			}
		})
	}
	t.Run("the list has them all", func(t *testing.T) {
		index := readFile(t, filepath.Join(pages, "README.md"))
		for _, p := range list {
			if link := "[" + p.title() + "](" + p.name + ".md)"; !strings.Contains(index, link) {
				t.Errorf("README.md has no %s", link)
			}
		}
		for _, complaint := range deadLinks(index) {
			t.Error(complaint)
		}
	})
	t.Run("lesson 6 shows what the compiler says", func(t *testing.T) {
		if !strings.Contains(flat(list[5].text), flat(refusal)) {
			t.Errorf("the page does not show: %s", refusal)
		}
	})
}

// TestThePagesTestFindsLies tells a page one lie after another.
func TestThePagesTestFindsLies(t *testing.T) {
	good := readPages(t)[2]
	for _, lie := range []struct{ claim, old, new, want string }{
		{"the code is not the test's", `"(ab|)")`, `"(ba|)")`, "is not in the test"},
		{"a line of code is missing", "\ttestkit.Events(", "\t//", "is not in the test"},
		{"the diagram is not what was drawn", "(abc|)", "(ab|)", "diagram"},
		{"the picture is another lesson's", "testdata/03-", "testdata/04-", "picture"},
		{"the exercise has no solution", "TestExercise03", "TestExercise33", "solution"},
		{"a link leads nowhere", "04-cold-hot.md", "04-cool.md", "leads nowhere"},
		{"the title is another lesson's", "# Lesson 3", "# Lesson 4", "title"},
	} {
		t.Run(lie.claim, func(t *testing.T) {
			p := good
			p.text = strings.ReplaceAll(p.text, lie.old, lie.new)
			if p.text == good.text {
				t.Fatalf("the page has no %q to lie about", lie.old)
			}
			if got := strings.Join(p.check(), "\n"); !strings.Contains(got, lie.want) {
				t.Errorf("got %q, want a complaint with %q", got, lie.want)
			}
		})
	}
}

func readPages(t *testing.T) (list []page) {
	t.Helper()
	tests, err := filepath.Glob("[0-9][0-9]_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	library := readFile(t, "library.go")
	for _, test := range tests {
		name := strings.ReplaceAll(strings.TrimSuffix(test, "_test.go"), "_", "-")
		p := page{number: name[:2], name: name, library: library, source: readFile(t, test)}
		p.diagram = readFile(t, filepath.Join("testdata", name+".marble"))
		path := filepath.Join(pages, name+".md")
		p.text = readFile(t, path)
		if updating() {
			p.text = strings.Replace(p.text, p.drawing(), p.diagram, 1)
			if err := os.WriteFile(path, []byte(p.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, p)
	}
	return list
}

// updating reports whether -update was given, which package golden looks at.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// check returns all in which the page is not true.
func (p page) check() (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	if want := fmt.Sprintf("Lesson %s: ", strings.TrimPrefix(p.number, "0")); !strings.HasPrefix(p.title(), want) {
		complain("the title is %q, want it to begin with %q", p.title(), want)
	}
	if picture := "](../../examples/lessons/testdata/" + p.name + ".svg)"; !strings.Contains(p.text, picture) {
		complain("there is no picture %q", picture)
	}
	if p.drawing() != p.diagram {
		complain("the diagram is\n%s\nbut what was drawn is\n%s", p.drawing(), p.diagram)
	}
	blocks := p.blocks("go")
	for _, block := range blocks {
		for paragraph := range strings.SplitSeq(block, "\n\n") {
			if !hasLines(p.source, paragraph) && !hasLines(p.library, paragraph) {
				complain("this code is not in the test of the lesson, nor in library.go:\n%s", paragraph)
			}
		}
	}
	if lesson := "func TestLesson" + p.number; !strings.Contains(strings.Join(blocks, ""), lesson) {
		complain("the page does not show %s", lesson)
	}
	solution := regexp.MustCompile(`TestExercise` + p.number + `\w*`).FindString(p.text)
	if solution == "" || !strings.Contains(p.source, "func "+solution+"(") {
		complain("the solution %q is not in the test of the lesson", solution)
	}
	return append(complaints, deadLinks(p.text)...)
}

func (p page) title() string {
	title, _, _ := strings.Cut(strings.TrimPrefix(p.text, "# "), "\n")
	return title
}

// drawing is the diagram on the page.
func (p page) drawing() string {
	if all := p.blocks("text"); len(all) > 0 {
		return all[0]
	}
	return ""
}

// blocks are the page's blocks of a language.
func (p page) blocks(language string) (list []string) {
	for _, block := range strings.Split(p.text, "\n```"+language+"\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		list = append(list, block)
	}
	return list
}

// hasLines reports whether a paragraph stands in a source, line for line, however
// far it is indented.
func hasLines(source, paragraph string) bool {
	return strings.Contains("\n"+unindented(source)+"\n", "\n"+unindented(paragraph)+"\n")
}

func unindented(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

var (
	code = regexp.MustCompile("(?s)```.*?```|`[^`]*`")
	link = regexp.MustCompile(`\]\(([^)#]+)\)`)
)

// deadLinks are links of a page to files that are not there.
func deadLinks(text string) (complaints []string) {
	targets := link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1)
	slices.SortFunc(targets, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	for _, target := range targets {
		if strings.Contains(target[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(pages, target[1])); err != nil {
			complaints = append(complaints, fmt.Sprintf("the link %s leads nowhere", target[1]))
		}
	}
	return complaints
}
