package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Guarantee 4: Cold ends at the head it saw.
// Breaks when: history sets query.Follow, so that the reader chases the writer
// until the test's time is up.
func TestColdEndsAtTheHeadItSaw(t *testing.T) {
	log := memlog.New()
	put(t, log, users, "ann", emails(1, 2500)...)
	n := 0
	err := replay.Cold(log, users).Run(t.Context(), func(e *stream.Event[any]) error {
		n++
		put(t, log, users, "bob", emailSet{"later"}) // a writer for every event read
		return nil
	})
	if err != nil || n != 2500 {
		t.Errorf("got %d events and %v, want the 2500 of the beginning and completion", n, err)
	}
	t.Run("and a second run sees the new head", func(t *testing.T) {
		if got := len(read(t, replay.Cold(log, users), -1)); got != 5000 {
			t.Errorf("got %d events, want 5000", got)
		}
	})
}

func TestCold(t *testing.T) {
	log := memlog.New()
	put(t, log, users, "ann", emailSet{"ann@old"}, nameSet{"Ann"})
	put(t, log, lots, "7", lotSold{12})
	put(t, log, users, "bob", emailSet{"bob@old"})
	put(t, log, users, "ann", emailSet{"ann@new"})

	t.Run("delivers the topic's events in log order", func(t *testing.T) {
		wantList(t, read(t, replay.Cold(log, users), -1),
			"1 users/ann {ann@old}", "2 users/ann {Ann}", "4 users/bob {bob@old}", "5 users/ann {ann@new}")
	})
	t.Run("delivers one type of a narrowed topic", func(t *testing.T) {
		wantList(t, read(t, replay.Cold(log, stream.Only[nameSet](users)), -1), "2 users/ann {Ann}")
	})
	t.Run("delivers several topics in log order", func(t *testing.T) {
		both := stream.Union[any](stream.Only[nameSet](users), lots)
		wantList(t, read(t, replay.Cold(log, both), -1), "2 users/ann {Ann}", "3 lots/7 {12}")
	})
	t.Run("ends with a live mark at the head", func(t *testing.T) {
		got, err := steps(t.Context(), replay.Cold(log, lots), stream.Subscription{}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, "3 lots/7 {12}", "at 5 of 5 live")
	})
	t.Run("begins after a given place", func(t *testing.T) {
		at := stream.At(4)
		got, err := steps(t.Context(), replay.Cold(log, users), stream.Subscription{From: &at}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, "5 users/ann {ann@new}", "at 5 of 5 live")
	})
	t.Run("begun at the head, it says so and ends", func(t *testing.T) {
		at := stream.At(5)
		got, err := steps(t.Context(), replay.Cold(log, users), stream.Subscription{From: &at}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, "at 5 of 5 live")
	})
	t.Run("begun past the head, it fails", func(t *testing.T) {
		at := stream.At(6)
		_, err := steps(t.Context(), replay.Cold(log, users), stream.Subscription{From: &at}, nil)
		wantPastHead(t, err)
	})
	t.Run("knows its log, and is not hot", func(t *testing.T) {
		src := replay.Cold(log, users)
		if src.Log() != log || src.ReadsHot() {
			t.Error("got another log, or hot")
		}
	})
	t.Run("of no log or no topic has no source", func(t *testing.T) {
		for _, src := range []stream.Source[stream.Cold, any]{replay.Cold(nil, users), replay.Cold[any](log, nil)} {
			if err := src.Run(t.Context(), nil); !errors.Is(err, stream.ErrNoSource) {
				t.Errorf("got %v, want ErrNoSource", err)
			}
		}
	})
	t.Run("of a closed log fails", func(t *testing.T) {
		closed := memlog.New()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		if err := replay.Cold(closed, users).Run(t.Context(), nil); !errors.Is(err, stream.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
	t.Run("of an empty log completes with a live mark", func(t *testing.T) {
		got, err := steps(t.Context(), replay.Cold(memlog.New(), users), stream.Subscription{}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, "at 0 of 0 live")
	})
	t.Run("stopped by the sink, it returns the sink's error", func(t *testing.T) {
		stop := errors.New("enough")
		if err := replay.Cold(log, users).Run(t.Context(), func(*stream.Event[any]) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v, want the sink's error", err)
		}
	})
}

func wantPastHead(t *testing.T, err error) {
	t.Helper()
	var invalid *stream.InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(invalid.Reason, "past the log's head") {
		t.Errorf("got %v, want an *InvalidError: past the log's head", err)
	}
}

func TestHistory(t *testing.T) {
	log := memlog.New()
	put(t, log, users, "ann", emailSet{"a1"})
	put(t, log, users, "bob", emailSet{"b1"})
	put(t, log, users, "ann", emailSet{"a2"})
	put(t, log, lots, "ann", lotSold{12})

	t.Run("is of one instance of one topic", func(t *testing.T) {
		wantList(t, read(t, replay.History(log, users, "ann"), -1), "1 users/ann {a1}", "3 users/ann {a2}")
	})
	t.Run("may be bounded", func(t *testing.T) {
		wantList(t, read(t, replay.History(log, users, "ann", replay.UpTo(stream.At(2))), -1), "1 users/ann {a1}")
	})
	t.Run("of who does not exist is empty", func(t *testing.T) {
		wantList(t, read(t, replay.History(log, users, "eve"), -1))
	})
	t.Run("of a key that can not be is an error", func(t *testing.T) {
		for _, key := range []string{"", "a\nb", "\xff"} {
			var invalid *stream.InvalidError
			if err := replay.History(log, users, key).Run(t.Context(), nil); !errors.As(err, &invalid) {
				t.Errorf("%q: got %v, want an *InvalidError", key, err)
			}
		}
	})
}

func TestUpTo(t *testing.T) {
	log := memlog.New()
	put(t, log, users, "ann", emails(1, 5)...)
	for claim, c := range map[string]struct {
		bounds []replay.Bound
		want   int
	}{
		"a place is inclusive":         {[]replay.Bound{replay.UpTo(stream.At(3))}, 3},
		"the beginning is nothing":     {[]replay.Bound{replay.UpTo(stream.Cursor{})}, 0},
		"past the head is the head":    {[]replay.Bound{replay.UpTo(stream.At(99))}, 5},
		"the earliest of two holds":    {[]replay.Bound{replay.UpTo(stream.At(4)), replay.UpTo(stream.At(2))}, 2},
		"the earliest, either way":     {[]replay.Bound{replay.UpTo(stream.At(2)), replay.UpTo(stream.At(4))}, 2},
		"a time before all is nothing": {[]replay.Bound{replay.AsOf(time.Time{})}, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := len(read(t, replay.Cold(log, users, c.bounds...), -1)); got != c.want {
				t.Errorf("got %d events, want %d", got, c.want)
			}
		})
	}
	t.Run("the last mark is at the bound", func(t *testing.T) {
		got, err := steps(t.Context(), replay.Cold(log, users, replay.UpTo(stream.At(1))), stream.Subscription{}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, "1 users/ann {mail-1}", "at 1 of 1 live")
	})
}

func TestAsOf(t *testing.T) {
	var log *memlog.Log
	var times []time.Time
	synctest.Test(t, func(t *testing.T) { // one event an hour, in virtual time
		log = memlog.New()
		for _, e := range emails(1, 3) {
			put(t, log, users, "ann", e)
			times = append(times, time.Now())
			time.Sleep(time.Hour)
		}
	})
	want := []string{"1 users/ann {mail-1}", "2 users/ann {mail-2}", "3 users/ann {mail-3}"}
	for claim, c := range map[string]struct {
		bounds []replay.Bound
		want   int
	}{
		"a moment before the first is nothing":    {[]replay.Bound{replay.AsOf(times[0].Add(-1))}, 0},
		"the moment itself is inclusive":          {[]replay.Bound{replay.AsOf(times[1])}, 2},
		"between two is the earlier":              {[]replay.Bound{replay.AsOf(times[1].Add(time.Minute))}, 2},
		"the future is the head":                  {[]replay.Bound{replay.AsOf(times[2].Add(time.Hour))}, 3},
		"the earlier of two times holds":          {[]replay.Bound{replay.AsOf(times[2]), replay.AsOf(times[0])}, 1},
		"the earlier of a time and a place holds": {[]replay.Bound{replay.AsOf(times[2]), replay.UpTo(stream.At(1))}, 1},
		"the earlier of a place and a time holds": {[]replay.Bound{replay.UpTo(stream.At(3)), replay.AsOf(times[0])}, 1},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := read(t, replay.Cold(log, users, c.bounds...), -1); len(got) != c.want {
				t.Errorf("got %q, want %q", got, want[:c.want])
			}
		})
	}
	t.Run("the last mark is at the last event delivered", func(t *testing.T) {
		got, err := steps(t.Context(), replay.Cold(log, users, replay.AsOf(times[1])), stream.Subscription{}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, want[0], want[1], "at 2 of 3 live")
	})
	t.Run("the sink's error is its own at the bound, too", func(t *testing.T) {
		stop := errors.New("enough")
		err := replay.Cold(log, users, replay.AsOf(times[0])).Run(t.Context(), func(*stream.Event[any]) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("got %v, want the sink's error", err)
		}
	})
}

func TestUndecodable(t *testing.T) {
	log := memlog.New()
	put(t, log, users, "ann", emailSet{"a1"})
	bad := stream.Record{Header: stream.Header{Type: "EMAIL_SET", Schema: 1}, Data: []byte("{")}
	if _, err := log.Append(t.Context(), stream.ID{Topic: "users", Key: "bob"}, 0, bad); err != nil {
		t.Fatal(err)
	}
	put(t, log, users, "ann", nameSet{"Ann"})

	t.Run("ends the run after what came before, naming the event", func(t *testing.T) {
		got, err := steps(t.Context(), replay.Cold(log, users), stream.Subscription{}, nil)
		var d *stream.DecodeError
		if !errors.As(err, &d) || d.Position != 2 || d.Type != "EMAIL_SET" || d.Stream.Key != "bob" {
			t.Errorf("got %v, want a *DecodeError of event 2, an EMAIL_SET of bob", err)
		}
		wantList(t, got, "1 users/ann {a1}")
	})
	t.Run("leaves the log readable", func(t *testing.T) {
		at := stream.At(2)
		got, err := steps(t.Context(), replay.Cold(log, users), stream.Subscription{From: &at}, nil)
		if err != nil {
			t.Error(err)
		}
		wantList(t, got, "3 users/ann {Ann}", "at 3 of 3 live")
	})
	t.Run("is not met by whom it does not concern", func(t *testing.T) {
		wantList(t, read(t, replay.Cold(log, stream.Only[nameSet](users)), -1), "3 users/ann {Ann}")
		wantList(t, read(t, replay.History(log, users, "ann"), -1), "1 users/ann {a1}", "3 users/ann {Ann}")
	})
	t.Run("ends a live source, too", func(t *testing.T) {
		var d *stream.DecodeError
		if err := replay.ColdHot(log, users).Run(context.Background(), func(*stream.Event[any]) error { return nil }); !errors.As(err, &d) {
			t.Errorf("got %v, want a *DecodeError", err)
		}
	})
}
