package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// held is an auction that is over.
func held(t *testing.T, on premises) (said string) {
	t.Helper()
	var out bytes.Buffer
	if err := hold(t.Context(), on, settings{events: 300, seed: 1}, &screen{out: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Breaks when: run promotes the new version at once, or retires the old one before
// the new one answers.
func TestTheOldDirectoryAnswersUntilTheNewOneCan(t *testing.T) {
	on := inMemory(memlog.New())
	held(t, on)
	if err := errors.Join(on.tables.Drop(t.Context(), "customers@2"), on.tables.Drop(t.Context(), "customers")); err != nil {
		t.Fatal(err) // as if the house had been built before there was a second version
	}
	c, err := newCustomers(on)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.called(t.Context(), "person-1"); !errors.Is(err, operators.ErrNotPromoted) {
		t.Errorf("before any version was promoted: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.old.Run(ctx, replay.ColdHot(on.log, Hall)) }()
	if err := c.old.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	<-ended
	first, err := c.called(t.Context(), "person-1")
	if err != nil || first == "" {
		t.Fatalf("the first version said %q, %v", first, err)
	}

	held(t, on) // the new program's first day, which promotes the second version
	version, err := operators.ActiveVersion(t.Context(), on.tables, Directory.Name)
	if err != nil || version != Directory.Version {
		t.Errorf("version %d answers, want %d: %v", version, Directory.Version, err)
	}
	if second, err := c.called(t.Context(), "person-1"); err != nil || second != first {
		t.Errorf("the second version said %q, %v; the first one %q", second, err, first)
	}
	tables, err := on.tables.Tables(t.Context())
	if got := strings.Join(tables, " "); err != nil || got != "customers customers@2" {
		t.Errorf("the tables are %q, want the first version's gone: %v", got, err)
	}
}

// Breaks when: the directory opens addresses to keep them.
func TestWhoIsForgottenHasNoAddressAnywhere(t *testing.T) {
	on := inMemory(memlog.New())
	before := theBest(held(t, on))
	var best string
	for e, err := range replay.Cold(on.log, Persons).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		address, err := e.Data.Address.Open(t.Context(), on.keys)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(before, e.Data.Name+", "+address.Street) {
			best = e.Stream.Key
		}
	}
	if best == "" {
		t.Fatalf("nobody's address is in %q", before)
	}
	if err := on.keys.Forget(t.Context(), subject(best)); err != nil {
		t.Fatal(err)
	}
	after := theBest(held(t, on)) // nothing else is different
	if want := "[sealed " + subject(best) + "]"; !strings.Contains(after, want) || strings.Contains(after, "Street") {
		t.Errorf("after %s was forgotten the best customer is %q, want it with %q", best, after, want)
	}
}

// A bidder who comes back under another name is told so, and nobody else is.
func TestOnePersonForAnEmail(t *testing.T) {
	h := housed(t, inMemory(memlog.New()))
	register := func(person, email string) error {
		_, err := h.persons.Execute(t.Context(), person, Register{Person: person, Address: Address{Email: email}})
		return err
	}
	for _, step := range []struct {
		person, email string
		want          error
	}{
		{"ann", "a@example.org", nil}, {"bob", "A@Example.org", ErrEmailTaken}, {"bob", "b@example.org", nil}, {"ann", "c@example.org", ErrRegistered},
	} {
		if err := register(step.person, step.email); !errors.Is(err, step.want) {
			t.Errorf("%s with %s: got %v, want %v", step.person, step.email, err, step.want)
		}
	}
	var found int
	q := stream.Query{Match: []stream.Match{{Topic: "persons", Tags: []string{emailTag(emailMark("b@example.org"))}}}}
	err := h.log.Read(t.Context(), q, func(r []stream.Record, _ stream.Mark) error { found += len(r); return nil })
	if found != 1 || err != nil {
		t.Errorf("%d persons are found by an e-mail, want one: %v", found, err)
	}
}
