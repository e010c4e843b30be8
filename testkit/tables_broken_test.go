package testkit

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memtables"
)

type allTables = stream.Tables // embedded under a name that is none of its methods'

// brokenTables keep every promise but one.
type brokenTables struct {
	allTables
	fault string
	kept  map[string][]byte // values that are shared with who reads
}

// tableFaults has, for each claim of TestTables, what is done wrong.
var tableFaults = []string{
	"a snapshot shows what is stored later",
	"the first change to a key counts",
	"an empty value is none",
	"a range has no upper bound",
	"a range goes on after an error",
	"tables are told apart by their first letter",
	"a table is not dropped",
	"the list is in no order",
	"a table has many owners",
	"values are shared",
	"what is refused is refused in silence",
	"a closed snapshot answers",
}

func (b *brokenTables) is(fault string) bool {
	if !slices.Contains(tableFaults, fault) {
		panic("no such fault: " + fault)
	}
	return b.fault == fault
}

func (b *brokenTables) name(table string) string {
	if b.is("tables are told apart by their first letter") && table != "" {
		return table[:1]
	}
	return table
}

func (b *brokenTables) Claim(ctx context.Context, table string) (func(), error) {
	if b.is("a table has many owners") {
		return func() {}, nil
	}
	return b.allTables.Claim(ctx, table)
}

func (b *brokenTables) Update(ctx context.Context, table string, changes ...stream.Change) error {
	changes = slices.Clone(changes)
	if b.is("the first change to a key counts") {
		slices.Reverse(changes)
	}
	for i, c := range changes {
		if b.is("an empty value is none") && len(c.Value) == 0 {
			changes[i].Value = nil
		}
	}
	err := b.allTables.Update(ctx, b.name(table), changes...)
	if b.is("what is refused is refused in silence") {
		return nil
	}
	return err
}

func (b *brokenTables) Drop(ctx context.Context, table string) error {
	if b.is("a table is not dropped") {
		return nil
	}
	return b.allTables.Drop(ctx, table)
}

func (b *brokenTables) Tables(ctx context.Context) ([]string, error) {
	names, err := b.allTables.Tables(ctx)
	if b.is("the list is in no order") {
		slices.Reverse(names)
	}
	return names, err
}

func (b *brokenTables) Snapshot(ctx context.Context) (stream.TableSnapshot, error) {
	s, err := b.allTables.Snapshot(ctx)
	return &brokenSnapshot{s, b}, err
}

type brokenSnapshot struct {
	stream.TableSnapshot
	of *brokenTables
}

// now is the snapshot to read.
func (s *brokenSnapshot) now() stream.TableSnapshot {
	if s.of.is("a snapshot shows what is stored later") {
		if now, err := s.of.allTables.Snapshot(context.Background()); err == nil {
			return now
		}
	}
	return s.TableSnapshot
}

func (s *brokenSnapshot) Close() {
	if !s.of.is("a closed snapshot answers") {
		s.TableSnapshot.Close()
	}
}

func (s *brokenSnapshot) Get(table, key string) ([]byte, bool, error) {
	value, ok, err := s.now().Get(s.of.name(table), key)
	if ok && s.of.is("values are shared") {
		s.of.kept[table+"/"+key] = value
	}
	return value, ok, err
}

func (s *brokenSnapshot) Range(r stream.TableRange, emit func(string, []byte) error) error {
	if s.of.is("a range has no upper bound") {
		r.To = ""
	}
	table := r.Table
	r.Table = s.of.name(r.Table)
	return s.now().Range(r, func(key string, value []byte) error {
		if shared, ok := s.of.kept[table+"/"+key]; ok {
			value = shared
		}
		err := emit(key, value)
		if s.of.is("a range goes on after an error") {
			return nil
		}
		return err
	})
}

func TestBrokenTables(t *testing.T) {
	if os.Getenv(childVariable) == "" {
		t.Skip("run by TestTheSuiteTellsWhichPromiseOfTablesIsBroken, as it fails")
	}
	for _, fault := range tableFaults {
		t.Run(fault, func(t *testing.T) {
			TestTables(t, func(*testing.T) stream.Tables {
				return &brokenTables{memtables.New(), fault, map[string][]byte{}}
			})
		})
	}
}

var failedClaim = regexp.MustCompile(`(?m)^\s*--- FAIL: TestBrokenTables/([^/]+)/([^/]+) \(`)

// TestTheSuiteTellsWhichPromiseOfTablesIsBroken is the acceptance test of
// [TestTables]: for every claim there are tables that break it, and it is reported.
// Breaks when: a claim's check compares nothing.
func TestTheSuiteTellsWhichPromiseOfTablesIsBroken(t *testing.T) {
	if len(tableFaults) != len(tableClaims) {
		t.Fatalf("there are %d faults and %d claims", len(tableFaults), len(tableClaims))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenTables$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("the broken tables' tests ended with %v, want them to fail\n%s", err, out.Bytes())
	}
	words := func(s string) string { return strings.ReplaceAll(s, " ", "_") }
	failed := map[string][]string{}
	for _, m := range failedClaim.FindAllStringSubmatch(out.String(), -1) {
		failed[m[1]] = append(failed[m[1]], m[2])
	}
	for i, fault := range tableFaults {
		if got := failed[words(fault)]; !slices.Contains(got, words(tableClaims[i].claim)) {
			t.Errorf("%s: %q was not reported as broken; reported were %q", fault, tableClaims[i].claim, got)
		}
	}
}
