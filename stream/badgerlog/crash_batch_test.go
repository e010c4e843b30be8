package badgerlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// onceTag begins the tags that at most one event of a log carries.
const onceTag = "once:"

// crashBatch is an append to two streams of two topics, of three events, of which
// nobody else's has the tag. All but the tag and the place follow from the command.
func crashBatch(command stream.EventID, tag string, after stream.Cursor) stream.Batch {
	records := crashRecords(command, 3)
	records[0].Tags = []string{tag}
	records[2].Tags = []string{"second"}
	for i := range records {
		records[i].Remember = 3600 // so that there are entries which the database will forget
	}
	return stream.Batch{
		Writes: []stream.Write{
			{Stream: stream.ID{Topic: "claims", Key: fmt.Sprint(command[0] % 20)}, Expected: stream.AnyVersion, Records: records[:1]},
			{Stream: crashStream(60 + int(command[1]%20)), Expected: stream.AnyVersion, Records: records[1:]},
		},
		Conditions: []stream.Condition{{Match: []stream.Match{{Topic: "claims", Tags: []string{tag}}}, After: after}},
	}
}

// claim appends a batch for a tag that others want as well.
func (v *victim) claim() error {
	s, err := v.log.Stats(context.Background())
	if err != nil {
		return err
	}
	command, tag := stream.NewID(), fmt.Sprint(onceTag, s.Head/500, ".", rand.IntN(20))
	v.say("b %s %s", command, tag)
	stored, err := v.log.AppendAll(context.Background(), crashBatch(command, tag, stream.At(s.Cut)))
	if refused(err) {
		v.say("r %s", command)
		return nil
	}
	if err != nil {
		return err
	}
	v.say("e %d %s %d %s %d", stored[0].Position, stored[0].Stream, stored[0].Version, command, len(stored))
	return nil
}

// refused reports whether a batch was not stored as its condition does not hold, or
// nobody knows.
func refused(err error) bool {
	var broken *stream.ConditionError
	var gone *stream.TruncatedError
	return errors.As(err, &broken) || errors.As(err, &gone)
}

// addTags checks that no event has a tag that another has which only one may have.
func (w *walked) addTags(r *stream.Record) error {
	for _, tag := range r.Tags {
		w.tags[tag] = append(w.tags[tag], r.Position)
		if all := w.tags[tag]; strings.HasPrefix(tag, onceTag) && len(all) > 1 {
			return fmt.Errorf("it is tagged %s, and so is the one at %d: a condition was broken", tag, all[0])
		}
	}
	return nil
}

// checkTags compares the index of tags with what the log says.
func (c *crashes) checkTags(log *badgerlog.Log, w *walked) {
	c.t.Helper()
	for tag, want := range w.tags {
		var got []stream.Position
		q := stream.Query{From: stream.At(w.cut), Match: []stream.Match{{Tags: []string{tag}}}}
		err := log.Read(c.t.Context(), q, func(records []stream.Record, _ stream.Mark) error {
			for i := range records {
				got = append(got, records[i].Position)
			}
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			c.t.Errorf("%s: found at %v, in the log at %v: %v", tag, got, want, err)
		}
	}
}

// claimAgain sends batches that were neither acknowledged nor refused: what took effect
// does not do so twice, the rest may now.
func (c *crashes) claimAgain(log *badgerlog.Log, w *walked) {
	c.t.Helper()
	for command, tag := range c.doubtAll {
		g, there := w.groups[command]
		if there && !g.whole {
			continue // its beginning was truncated, so it would take effect again
		}
		c.total.doubts++
		stored, err := log.AppendAll(c.t.Context(), crashBatch(command, tag, stream.At(w.cut)))
		if !there && refused(err) {
			continue
		}
		if err != nil || len(stored) != 3 || there && stored[0].Position != g.at || !there && stored[0].Position <= w.head {
			c.t.Errorf("batch %s again, found at %d: got %d events: %v", command, g.at, len(stored), err)
			continue
		}
		if there {
			c.total.doubled++
		}
		c.stored[stored[0].Position] = toldOf(&stored[0], len(stored))
	}
	clear(c.doubtAll)
}
