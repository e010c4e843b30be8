package testkit

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// run is one run of the suite over one engine.
type run struct {
	engine Engine
	lacks  map[Rule]string // what the engine does not give, and why
}

func newRun(t testing.TB, e Engine) *run {
	t.Helper()
	r := &run{engine: e, lacks: map[Rule]string{}}
	for name, why := range e.Without {
		rules := name.stated()
		if len(rules) == 0 {
			t.Errorf("Engine.Without: there is no rule and no chapter %q", name)
		}
		if strings.TrimSpace(why) == "" {
			t.Errorf("Engine.Without: %q needs a reason", name)
		}
		for _, rule := range rules {
			r.lacks[rule] = why
		}
	}
	return r
}

func (r *run) lacking(rule Rule) bool { _, ok := r.lacks[rule]; return ok }

// chapter tests the promises of a chapter. A broken one that others rest on
// counts as not given from then on.
func (r *run) chapter(t *testing.T, c chapter) {
	for _, p := range c.promises {
		if !t.Run(string(p.rule), func(t *testing.T) { r.test(t, p) }) && p.rule.isBase() {
			r.lacks[p.rule] = "it is broken"
		}
	}
}

// test tests a promise. One that is declared as not given is tried all the same,
// as what is kept after all should be promised.
func (r *run) test(t *testing.T, p promise) {
	if base := p.rule.basis(r.lacking); base != "" {
		t.Skipf("not asked, as it rests on %s: %s", base, r.lacks[base])
	}
	why, declared := r.lacks[p.rule]
	if !declared {
		r.try(t, p, false, patience)
		return
	}
	if tried := attempt(t, func(t testing.TB) { r.try(t, p, true, probing) }); tried == "" {
		t.Logf("this log is declared to do without %s (%s), but it kept it: %s", p.rule, why, p.claim)
	}
	t.Skipf("not given by this log: %s", why)
}

func (r *run) try(t testing.TB, p promise, probe bool, patience time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := &subject{t: t, ctx: ctx, run: r, promise: p, probe: probe, dir: t.TempDir()}
	s.Log = s.open(s.dir)
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("broken rule %s: %s\nclose: got the error %v, want none", p.rule, p.claim, err)
		}
	}()
	p.check(s)
}

// probing is how long a rule may take that the engine says it does not keep.
const probing = 5 * time.Second

// attempt runs a test whose failure counts for nothing, and returns why it
// failed or was skipped; empty if it passed.
func attempt(t testing.TB, test func(testing.TB)) string {
	a := &attempted{TB: t}
	done := make(chan struct{})
	go func() { // a test of its own, as Fatal ends its goroutine
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				a.note("panic: %v", p)
			}
		}()
		test(a)
	}()
	<-done
	return strings.Join(a.why, "\n")
}

// attempted is a test that only remembers how it went.
type attempted struct {
	testing.TB

	mu  sync.Mutex
	why []string
}

func (a *attempted) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.why = append(a.why, fmt.Sprintf(format, args...))
}

func (a *attempted) Helper()                           {}
func (a *attempted) Log(...any)                        {}
func (a *attempted) Logf(string, ...any)               {}
func (a *attempted) Fail()                             { a.note("failed") }
func (a *attempted) Error(args ...any)                 { a.note("%s", fmt.Sprint(args...)) }
func (a *attempted) Errorf(format string, args ...any) { a.note(format, args...) }
func (a *attempted) FailNow()                          { a.note("failed"); runtime.Goexit() }
func (a *attempted) SkipNow()                          { a.note("skipped"); runtime.Goexit() }
func (a *attempted) Fatal(args ...any)                 { a.Error(args...); runtime.Goexit() }
func (a *attempted) Fatalf(format string, args ...any) { a.note(format, args...); runtime.Goexit() }
func (a *attempted) Skip(args ...any)                  { a.Error(args...); runtime.Goexit() }
func (a *attempted) Skipf(format string, args ...any)  { a.note(format, args...); runtime.Goexit() }

func (a *attempted) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.why) > 0
}

// subject is a log that is being tested for one promise.
type subject struct {
	Log
	t       testing.TB
	ctx     context.Context
	run     *run
	promise promise
	probe   bool // the log is declared not to keep the promise
	dir     string
}

// lacks reports whether the log does without a rule that others rest on, so
// that the test must, too.
func (s *subject) lacks(rule Rule) bool {
	return s.run.lacking(rule) && !s.probe
}

// open opens a log; the test closes it. If its positions have gaps, it is shown
// without them.
func (s *subject) open(dir string) Log {
	s.t.Helper()
	log := s.run.engine.Open(s.t, dir)
	if s.run.lacking(DensePositions) && s.promise.rule != DensePositions {
		return withoutGaps(log)
	}
	return log
}

// again opens the log of the test again, which was closed.
func (s *subject) again() {
	s.t.Helper()
	log := s.run.engine.Open(s.t, s.dir)
	if old, ok := s.Log.(interface{ reopened(Log) Log }); ok {
		log = old.reopened(log)
	}
	s.Log = log
}

// another is a subject for the same promise with a log of its own.
func (s *subject) another() *subject {
	s.t.Helper()
	c := *s
	c.dir = s.t.TempDir()
	c.Log = c.open(c.dir)
	return &c
}

// expect is the version to expect: any, if the log can not compare.
func (s *subject) expect(v stream.Version) stream.Version {
	if s.lacks(ExpectedVersion) {
		return stream.AnyVersion
	}
	return v
}
