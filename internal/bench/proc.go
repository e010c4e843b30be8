package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxCase is how long one case may take before it is ended.
const maxCase = 10 * time.Minute

// runner runs cases, each in a child process of its own, beneath one directory.
type runner struct {
	program string // this program
	root    string // everything is beneath it
	sizes   sizes
	stderr  io.Writer

	profiles string // where CPU profiles go; empty: nowhere
}

// dataDir is where the data set of that name is.
func (r *runner) dataDir(name string) string {
	return filepath.Join(r.root, "data", strings.Map(plain, name))
}

// plain keeps of a name what is harmless in a file's name.
func plain(c rune) rune {
	c = unicode.ToLower(c)
	if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
		return c
	}
	return '-'
}

// run runs a case to its end in a child and returns what it measured. prefix, if
// any, is a command that runs the child.
func (r *runner) run(b benchmark, prefix ...string) (metrics, error) {
	dir, remove, err := r.place(b)
	if err != nil {
		return nil, err
	}
	defer remove()
	var out bytes.Buffer
	child := r.child(b.name, dir)
	if len(prefix) > 0 {
		child = exec.Command(prefix[0], append(prefix[1:], child.Args...)...)
	}
	child.Stdout, child.Stderr = &out, r.stderr
	if err := child.Start(); err != nil {
		return nil, fmt.Errorf("bench: case %q: %w", b.name, err)
	}
	late := time.AfterFunc(maxCase, func() { _ = child.Process.Kill() }) // Wait tells
	err = child.Wait()
	late.Stop()
	if err != nil {
		return nil, fmt.Errorf("bench: case %q: %w", b.name, err)
	}
	var m metrics
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		return nil, fmt.Errorf("bench: case %q: expected its figures, got %q: %w", b.name, out.String(), err)
	}
	return m, nil
}

// child is the process that runs one case.
func (r *runner) child(name, dir string) *exec.Cmd {
	return exec.Command(r.program, "-case", name, "-sizes", r.sizes.name, "-dir", dir, "-root", r.root, "-profile", r.profiles)
}

// place makes the directory of a case: a data set's is kept.
func (r *runner) place(b benchmark) (dir string, remove func(), err error) {
	if b.data {
		dir = r.dataDir(b.name)
		return dir, func() {}, errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755))
	}
	dir, err = os.MkdirTemp(r.root, "case")
	return dir, func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintf(r.stderr, "bench: remove the data of %q: %v\n", b.name, err)
		}
	}, err
}

// runChild is the other side: it runs one case in this process and prints what
// it measured.
func runChild(c command, size sizes, out io.Writer) error {
	b, ok := find(slices.Concat(allCases(), operatorCases(), aggregateCases(), hiddenCases()), c.child)
	if !ok {
		return fmt.Errorf("bench: there is no case %q", c.child)
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("bench: find this program: %w", err)
	}
	r := runner{program: program, root: c.root, sizes: size, profiles: c.cpu}
	stop, err := startProfile(c.cpu, b.name)
	if err != nil {
		return err
	}
	began, _ := memoryNow()
	m, err := b.run(work{
		dir: c.dir, sizes: size, out: out, data: r.dataDir,
		child: func(name string) *exec.Cmd { return r.child(name, c.dir) },
	})
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("bench: case %q: %w", b.name, err)
	}
	m["MB at start"] = began
	if mb, ok := peakMemory(); ok {
		m["MB at most"] = mb
	}
	return json.NewEncoder(out).Encode(m)
}
