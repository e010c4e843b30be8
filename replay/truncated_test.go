package replay_test

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Where a log's history was removed, a source that needs it says so, and gives
// nothing of what is left: half a history is no history.
// Breaks when: a source reads from behind the cut instead.
func TestSourcesOfATruncatedLogSaySoOrNeedNothingOfIt(t *testing.T) {
	log := memlog.New()
	put(t, log, users, "ann", emails(1, 10)...)
	put(t, log, users, "bob", emailSet{"bob@old"}, emailSet{"bob@new"})
	if err := log.SaveCursor(t.Context(), "late", stream.At(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Truncate(t.Context(), stream.At(10)); err != nil {
		t.Fatal(err)
	}
	refuses := func(what string, got []string, err error) {
		t.Helper()
		var gone *stream.TruncatedError
		if !errors.As(err, &gone) || !gone.Cut.Equal(stream.At(10)) || len(got) > 0 {
			t.Errorf("%s: got %v and %v, want nothing and a TruncatedError up to 10", what, got, err)
		}
	}
	got, err := steps(t.Context(), replay.Cold(log, users), stream.Subscription{}, nil)
	refuses("cold", got, err)
	got, err = steps(t.Context(), replay.ColdHot(log, users), stream.Subscription{}, nil)
	refuses("cold+hot", got, err)
	got, err = steps(t.Context(), replay.History(log, users, "ann"), stream.Subscription{}, nil)
	refuses("the history of an instance that was cut", got, err)
	wantList(t, read(t, replay.History(log, users, "bob"), -1), "11 users/bob {bob@old}", "12 users/bob {bob@new}")

	after := stream.At(10)
	got, err = steps(t.Context(), replay.Cold(log, users), stream.Subscription{From: &after}, nil)
	if err != nil || len(got) == 0 {
		t.Errorf("cold from behind the cut: got %v and %v, want what is left", got, err)
	}
	done := errors.New("one is enough")
	_, err = steps(t.Context(), replay.Hot(log, users), stream.Subscription{}, func(string) error { return done })
	if !errors.Is(err, done) {
		t.Errorf("hot: got %v, want it to run", err)
	}
	got, err = steps(t.Context(), replay.Hot(log, users), stream.Subscription{Consumer: "late"}, nil)
	refuses("hot, for a consumer that was behind the cut", got, err)
}
