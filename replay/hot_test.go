package replay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// mailer is a durable consumer that saves its place at each mark, as sinks do.
type mailer struct {
	name string
	got  []string
	stop func() // ends it and waits
}

// online starts a consumer inside a bubble and returns once it waits for events.
func online(t *testing.T, log *memlog.Log, name string, topic *stream.Topic[any]) *mailer {
	t.Helper()
	m := &mailer{name: name}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	sub := stream.Subscription{Consumer: name}
	if name != "" {
		sub.Mark = func(mark stream.Mark) error { return log.SaveCursor(context.Background(), name, mark.At) }
	}
	go func() {
		done <- replay.Hot(log, topic).Subscribe(ctx, sub, func(e *stream.Event[any]) error {
			m.got = append(m.got, brief(e))
			return nil
		})
	}()
	m.stop = func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the consumer ended with %v, want context.Canceled", err)
		}
	}
	synctest.Wait()
	return m
}

// Guarantee 6: Hot never delivers what was appended before its consumer was
// born, and loses nothing while it is down.
// Breaks when: Hot does not set query.From to the head; when it takes the head
// again for a consumer that has been placed; when it does not save the head at
// birth. Each was seen.
func TestHot(t *testing.T) {
	t.Run("a nameless consumer begins at the head each time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			put(t, log, users, "ann", emailSet{"before"})
			for i := range 2 {
				m := online(t, log, "", users)
				put(t, log, users, "ann", emailSet{"while"})
				synctest.Wait()
				wantList(t, m.got, fmt.Sprintf("%d users/ann {while}", 2*i+2))
				m.stop()
				put(t, log, users, "ann", emailSet{"down"})
			}
		})
	})
	t.Run("a named one gets what was appended while it was down, and nothing twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			put(t, log, users, "ann", emailSet{"before"})
			m := online(t, log, "mailer", users)
			put(t, log, users, "ann", emailSet{"first"})
			synctest.Wait()
			wantList(t, m.got, "2 users/ann {first}")
			m.stop()
			put(t, log, users, "ann", emailSet{"down"})
			m = online(t, log, "mailer", users)
			put(t, log, users, "ann", emailSet{"again"})
			synctest.Wait()
			wantList(t, m.got, "3 users/ann {down}", "4 users/ann {again}")
			m.stop()
		})
	})
	t.Run("a named one that died before its first event is not born again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			put(t, log, users, "ann", emailSet{"before"})
			ctx, cancel := context.WithCancel(t.Context())
			cancelled := stream.Subscription{Consumer: "mailer", Mark: func(stream.Mark) error { cancel(); return ctx.Err() }}
			if err := replay.Hot(log, users).Subscribe(ctx, cancelled, none); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if at, ok, err := log.Cursor(t.Context(), "mailer"); err != nil || !ok || !at.Equal(stream.At(1)) {
				t.Errorf("got cursor %v, %v, %v, want 1 stored at birth", at, ok, err)
			}
			put(t, log, users, "ann", emailSet{"down"})
			m := online(t, log, "mailer", users)
			wantList(t, m.got, "2 users/ann {down}")
			m.stop()
		})
	})
	t.Run("one that crashed between event and mark gets the event again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			online(t, log, "mailer", users).stop()
			put(t, log, users, "ann", emailSet{"e1"})
			crash := errors.New("crash")
			err := replay.Hot(log, users).Subscribe(t.Context(), stream.Subscription{Consumer: "mailer"}, func(*stream.Event[any]) error { return crash })
			if !errors.Is(err, crash) {
				t.Fatal(err)
			}
			m := online(t, log, "mailer", users)
			wantList(t, m.got, "1 users/ann {e1}")
			m.stop()
		})
	})
	t.Run("its place moves over what its topic does not select", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			m := online(t, log, "mailer", stream.Union[any](stream.Only[emailSet](users)))
			put(t, log, users, "ann", nameSet{"Ann"}, emailSet{"a1"}, nameSet{"Anna"})
			put(t, log, lots, "7", lotSold{1})
			synctest.Wait()
			wantList(t, m.got, "2 users/ann {a1}")
			if at, _, err := log.Cursor(t.Context(), "mailer"); err != nil || !at.Equal(stream.At(4)) {
				t.Errorf("got cursor %v, %v, want 4", at, err)
			}
			m.stop()
		})
	})
	t.Run("a union is delivered in log order", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			m := online(t, log, "mailer", stream.Union[any](users, lots))
			put(t, log, users, "ann", emailSet{"a1"})
			put(t, log, lots, "7", lotSold{1})
			put(t, log, users, "ann", nameSet{"Ann"})
			synctest.Wait()
			wantList(t, m.got, "1 users/ann {a1}", "2 lots/7 {1}", "3 users/ann {Ann}")
			m.stop()
		})
	})
	t.Run("it knows that it is hot", func(t *testing.T) {
		log := memlog.New()
		if src := replay.Hot(log, users); !src.ReadsHot() || src.Log() != log {
			t.Error("got another log, or not hot")
		}
		if replay.ColdHot(log, users).ReadsHot() {
			t.Error("cold+hot says that it is hot")
		}
	})
}

func none(*stream.Event[any]) error { return errors.New("an event was delivered") }

func TestHotRefuses(t *testing.T) {
	named := stream.Subscription{Consumer: "mailer"}
	t.Run("a second runner, until the first has gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := memlog.New()
			m := online(t, log, "mailer", users)
			for _, subscribe := range []func() error{
				func() error { return replay.Hot(log, users).Subscribe(t.Context(), named, none) },
				func() error { return replay.ColdHot(log, users).Subscribe(t.Context(), named, none) },
				func() error { return replay.Cold(log, users).Subscribe(t.Context(), named, none) },
			} {
				var busy *stream.BusyError
				if err := subscribe(); !errors.As(err, &busy) || busy.Consumer != "mailer" {
					t.Errorf("got %v, want a *BusyError of mailer", err)
				}
			}
			online(t, log, "another", users).stop()
			m.stop()
			online(t, log, "mailer", users).stop()
		})
	})
	t.Run("a named consumer on a log that keeps no cursors", func(t *testing.T) {
		log := onlyLog{memlog.New()}
		var refused *stream.NotDurableError
		if err := replay.Hot[any](log, users).Subscribe(t.Context(), named, none); !errors.As(err, &refused) {
			t.Errorf("got %v, want a *NotDurableError", err)
		}
	})
	t.Run("a name that can not be", func(t *testing.T) {
		var invalid *stream.InvalidError
		err := replay.Hot(memlog.New(), users).Subscribe(t.Context(), stream.Subscription{Consumer: "a\nb"}, none)
		if !errors.As(err, &invalid) {
			t.Errorf("got %v, want an *InvalidError", err)
		}
	})
	t.Run("a place past the head: the log was replaced", func(t *testing.T) {
		at := stream.At(9)
		log := memlog.New()
		put(t, log, users, "ann", emails(1, 3)...)
		for _, sub := range []stream.Subscription{{From: &at}, {Consumer: "mailer", From: &at}} {
			wantPastHead(t, replay.Hot(log, users).Subscribe(t.Context(), sub, none))
			wantPastHead(t, replay.ColdHot(log, users).Subscribe(t.Context(), sub, none))
			wantPastHead(t, replay.Cold(log, users).Subscribe(t.Context(), sub, none))
		}
		t.Run("and the name is free again", func(t *testing.T) {
			release, err := log.Claim(t.Context(), "mailer")
			if err != nil {
				t.Fatal(err)
			}
			release()
		})
	})
	t.Run("a saved place past the head, in the same way", func(t *testing.T) {
		log := replaced{memlog.New()}
		for _, err := range []error{
			replay.Hot[any](log, users).Subscribe(t.Context(), named, none),
			replay.ColdHot[any](log, users).Subscribe(t.Context(), named, none),
			replay.Cold[any](log, users).Subscribe(t.Context(), named, none),
		} {
			wantPastHead(t, err)
		}
	})
	t.Run("to go on when its birth can not be stored", func(t *testing.T) {
		if err := replay.Hot[any](forgetful{memlog.New()}, users).Subscribe(t.Context(), named, none); !errors.Is(err, errDisk) {
			t.Errorf("got %v, want the storage error", err)
		}
	})
}

// replaced is a log whose consumers remember another, longer one.
type replaced struct{ *memlog.Log }

func (replaced) Cursor(context.Context, string) (stream.Cursor, bool, error) {
	return stream.At(9), true, nil
}

var errDisk = errors.New("no space left")

// forgetful can not store a consumer's place.
type forgetful struct{ *memlog.Log }

func (forgetful) SaveCursor(context.Context, string, stream.Cursor) error { return errDisk }
