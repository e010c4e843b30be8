package main

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// slowStore keeps what it is given, one commit after the other, and waits in each
// until it may go on.
type slowStore struct {
	mu      sync.Mutex
	commits [][]int
	goOn    chan error
}

func (s *slowStore) put(int, int) error { return errors.New("a commit of many was not expected") }
func (s *slowStore) close() error       { return nil }

func (s *slowStore) putEach(numbers []int) error {
	s.mu.Lock()
	s.commits = append(s.commits, slices.Clone(numbers))
	s.mu.Unlock()
	return <-s.goOn
}

// Breaks when: lead makes the next group before it has the lock of the commit, so
// that nobody joins while the commit before goes on.
func TestCallersWhoComeDuringACommitShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowStore{goOn: make(chan error)}
		s := newGrouped(slow)
		broken := errors.New("the disk is gone")
		errs := make([]error, 5)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = s.put(i, 1) })
			synctest.Wait() // the first is in its commit, the others wait
		}
		slow.goOn <- nil
		slow.goOn <- broken
		wg.Wait()
		if len(slow.commits) != 2 || !slices.Equal(slow.commits[0], []int{0}) || !slices.Equal(slow.commits[1], []int{1, 2, 3, 4}) {
			t.Errorf("got commits %v, want the first event and then all others", slow.commits)
		}
		for i, err := range errs {
			if want := i > 0; errors.Is(err, broken) != want {
				t.Errorf("caller %d got error %v, want the second commit's: %t", i, err, want)
			}
		}
	})
}
