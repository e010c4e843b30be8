package testkit_test

import (
	"strings"
	"testing"

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
