package testkit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

type (
	coldMails = stream.Source[stream.Cold, EmailSet]
	hotMails  = stream.Source[stream.Hot, EmailSet]
	mail      = *stream.Event[EmailSet]
)

// altered is a pipeline that does something else than it is said to do with the
// i-th event, from 0.
func altered[K stream.Kind](o stream.Source[K, EmailSet], do func(i int, e mail, emit func(mail) error) error) stream.Source[K, EmailSet] {
	return stream.Through(o, func(run stream.Run[mail]) stream.Run[mail] {
		return func(ctx context.Context, emit func(mail) error) error {
			i := -1
			return run(ctx, func(e mail) error {
				i++
				return do(i, e, emit)
			})
		}
	})
}

func without(n int) func(int, mail, func(mail) error) error {
	return func(i int, e mail, emit func(mail) error) error {
		if i == n {
			return nil
		}
		return emit(e)
	}
}

func twice(n int) func(int, mail, func(mail) error) error {
	return func(i int, e mail, emit func(mail) error) error {
		if i == n {
			if err := emit(e); err != nil {
				return err
			}
		}
		return emit(e)
	}
}

func with(n int, change func(e stream.Event[EmailSet]) stream.Event[EmailSet]) func(int, mail, func(mail) error) error {
	return func(i int, e mail, emit func(mail) error) error {
		if i != n {
			return emit(e)
		}
		other := change(*e)
		return emit(&other)
	}
}

func slow(n int) func(int, mail, func(mail) error) error {
	return func(i int, e mail, emit func(mail) error) error {
		if i == n {
			time.Sleep(time.Millisecond) // virtual time: in a bubble
		}
		return emit(e)
	}
}

// swapping hands over every event after the one that follows it.
func swapping(o hotMails) hotMails {
	var kept mail
	return altered(o, func(i int, e mail, emit func(mail) error) error {
		if i%2 == 0 {
			kept = e
			return nil
		}
		if err := emit(e); err != nil {
			return err
		}
		return emit(kept)
	})
}

// ending ends a cold source in its own way.
func ending(o coldMails, end func(emit func(mail) error) error) coldMails {
	return stream.Through(o, func(run stream.Run[mail]) stream.Run[mail] {
		return func(ctx context.Context, emit func(mail) error) error {
			if err := run(ctx, emit); err != nil {
				return err
			}
			return end(emit)
		}
	})
}

// board is a lie about a pipeline over the same log.
func board(claim string, lay func(b *testkit.Board), says ...string) lie {
	return lie{claim, func(t *testing.T) {
		testkit.Marbles(t, func(b *testkit.Board) {
			testkit.Events(b, "log", mails, "ab ^ c - d e", letters)
			lay(b)
		})
	}, says}
}

// Breaks when: Compare finds no difference, deliver or ended forgets what came,
// the lanes are not watched after the last diagram is over, letters stand for
// events whose position is not compared, or play does without an Expect.
func TestMarblesThatAreNotSoFail(t *testing.T) {
	hot := func(b *testkit.Board) hotMails { return replay.Hot(b.Log(), mails) }
	cold := func(b *testkit.Board) coldMails { return replay.Cold(b.Log(), mails) }
	errOdd := errors.New("odd")
	said := refute(t,
		board("dropped", func(b *testkit.Board) { testkit.Expect(b, "hot", altered(hot(b), without(1)), "-c-de") },
			"hot: tick 3 (+3ms): d (position 4) was never delivered", "want      - c - d e", "got       - c - - e", `d  mails/ann EMAIL_SET {"Email":"d"}`),
		board("extra", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "-c-d") },
			"hot: tick 4 (+4ms): e (position 5) came at +4ms and was not wanted"),
		board("a history that was not wanted", func(b *testkit.Board) {
			testkit.Expect(b, "seen", replay.ColdHot(b.Log(), mails), "-c-de")
		}, "a (position 1) came at +0s and was not wanted"),
		board("swapped", func(b *testkit.Board) { testkit.Expect(b, "hot", swapping(hot(b)), "- - - (cd)") },
			"d (position 4) came before c (position 3): wanted cd, came dc"),
		board("duplicated", func(b *testkit.Board) { testkit.Expect(b, "hot", altered(hot(b), twice(1)), "-c-de") },
			"d' (position 4) was delivered twice, at +3ms and +3ms"),
		board("a redelivery that did not come", func(b *testkit.Board) {
			testkit.Expect(b, "hot", hot(b), "-c- (c'd) e").Subscribed("^ * - - - -")
		}, "c' (position 3) was not delivered again"),
		board("a redelivery that was not wanted", func(b *testkit.Board) {
			testkit.Expect(b, "hot", hot(b), "-c-de").Subscribed("(^*) - % ^ - -")
		}, "c' (position 3) was delivered twice, at +1ms and +3ms"),
		board("wrong field", func(b *testkit.Board) {
			testkit.Expect(b, "hot", altered(hot(b), with(1, func(e stream.Event[EmailSet]) stream.Event[EmailSet] {
				e.Data.Email = "D"
				return e
			})), "-c-de")
		}, "d (position 4) came with another value than wanted", `- `, `"d"`, `"D"`),
		board("zero-valued", func(b *testkit.Board) {
			testkit.Expect(b, "hot", altered(hot(b), with(1, func(e stream.Event[EmailSet]) stream.Event[EmailSet] {
				e.Data = EmailSet{}
				return e
			})), "-c-de")
		}, "d (position 4) came with another value than wanted", `"d"`, `EmailSet{}`),
		board("of another instance", func(b *testkit.Board) {
			testkit.Expect(b, "hot", altered(hot(b), with(1, func(e stream.Event[EmailSet]) stream.Event[EmailSet] {
				e.Stream.Key = "bob"
				return e
			})), "-c-de")
		}, "d (position 4) came with another value than wanted", `"ann"`, `"bob"`),
		board("an equal event from another position", func(b *testkit.Board) {
			var last mail
			testkit.Expect(b, "hot", altered(hot(b), func(i int, e mail, emit func(mail) error) error {
				if last == nil {
					last = e
				}
				return emit(last)
			}), "-c-de")
		}, "c' (position 3) was delivered again: wanted for the first time, as d"),
		board("wrong type", func(b *testkit.Board) {
			testkit.Expect(b, "any", operators.Map(hot(b), func(e mail) any { return []byte(e.Data.Email) }), "-c-de", testkit.Values[any]{"c": "c", "d": "d", "e": "e"})
		}, "tick 1 (+1ms)", "[]uint8"),
		board("early", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "-c--(de)") },
			"d (position 4) came at +3ms, 1ms early: wanted at +4ms"),
		board("late", func(b *testkit.Board) { testkit.Expect(b, "hot", altered(hot(b), slow(0)), "-c-de") },
			"c (position 3) came at +2ms, 1ms late: wanted at +1ms"),
		board("late, when all diagrams are over", func(b *testkit.Board) {
			testkit.Expect(b, "hot", altered(hot(b), func(i int, e mail, emit func(mail) error) error {
				if i == 2 {
					time.Sleep(time.Minute - time.Millisecond) // virtual time: in a bubble
				}
				return emit(e)
			}), "-c-d")
		}, "e (position 5) came at", "was not wanted"),
		board("after completion", func(b *testkit.Board) {
			testkit.Expect(b, "cold", ending(cold(b), func(emit func(mail) error) error {
				return emit(&stream.Event[EmailSet]{})
			}), "(ab|)")
		}, "came at +0s and was not wanted"),
		board("missing completion", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "-c-de|") },
			"did not complete: wanted at +5ms"),
		board("completion that was not wanted", func(b *testkit.Board) { testkit.Expect(b, "cold", cold(b), "(ab)") },
			"completed at +0s, which was not wanted"),
		board("wrong error", func(b *testkit.Board) {
			testkit.Expect(b, "cold", ending(cold(b), func(func(mail) error) error { return errOther }), "(ab#)").Fails(errOdd)
		}, "failed at +0s with another error than wanted", "odd", "other"),
		board("right error wrapped where another is wanted", func(b *testkit.Board) {
			testkit.Expect(b, "cold", ending(cold(b), func(func(mail) error) error { return errOdd }), "(ab#)").Fails(fmt.Errorf("wrapped: %w", errOdd))
		}, "failed at +0s with another error than wanted", "wrapped: odd"),
		board("failed instead of completed", func(b *testkit.Board) {
			testkit.Expect(b, "cold", ending(cold(b), func(func(mail) error) error { return errOdd }), "(ab|)")
		}, `failed at +0s with "odd": it was to complete`),
		board("completed instead of failed", func(b *testkit.Board) { testkit.Expect(b, "cold", cold(b), "(ab#)").Fails(errOdd) },
			`completed at +0s: it was to fail with "odd"`),
		board("a panic is a failure", func(b *testkit.Board) {
			testkit.Expect(b, "cold", ending(cold(b), func(func(mail) error) error { panic("boom") }), "(ab|)")
		}, "the pipeline cold", "boom"),
		board("caught up too late", func(b *testkit.Board) {
			testkit.Expect(b, "both", replay.ColdHot(b.Log(), mails), "(ab) (c~) - d e")
		}, "was caught up at +0s, 1ms early"),
		board("never caught up", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "~c-de") },
			"was never caught up"),
		board("a live source that ended by itself", func(b *testkit.Board) {
			testkit.Expect(b, "hot", operators.Take(hot(b), 2), "-c-d")
		}, "completed at +3ms, which was not wanted"),
		board("a log closed is an end", func(b *testkit.Board) {
			testkit.Events(b, "end", mails, "^------|", letters)
			testkit.Expect(b, "hot", hot(b), "-c-de")
		}, "completed at +7ms, which was not wanted"),
		board("no Expect", func(*testkit.Board) {}, "nothing was tested"),
		board("a letter that no value has", func(b *testkit.Board) {
			testkit.Expect(b, "any", operators.Payloads(hot(b)), "-c-de", testkit.Values[EmailSet]{"c": {"c"}, "d": {"d"}})
		}, "lane any: no value for the letter e"),
		board("a letter that no event has", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "-c-dx") },
			"no event of the log has the letter x"),
		board("a diagram that can not be read", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "-c-(de") },
			"lane hot", "column 4", "never closed"),
		board("a log with what no log has", func(b *testkit.Board) { testkit.Events(b, "more", mails, "^ f ~", more) },
			"a log has events, a ^, crashes and an end"),
		board("a subscriber with what none has", func(b *testkit.Board) { testkit.Expect(b, "hot", hot(b), "-c-de").Subscribed("^ a") },
			"a subscriber's lane has"),
		board("one append to two instances", func(b *testkit.Board) { testkit.Events(b, "more", mails, "^ [fg]", more) },
			"one append goes to one instance"),
		board("a durable consumer behind memory", func(b *testkit.Board) {
			testkit.Expect(b, "skip", operators.Skip(hot(b), 1), "---de").Subscribed("^ - * - - -")
		}, "cannot resume through Skip"),
		board("a pipeline that does not end when it is left", func(b *testkit.Board) {
			testkit.Expect(b, "stuck", stream.Through(hot(b), func(stream.Run[mail]) stream.Run[mail] {
				return func(context.Context, func(mail) error) error { time.Sleep(2 * time.Hour); return nil }
			}), "-")
		}, "stuck did not end within an hour"),
	)
	wordForWord(t, "marble-never-delivered", said["dropped"])
	wordForWord(t, "marble-late", said["late"])
	wordForWord(t, "marble-redelivery", said["a redelivery that was not wanted"])
}
