package testkit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

var mails = stream.NewTopic("mails", stream.Catalogue[EmailSet]{"EMAIL_SET": {}})

var letters = testkit.Values[*stream.Event[EmailSet]]{
	"a": mails.Event("ann", EmailSet{"a"}),
	"b": mails.Event("bob", EmailSet{"b"}),
	"c": mails.Event("ann", EmailSet{"c"}),
	"d": mails.Event("ann", EmailSet{"d"}),
	"e": mails.Event("ann", EmailSet{"e"}),
}

// more are for another lane of the same log.
var more = testkit.Values[*stream.Event[EmailSet]]{
	"f": mails.Event("ann", EmailSet{"f"}),
	"g": mails.Event("bob", EmailSet{"g"}),
}

func upper[K stream.Kind](o stream.Source[K, EmailSet]) stream.Observable[K, string] {
	return operators.Map(o, func(e *stream.Event[EmailSet]) string { return strings.ToUpper(e.Data.Email) })
}

func TestMarblesOfTheThreeSources(t *testing.T) {
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "ab ^ - c - [de] - |", letters)
		testkit.Expect(b, "cold", replay.Cold(b.Log(), mails), "(ab|)")
		testkit.Expect(b, "cold+hot", replay.ColdHot(b.Log(), mails), "(ab~) - c - [de] - |")
		testkit.Expect(b, "hot", replay.Hot(b.Log(), mails), "- - c - [de] - |")
		testkit.Expect(b, "upper", upper(replay.ColdHot(b.Log(), mails)), "(AB) - C - (DE) - |")
	})
}

func TestMarblesOfAtLeastOnce(t *testing.T) {
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "^ a b c - -  d", letters)
		testkit.Expect(b, "out", replay.Hot(b.Log(), mails), "- a b c - c' d").Subscribed("^ - * - % ^")
	})
}

// Breaks when: what stands before the ^ in its own instant is taken for time.
func TestMarblesOfASubscriberWhoStoresItsPlaceAsItComes(t *testing.T) {
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "^ - a b - c", letters)
		testkit.Expect(b, "out", replay.Hot(b.Log(), mails), "- - a - (a'b) c").Subscribed("-(^*)-%^")
	})
}

func TestMarblesOfSourcesWithoutALog(t *testing.T) {
	testkit.Marbles(t, func(b *testkit.Board) {
		in := testkit.Items[stream.Hot, string](b, "in", "-a-b-#")
		testkit.Expect(b, "out", operators.Map(in, strings.ToUpper), "-A-B-#")
		testkit.Expect(b, "late", operators.Map(in, strings.ToUpper), "---B-#").Subscribed("--^")
		cold := testkit.Items[stream.Cold, string](b, "cold", "a-b|")
		testkit.Expect(b, "first", cold, "a-b|")
		testkit.Expect(b, "second", cold, "5ms a-b|").Subscribed("5ms ^")
	})
}

func TestMarblesAcrossACrashOfTheWholeProcess(t *testing.T) {
	for _, m := range []testkit.Medium{testkit.InMemory, testkit.OnDisk} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			testkit.Marbles(t, func(b *testkit.Board) {
				b.On(m)
				testkit.Events(b, "log", mails, "a ^ b c %  -  -  d |", letters)
				testkit.Expect(b, "durable", replay.Hot(b.Log(), mails), "- b c - - c' d |").Subscribed("^ * - % - ^")
				testkit.Expect(b, "nobody", replay.Hot(b.Log(), mails), "- b c")
			})
		})
	}
}

func TestMarblesSpanADayInNoTime(t *testing.T) {
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "a 12h b ^ 12h c 11h d |", letters)
		testkit.Expect(b, "cold+hot", replay.ColdHot(b.Log(), mails), "(ab~) 12h c 11h d |")
		testkit.Expect(b, "as of", replay.Cold(b.Log(), mails, replay.AsOf(b.Time(-time.Hour))), "(a|)")
	})
}

// Events that the code under test appends are part of what happens.
func TestMarblesOfAPipelineThatAppends(t *testing.T) {
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "^ a - - b", letters)
		users := aggregate.NewRepository(b.Log(), user)
		register := operators.TryMap(replay.Hot(b.Log(), mails), func(e *stream.Event[EmailSet]) (stream.Version, error) {
			done, err := users.Execute(context.Background(), e.Stream.Key, SetEmail(e.Data))
			return done.Version, err
		})
		testkit.Expect(b, "registered", register, "- x - - x", testkit.Values[stream.Version]{"x": 1})
		testkit.Expect(b, "users", operators.Payloads(replay.ColdHot(b.Log(), user.Topic)), "~ a - - b", testkit.Values[EmailSet]{
			"a": {"a"}, "b": {"b"},
		})
	})
}

func TestMarblesOfFailures(t *testing.T) {
	errOdd := errors.New("odd")
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "ab ^ c", letters)
		fails := operators.TryMap(replay.ColdHot(b.Log(), mails), func(e *stream.Event[EmailSet]) (string, error) {
			if e.Data.Email == "c" {
				return "", errOdd
			}
			return e.Data.Email, nil
		})
		testkit.Expect(b, "fails", fails, "(ab~) #").Fails(errOdd)
		panics := stream.Through(replay.Cold(b.Log(), mails), func(stream.Run[*stream.Event[EmailSet]]) stream.Run[string] {
			return func(context.Context, func(string) error) error { panic("boom") }
		})
		testkit.Expect(b, "panics", panics, "#")
	})
}
