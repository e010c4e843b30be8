package testkit_test

import (
	"context"
	"slices"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// The stores below lie between a repository and its log, and each does one
// thing wrong.

// forgetful forgets which command took effect.
type forgetful struct{ stream.Store }

func (s forgetful) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	stored, err := s.Store.Append(ctx, id, expected, records...)
	if err != nil || stored[0].Version == expected+1 {
		return stored, err
	}
	again := slices.Clone(records)
	for i := range again {
		again[i].Command, again[i].ID = stream.EventID{}, stream.EventID{}
	}
	return s.Store.Append(ctx, id, expected, again...)
}

func (s forgetful) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	return s.Store.Read(ctx, q, func(records []stream.Record, m stream.Mark) error {
		records = slices.Clone(records) // what a log hands over is shared
		for i := range records {
			records[i].Command = stream.EventID{}
		}
		return emit(records, m)
	})
}

// appends changes what is appended.
type appends struct {
	stream.Store
	change func(expected *stream.Version, records []stream.Record)
}

func (s appends) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	records = slices.Clone(records)
	s.change(&expected, records)
	return s.Store.Append(ctx, id, expected, records...)
}

// echoes changes what an append answers.
type echoes struct {
	stream.Store
	change func(stored []stream.Record) []stream.Record
}

func (s echoes) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	stored, err := s.Store.Append(ctx, id, expected, records...)
	if err != nil {
		return nil, err
	}
	return s.change(slices.Clone(stored)), nil
}

type repository = aggregate.Repository[SetEmail, EmailSet, []string]

type userSpec = testkit.Spec[SetEmail, EmailSet, []string]

// over builds a repository over a store that lies over the log.
func over(wrap func(stream.Store) stream.Store) func(stream.Store) *repository {
	return func(store stream.Store) *repository { return aggregate.NewRepository(wrap(store), user) }
}

func header(change func(h *stream.Header)) func(stream.Store) *repository {
	return over(func(store stream.Store) stream.Store {
		return appends{store, func(_ *stream.Version, records []stream.Record) {
			for i := range records {
				change(&records[i].Header)
			}
		}}
	})
}

func answering(change func([]stream.Record) []stream.Record) func(stream.Store) *repository {
	return over(func(store stream.Store) stream.Store { return echoes{store, change} })
}

func TestARepositoryOfThePrograms(t *testing.T) {
	build := over(func(store stream.Store) stream.Store { return store })
	testkit.ForRepository(t, build).
		Given(EmailSet{"a"}).
		WhenTwice(SetEmail{"b"}).Then(EmailSet{"b"}).ThenState([]string{"a", "b"}).
		Meanwhile(EmailSet{"c"}).When(SetEmail{"c"}).ThenError(errReused).ThenVersion(3)
}

// Breaks when: caused or returned compares nothing, met is set whatever the append
// returned, or the second of two calls is not drawn.
func TestWiringThatIsWrongFails(t *testing.T) {
	set := func(s userSpec) { s.Given(EmailSet{"a"}).When(SetEmail{"b"}).Then(EmailSet{"b"}) }
	twice := func(s userSpec) { s.Given(EmailSet{"a"}).WhenTwice(SetEmail{"b"}).Then(EmailSet{"b"}) }
	for claim, c := range map[string]struct {
		build func(stream.Store) *repository
		test  func(userSpec)
		says  []string
	}{
		"there is none": {func(stream.Store) *repository { return nil }, set, []string{"needs a decider"}},
		"building it panics": {func(stream.Store) *repository { panic("boom") }, set,
			[]string{"the function that builds the repository panicked: boom"}},
		"a command is decided anew": {over(func(s stream.Store) stream.Store { return forgetful{s} }), twice,
			[]string{"b' was not delivered again", "want  a ^ b b'", "got   a ^ b #", "#  cannot reuse"}},
		"appends do not look at the version": {over(func(s stream.Store) stream.Store {
			return appends{s, func(expected *stream.Version, _ []stream.Record) { *expected = stream.AnyVersion }}
		}), func(s userSpec) { s.Meanwhile(EmailSet{"b"}).When(SetEmail{"b"}).ThenError(errReused) },
			[]string{"met no conflict: the command was not decided anew", "^ a a"}},
		"events do not say which command": {header(func(h *stream.Header) { h.Command = stream.EventID{} }), set,
			[]string{"decided event 1 does not say what led to it: want Command"}},
		"events do not say which story": {header(func(h *stream.Header) { h.Correlation = h.ID }), set,
			[]string{"decided event 1 does not say what led to it: want Correlation"}},
		"events name a cause": {header(func(h *stream.Header) { h.CausedBy = h.ID }), set,
			[]string{"decided event 1 does not say what led to it: want CausedBy 0000"}},
		"events do not name their cause": {header(func(h *stream.Header) { h.CausedBy = stream.EventID{} }), func(s userSpec) {
			s.WhenCommand(aggregate.Command[SetEmail]{Data: SetEmail{"b"}, CausedBy: stream.Cause{Event: stream.NewID()}}).Then(EmailSet{"b"})
		}, []string{"does not say what led to it: want CausedBy"}},
		"an answer is changed": {answering(func(stored []stream.Record) []stream.Record {
			stored[0].Data = []byte(`{"Email":"x"}`)
			return stored
		}), set, []string{"returned something else than the log has at version 2", `{"Email":"x"}`}},
		"an answer is of somebody else": {answering(func(stored []stream.Record) []stream.Record {
			stored[0].ID = stream.NewID()
			return stored
		}), set, []string{"returned something else than the log has at version 2"}},
		"an answer repeats itself": {answering(func(stored []stream.Record) []stream.Record {
			return append(stored, stored...)
		}), set, []string{"returned 2 events, but the command has stored 1"}},
		"an answer is of another version": {answering(func(stored []stream.Record) []stream.Record {
			second := stored[0]
			second.Version = 9
			return append(stored, second)
		}), set, []string{"an event 2 of version 9, which the log does not have"}},
		"what is stored is changed": {over(func(s stream.Store) stream.Store {
			return appends{s, func(_ *stream.Version, records []stream.Record) { records[0].Data = []byte(`{"Email":"x"}`) }}
		}), set, []string{"decided otherwise", `"x"`}},
		"nothing is said": {over(func(s stream.Store) stream.Store { return s }), func(userSpec) {}, []string{"For without a When"}},
	} {
		t.Run(claim, func(t *testing.T) {
			wantOne(t, recorded(t, func(t testing.TB) { c.test(testkit.ForRepository(t, c.build)) }), c.says...)
		})
	}
}

// Breaks when: the second of two calls is not drawn, or what it stored is drawn
// as what it returned.
func TestACommandThatTakesEffectTwiceFails(t *testing.T) {
	build := func(store stream.Store) *aggregate.Repository[told, any, int] {
		return aggregate.NewRepository(forgetful{store}, teller)
	}
	got := recorded(t, func(t testing.TB) {
		testkit.ForRepository(t, build).Given(a).WhenTwice(decided(b, n)).Then(b, n)
	})
	wantOne(t, got, "the command took effect twice", "b was delivered as if for the first time", "want  a ^ [bc] (b'c')", "got   a ^ [bc] [bc]", ", twice")
	same := stream.NewID()
	got = recorded(t, func(t testing.TB) {
		testkit.ForRepository(t, func(store stream.Store) *aggregate.Repository[told, any, int] {
			return aggregate.NewRepository(appends{store, func(_ *stream.Version, records []stream.Record) {
				for i := range records {
					records[i].ID = same
				}
			}}, teller)
		}).When(decided(b, n)).Then(b, n)
	})
	wantOne(t, got, "decided event 2 has no ID of its own")
	got = recorded(t, func(t testing.TB) {
		testkit.ForRepository(t, build).WhenTwice(decided(b)).ThenVersion(1)
	})
	if len(got) != 1 {
		t.Errorf("ThenVersion: got %q, want a failure too", got)
	}
}
