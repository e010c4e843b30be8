package testkit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// place is a consumer's saved place; false if there is none.
func (s *subject) place(name string) (stream.Cursor, bool) {
	s.t.Helper()
	got, ok, err := s.Cursor(s.ctx, name)
	s.must(err, "cursor of "+name)
	return got, ok
}

func (s *subject) hasPlace(name string, want stream.Cursor) {
	s.t.Helper()
	got, ok := s.place(name)
	if !ok || !got.Equal(want) {
		s.broken("the place of %q: got %s (saved: %t), want %s", name, got, ok, want)
	}
}

func neverSaved(s *subject) {
	s.fill(3)
	if got, ok := s.place("mailer"); ok || !got.IsZero() {
		s.broken("the place of a consumer that was never saved: got %s (saved: %t), want none", got, ok)
	}
	s.must(s.SaveCursor(s.ctx, "mailer", stream.Cursor{}), "saving the beginning")
	s.hasPlace("mailer", stream.Cursor{})
}

func forwardOnly(s *subject) {
	s.fill(10)
	for _, place := range []int{2, 2, 7, 10} {
		s.must(s.SaveCursor(s.ctx, "mailer", at(place)), "saving a place further on")
		s.hasPlace("mailer", at(place))
	}
	for _, place := range []int{0, 1, 9} {
		err := s.SaveCursor(s.ctx, "mailer", at(place))
		got := failsWith[*stream.BackwardsError](s, fmt.Sprintf("saving %d after 10", place), err)
		s.same("the error", *got, stream.BackwardsError{Consumer: "mailer", Saved: at(10), Head: at(10), Asked: at(place)})
		s.hasPlace("mailer", at(10))
	}
}

func notPastHead(s *subject) {
	s.fill(3)
	for _, place := range []stream.Cursor{at(4), at(1 << 40), stream.At(3, 1)} {
		failsWith[*stream.BackwardsError](s, "saving "+place.String()+" in a log at 3", s.SaveCursor(s.ctx, "mailer", place))
		if _, ok := s.place("mailer"); ok {
			s.broken("a place past the head was refused and saved")
		}
	}
	s.must(s.SaveCursor(s.ctx, "mailer", at(3)), "saving the head")
}

// consumers are names that an engine might confuse.
var consumers = []string{
	"a", "aa", "a/", "a/a", "a//", "ab", "b", "/", "A", "a ", "a:", "a.b", "é", "e\u0301", "日本",
	strings.Repeat("n", stream.MaxKeyBytes), strings.Repeat("n", stream.MaxKeyBytes-1),
}

func placesApart(s *subject) {
	s.fill(len(consumers))
	for i, name := range consumers {
		if _, ok := s.place(name); ok {
			s.broken("%.40q has a place before it was saved", name)
		}
		s.must(s.SaveCursor(s.ctx, name, at(i)), "saving")
	}
	for i, name := range consumers {
		s.hasPlace(name, at(i))
	}
}

func consumerNames(s *subject) {
	s.fill(1)
	for _, name := range []string{"", "a\x00", "a\nb", "\xff", strings.Repeat("n", stream.MaxKeyBytes+1)} {
		for method, err := range s.callAll(s.ctx, name) {
			step := fmt.Sprintf("%s of consumer %.20q", method, name)
			if len(name) > stream.MaxKeyBytes {
				failsWith[*stream.TooLargeError](s, step, err)
				continue
			}
			failsWith[*stream.InvalidError](s, step, err)
		}
	}
}

// callAll calls every method that takes a consumer's name.
func (s *subject) callAll(ctx context.Context, name string) map[string]error {
	_, claim := s.Claim(ctx, name)
	_, _, cursor := s.Cursor(ctx, name)
	all := map[string]error{
		"Claim":      claim,
		"Cursor":     cursor,
		"SaveCursor": s.SaveCursor(ctx, name, at(1)),
	}
	if !s.lacks(CheckpointTogether) {
		_, _, all["State"] = s.State(ctx, name, "k")
		all["Checkpoint"] = s.Checkpoint(ctx, name, at(1), stream.Change{Key: "k", Value: []byte("v")})
		all["States"] = s.States(ctx, name, "", func(string, []byte) error { return errors.New("emit was called") })
	}
	return all
}

func oneRunner(s *subject) {
	release, err := s.Claim(s.ctx, "mailer")
	s.must(err, "first claim")
	_, err = s.Claim(s.ctx, "mailer")
	s.same("the error", *failsWith[*stream.BusyError](s, "second claim", err), stream.BusyError{Consumer: "mailer"})
	other, err := s.Claim(s.ctx, "mailer2")
	s.must(err, "claim of another consumer")
	defer other()
	release()
	next, err := s.Claim(s.ctx, "mailer")
	s.must(err, "claim after the release")
	release() // again: it is no longer the first claimant's to release
	_, err = s.Claim(s.ctx, "mailer")
	failsWith[*stream.BusyError](s, "claim after the first claimant released twice", err)
	next()
	next()
	again, err := s.Claim(s.ctx, "mailer")
	s.must(err, "claim after the second release")
	again()
}

func claimAtOnce(s *subject) {
	var held, won atomic.Int64
	s.together(32, func(int) error {
		for range 50 {
			release, err := s.Claim(s.ctx, "mailer")
			if err != nil {
				var busy *stream.BusyError
				if !errors.As(err, &busy) {
					return err
				}
				continue
			}
			won.Add(1)
			if n := held.Add(1); n != 1 {
				return fmt.Errorf("%d runners hold the consumer at once", n)
			}
			runtime.Gosched() // let the others try
			held.Add(-1)
			release()
		}
		return nil
	})
	if won.Load() == 0 {
		s.broken("nobody got the consumer")
	}
}

func logsApart(s *subject) {
	other := s.open(s.t.TempDir())
	defer func() { s.must(other.Close(), "closing the other log") }()
	s.fill(2)
	release, err := s.Claim(s.ctx, "mailer")
	s.must(err, "claim on the first log")
	defer release()
	theirs, err := other.Claim(s.ctx, "mailer")
	s.must(err, "claim of the same name on the second log")
	theirs()
	s.must(s.checkpoint("mailer", at(2), change("k", "v")), "checkpoint on the first log")
	if _, ok, err := other.Cursor(s.ctx, "mailer"); ok || err != nil {
		s.broken("the second log has the first one's place (error %v)", err)
	}
	if s.lacks(CheckpointTogether) {
		return
	}
	if _, ok, err := other.State(s.ctx, "mailer", "k"); ok || err != nil {
		s.broken("the second log has the first one's state (error %v)", err)
	}
}
