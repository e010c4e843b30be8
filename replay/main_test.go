package replay_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"go.uber.org/goleak"
)

// TestMain fails the package if any test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	emailSet struct{ Email string }
	nameSet  struct{ Name string }
	lotSold  struct{ Price int }
)

var (
	users = stream.NewTopic("users", stream.Catalogue[any]{"EMAIL_SET": emailSet{}, "NAME_SET": nameSet{}})
	lots  = stream.NewTopic("lots", stream.Catalogue[lotSold]{"LOT_SOLD": {}})
)

// put appends events to an instance, one append each.
func put[E any](t testing.TB, log stream.Store, topic *stream.Topic[E], key string, events ...any) {
	t.Helper()
	for _, e := range events {
		rec, err := topic.Encode(e.(E))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(context.Background(), stream.ID{Topic: topic.Name(), Key: key}, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
	}
}

// emails are events that differ.
func emails(from, to int) (list []any) {
	for i := from; i <= to; i++ {
		list = append(list, emailSet{fmt.Sprintf("mail-%d", i)})
	}
	return list
}

// brief is an event in few words: "3 users/ann {mail-3}".
func brief[E any](e *stream.Event[E]) string {
	return fmt.Sprintf("%d %s %v", e.Position, e.Stream, e.Data)
}

// read takes at most n events of a source and leaves; n below 0: all.
func read[K stream.Kind, E any](t testing.TB, src stream.Source[K, E], n int) (list []string) {
	t.Helper()
	if n == 0 {
		return nil
	}
	for e, err := range src.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, brief(e)); len(list) == n {
			break
		}
	}
	return list
}

// steps subscribes and writes down events and marks in order, until enough says
// so or the source ends.
func steps[K stream.Kind, E any](ctx context.Context, src stream.Source[K, E], sub stream.Subscription, enough func(string) error) (list []string, err error) {
	note := func(entry string) error {
		list = append(list, entry)
		if enough == nil {
			return nil
		}
		return enough(entry)
	}
	sub.Mark = func(m stream.Mark) error {
		entry := fmt.Sprintf("at %s of %s", m.At, m.Head)
		if m.Live {
			entry += " live"
		}
		return note(entry)
	}
	err = src.Subscribe(ctx, sub, func(e *stream.Event[E]) error { return note(brief(e)) })
	return list, err
}

func wantList(t testing.TB, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// onlyLog is a log that can do nothing but be read.
type onlyLog struct{ stream.Log }

var _ stream.Log = onlyLog{memlog.New()}
