package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/memlog"
)

// logs are what the rule is tried on.
func logs(t *testing.T) map[string]stream.MultiStore {
	t.Helper()
	onDisk, err := badgerlog.Open(t.TempDir(), badgerlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onDisk.Close(); err != nil {
			t.Error(err)
		}
	})
	return map[string]stream.MultiStore{"in memory": memlog.New(), "on disk": onDisk}
}

// TestOfSixtyFourWritersOneGetsTheEmail: all want the same e-mails at the same time.
// Breaks when: the append has no condition (judge returns none), or the condition
// begins at a head that was asked for after the events were read.
func TestOfSixtyFourWritersOneGetsTheEmail(t *testing.T) {
	const writers, emails = 64, 20
	for name, log := range logs(t) {
		t.Run(name, func(t *testing.T) {
			users := []*aggregate.Repository[Command, Event, State]{NewUsers(log), NewUsers(log)} // as of two programs
			won := make([]atomic.Int64, emails)
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					for i := range emails {
						_, err := users[w%2].Execute(t.Context(), fmt.Sprint("user-", w), SetEmail{fmt.Sprint(i, "@example")})
						switch {
						case err == nil:
							won[i].Add(1)
						case !errors.Is(err, ErrEmailTaken):
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			for i := range won {
				if n := won[i].Load(); n != 1 {
					t.Errorf("%d@example was given to %d users, want one", i, n)
				}
			}
			owners := map[string]string{}
			for e, err := range replay.Cold(log, stream.Only[EmailSet](Users)).All(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if owner, taken := owners[e.Data.Email]; taken {
					t.Errorf("%s and %s both have %s", owner, e.Stream, e.Data.Email)
				}
				owners[e.Data.Email] = e.Stream.String()
			}
			if len(owners) != emails {
				t.Errorf("%d e-mails were given away, want %d", len(owners), emails)
			}
		})
	}
}

func TestAnEmailStaysWithWhoHadItFirst(t *testing.T) {
	users := NewUsers(memlog.New())
	for _, step := range []struct {
		user, email string
		want        error
	}{
		{"ann", "a@example", nil},
		{"bob", "a@example", ErrEmailTaken},
		{"ann", "b@example", nil},
		{"bob", "a@example", ErrEmailTaken}, // ann may want it back one day
		{"ann", "a@example", ErrEmailReused},
		{"bob", "c@example", nil},
	} {
		if _, err := users.Execute(t.Context(), step.user, SetEmail{step.email}); !errors.Is(err, step.want) {
			t.Errorf("%s wants %s: got %v, want %v", step.user, step.email, err, step.want)
		}
	}
}
