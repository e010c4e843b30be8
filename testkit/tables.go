package testkit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// TestTables tells whether tables keep the promises of [stream.Tables]: each as a
// subtest that is named for it. open makes empty ones; what the test leaves behind is
// for open to clean up.
func TestTables(t *testing.T, open func(t *testing.T) stream.Tables) {
	for _, c := range tableClaims {
		t.Run(c.claim, func(t *testing.T) {
			c.check(&tableTrial{T: t, tables: open(t)})
		})
	}
}

type tableClaim struct {
	claim string
	check func(*tableTrial)
}

var tableClaims = []tableClaim{
	{"what was stored is got, in any snapshot after it and in none before", (*tableTrial).snapshots},
	{"an update is stored whole, and the last of several changes to a key counts", (*tableTrial).updates},
	{"an empty value is a value, and nil is none", (*tableTrial).emptyValues},
	{"a range is in order of the keys' bytes, forwards and backwards, within its bounds", (*tableTrial).ranges},
	{"a range stops with the error of who it is handed to", (*tableTrial).stops},
	{"tables do not see one another", (*tableTrial).strangers},
	{"a table that is dropped is empty, and no other is", (*tableTrial).drops},
	{"the tables that hold something are listed in order", (*tableTrial).lists},
	{"a table has one owner at a time", (*tableTrial).claims},
	{"nothing is shared with who stores and who reads", (*tableTrial).copies},
	{"what can not be stored is refused, and nothing of it is stored", (*tableTrial).refusals},
	{"a snapshot that is closed answers no more", (*tableTrial).closed},
}

// tableTrial is one claim's test.
type tableTrial struct {
	*testing.T
	tables stream.Tables
}

func (t *tableTrial) update(table string, pairs ...string) {
	t.Helper()
	var changes []stream.Change
	for i := 0; i < len(pairs); i += 2 {
		changes = append(changes, stream.Change{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	if err := t.tables.Update(t.Context(), table, changes...); err != nil {
		t.Fatalf("update %s: %v", table, err)
	}
}

func (t *tableTrial) snapshot() stream.TableSnapshot {
	t.Helper()
	s, err := t.tables.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// read is a range as "key=value" words.
func (t *tableTrial) read(s stream.TableSnapshot, r stream.TableRange) string {
	t.Helper()
	var words []string
	err := s.Range(r, func(key string, value []byte) error {
		words = append(words, key+"="+string(value))
		return nil
	})
	if err != nil {
		t.Fatalf("range %+v: %v", r, err)
	}
	return strings.Join(words, " ")
}

func (t *tableTrial) wantAll(s stream.TableSnapshot, table, want string) {
	t.Helper()
	if got := t.read(s, stream.TableRange{Table: table}); got != want {
		t.Errorf("table %s: got %q, want %q", table, got, want)
	}
}

func (t *tableTrial) snapshots() {
	before := t.snapshot()
	t.update("a", "x", "1", "y", "2")
	between := t.snapshot()
	t.update("a", "x", "3")
	if err := t.tables.Update(t.Context(), "a", stream.Change{Key: "y"}); err != nil {
		t.Fatal(err)
	}
	t.wantAll(before, "a", "")
	t.wantAll(between, "a", "x=1 y=2")
	t.wantAll(t.snapshot(), "a", "x=3")
	if value, ok, err := between.Get("a", "y"); string(value) != "2" || !ok || err != nil {
		t.Errorf("get y: got %q, %v, %v; want 2", value, ok, err)
	}
	if value, ok, err := t.snapshot().Get("a", "y"); value != nil || ok || err != nil {
		t.Errorf("get what was forgotten: got %q, %v, %v; want nothing", value, ok, err)
	}
}

func (t *tableTrial) updates() {
	t.update("a", "x", "1")
	change := func(key, value string) stream.Change { return stream.Change{Key: key, Value: []byte(value)} }
	err := t.tables.Update(t.Context(), "a", change("x", "2"), stream.Change{Key: "x"}, change("y", "1"), stream.Change{Key: "z"}, change("y", "2"))
	if err != nil {
		t.Fatal(err)
	}
	t.wantAll(t.snapshot(), "a", "y=2")
}

func (t *tableTrial) emptyValues() {
	t.update("a", "x", "")
	value, ok, err := t.snapshot().Get("a", "x")
	if value == nil || len(value) > 0 || !ok || err != nil {
		t.Errorf("got %q, %v, %v; want an empty value", value, ok, err)
	}
	t.wantAll(t.snapshot(), "a", "x=")
}

func (t *tableTrial) ranges() {
	keys := []string{"\x00", "\x01", "a", "a\x00", "a\xff", "b", "é", "\xff", "\xff\xff"}
	for i := range 1500 { // more than anybody copies at once
		keys = append(keys, fmt.Sprintf("m%04d", i))
	}
	slices.Sort(keys)
	t.update("before", "z", "-")
	for _, k := range keys {
		t.update("t", k, "v")
	}
	t.update("t\u00ff", "a", "-")
	s := t.snapshot()
	for _, r := range []stream.TableRange{
		{}, {From: "a"}, {To: "a"}, {From: "a", To: "b"}, {From: "a", To: "a\xff"}, {From: "m0100", To: "m1400"}, {From: "b", To: "a"}, {From: "x", To: "x"}, {From: "m1", To: "m2"}, {From: "\xff"},
	} {
		for _, reverse := range []bool{false, true} {
			r.Table, r.Reverse = "t", reverse
			var want, got []string
			for _, k := range keys {
				if k >= r.From && (r.To == "" || k < r.To) {
					want = append(want, k)
				}
			}
			if reverse {
				slices.Reverse(want)
			}
			err := s.Range(r, func(key string, _ []byte) error { got = append(got, key); return nil })
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("range %#v: %v (-want +got)\n%s", r, err, diff)
			}
		}
	}
}

func (t *tableTrial) stops() {
	t.update("a", "x", "1", "y", "2", "z", "3")
	enough := errors.New("enough")
	seen := 0
	err := t.snapshot().Range(stream.TableRange{Table: "a"}, func(string, []byte) error {
		if seen++; seen == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || seen != 2 {
		t.Errorf("got %v after %d keys, want %v after 2", err, seen, enough)
	}
}

func (t *tableTrial) strangers() {
	t.update("a", "x", "1")
	t.update("ab", "x", "2")
	t.update("a b", "x", "3")
	s := t.snapshot()
	t.wantAll(s, "a", "x=1")
	t.wantAll(s, "ab", "x=2")
	t.wantAll(s, "b", "")
	if got := t.read(s, stream.TableRange{Table: "a", Reverse: true}); got != "x=1" {
		t.Errorf("backwards: got %q, want x=1", got)
	}
}

func (t *tableTrial) drops() {
	t.update("a", "x", "1", "y", "2")
	t.update("b", "x", "3")
	before := t.snapshot()
	for range 2 { // again: nothing is left to do
		if err := t.tables.Drop(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	t.wantAll(t.snapshot(), "a", "")
	t.wantAll(t.snapshot(), "b", "x=3")
	t.wantAll(before, "a", "x=1 y=2")
	t.update("a", "z", "4")
	t.wantAll(t.snapshot(), "a", "z=4")
}

func (t *tableTrial) lists() {
	for _, name := range []string{"b", "a@2", "a@1", "gone", "dropped", "b b"} {
		t.update(name, "x", "1", "y", "2")
	}
	if err := t.tables.Drop(t.Context(), "dropped"); err != nil {
		t.Fatal(err)
	}
	if err := t.tables.Update(t.Context(), "gone", stream.Change{Key: "x"}, stream.Change{Key: "y"}); err != nil {
		t.Fatal(err)
	}
	names, err := t.tables.Tables(t.Context())
	if diff := cmp.Diff([]string{"a@1", "a@2", "b", "b b"}, names); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func (t *tableTrial) claims() {
	release, err := t.tables.Claim(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := t.tables.Claim(t.Context(), "a"); !isA[*stream.BusyError](err) {
		t.Errorf("a second owner: got %v, want a *stream.BusyError", err)
	}
	other, err := t.tables.Claim(t.Context(), "b")
	if err != nil {
		t.Fatalf("another table's owner: %v", err)
	}
	other()
	release()
	release()
	again, err := t.tables.Claim(t.Context(), "a")
	if err != nil {
		t.Fatalf("after it was released: %v", err)
	}
	release() // of the first one: it has no say any more
	if _, err := t.tables.Claim(t.Context(), "a"); !isA[*stream.BusyError](err) {
		t.Errorf("released twice by the first owner: got %v, want a *stream.BusyError", err)
	}
	again()
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func (t *tableTrial) copies() {
	value := []byte("1")
	if err := t.tables.Update(t.Context(), "a", stream.Change{Key: "x", Value: value}); err != nil {
		t.Fatal(err)
	}
	value[0] = '2'
	got, _, err := t.snapshot().Get("a", "x")
	if err != nil || len(got) != 1 {
		t.Fatalf("got %q, %v", got, err)
	}
	got[0] = '3'
	t.wantAll(t.snapshot(), "a", "x=1")
}

func (t *tableTrial) refusals() {
	ok := stream.Change{Key: "x", Value: []byte("1")}
	many := make([]stream.Change, 1_000_000)
	for i := range many {
		many[i] = ok
	}
	large := stream.Change{Key: "y", Value: make([]byte, 64<<20)}
	for name, c := range map[string]struct {
		table   string
		changes []stream.Change
	}{
		"a table without a name":           {"", []stream.Change{ok}},
		"a table with a control character": {"a\x00b", []stream.Change{ok}},
		"a key that is empty":              {"a", []stream.Change{ok, {Value: []byte("1")}}},
		"a value that is too large":        {"a", []stream.Change{ok, large}},
		"too many changes":                 {"a", many},
	} {
		err := t.tables.Update(t.Context(), c.table, c.changes...)
		if !isA[*stream.InvalidError](err) && !isA[*stream.TooLargeError](err) {
			t.Errorf("%s: got %v, want a *stream.InvalidError or a *stream.TooLargeError", name, err)
		}
	}
	t.wantAll(t.snapshot(), "a", "")
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := t.tables.Update(done, "a", ok); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that is done: got %v, want context.Canceled", err)
	}
	t.wantAll(t.snapshot(), "a", "")
}

func (t *tableTrial) closed() {
	t.update("a", "x", "1")
	s := t.snapshot()
	s.Close()
	s.Close()
	if _, _, err := s.Get("a", "x"); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("get: got %v, want stream.ErrClosed", err)
	}
	if err := s.Range(stream.TableRange{Table: "a"}, func(string, []byte) error { return nil }); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("range: got %v, want stream.ErrClosed", err)
	}
}
