package testkit

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// place is a line of a test. Finding its name takes longer than many a
// specification, so that is left until it is asked for.
type place struct {
	text string // if it is known
	pcs  [12]uintptr
	n    int
}

// here is the place in a test that called into this package.
func here() (p place) {
	p.n = runtime.Callers(2, p.pcs[:])
	return p
}

func (p place) String() string {
	if p.text != "" {
		return p.text
	}
	frames := runtime.CallersFrames(p.pcs[:p.n])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, packagePath+".") || !more {
			return fmt.Sprintf("%s:%d", f.File[strings.LastIndex(f.File, "/")+1:], f.Line)
		}
	}
}

// tell fails a test with a message that begins with the place of its
// specification. Errorf would put another one before that: where a function of
// this package was called, or the goroutine of a bubble began.
func tell(t testing.TB, format string, args ...any) {
	t.Helper()
	test, ok := t.(*testing.T)
	if !ok {
		t.Errorf(format, args...)
		return
	}
	_, _ = fmt.Fprintf(test.Output(), format+"\n", args...) // it keeps what it gets in memory
	test.Fail()
}

// caller is the file and line of the test that called into this package.
func caller() string { return here().String() }

const packagePath = "github.com/thaw-go/thaw/testkit"

// ledger notes what a test has begun to say. What is not settled at its end
// makes it fail.
type ledger struct {
	t       testing.TB
	mu      sync.Mutex // beginnings may be shared by parallel tests
	entries []*entry
}

// entry is one beginning.
type entry struct {
	ledger  *ledger
	at      place
	what    string        // what is wrong if nothing follows, in words
	story   func() string // more lines, if there are any
	settled bool
}

func openLedger(t testing.TB) *ledger {
	l := &ledger{t: t}
	t.Cleanup(l.close)
	return l
}

func (l *ledger) add(at place, what string) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{ledger: l, at: at, what: what}
	l.entries = append(l.entries, e)
	return e
}

// settle says that something followed. It reports whether that is news.
func (e *entry) settle() bool {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	news := !e.settled
	e.settled = true
	return news
}

// close fails a test of which a part is not settled, unless it has failed already.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.settled || l.t.Failed() {
			continue
		}
		story := ""
		if e.story != nil {
			story = "\n" + e.story()
		}
		tell(l.t, "%s: %s%s", e.at, e.what, story)
	}
}

func errNoBubble(t testing.TB) error {
	return fmt.Errorf("time can not pass in a %T: want a *testing.T, which can run in a bubble of testing/synctest", t)
}

// inBubble calls f in a bubble of virtual time, the caller's if it is in one.
func inBubble(t *testing.T, f func()) {
	t.Helper()
	if !inNewBubble(t, func(*testing.T) { f() }) {
		f()
	}
}

// inOwnBubble calls f in a bubble of virtual time, with the test that belongs to
// it. A test that is in a bubble has failed instead.
func inOwnBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	if !inNewBubble(t, f) {
		tell(t, "%s: the test is in a bubble of testing/synctest, and this needs one of its own: call it outside of synctest.Test and of Marbles", caller())
		t.FailNow()
	}
}

// inNewBubble is false if the caller is in a bubble: they do not nest.
func inNewBubble(t *testing.T, f func(*testing.T)) (began bool) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if began || !strings.Contains(fmt.Sprint(r), "within a synctest bubble") {
				panic(r)
			}
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		began = true
		f(t)
	})
	return true
}
