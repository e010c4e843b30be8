package main

import (
	"runtime"
	"sync"
)

// combined is a store that can put the events of several callers into one commit.
type combined interface {
	store
	putEach(numbers []int) error
}

// grouped is the group commit that a user would write around a store that has
// none: callers who come while a commit is under way share the next one. Commits
// of many events are passed on as they are.
type grouped struct {
	combined
	commit chan struct{} // holds one value while a caller commits
	mu     sync.Mutex
	next   *group // that is gathered
}

// group is one commit of several callers; the first of them makes it.
type group struct {
	numbers []int
	done    chan struct{} // closed once it is committed, or has failed with err
	err     error
}

func newGroup() *group { return &group{done: make(chan struct{})} }

func newGrouped(s combined) store {
	return &grouped{combined: s, commit: make(chan struct{}, 1), next: newGroup()}
}

func (g *grouped) put(first, n int) error {
	if n > 1 {
		return g.combined.put(first, n)
	}
	g.mu.Lock()
	mine := g.next
	mine.numbers = append(mine.numbers, first)
	leads := len(mine.numbers) == 1
	g.mu.Unlock()
	if leads {
		g.lead(mine)
	}
	<-mine.done
	return mine.err
}

// lead waits for the commit before, lets callers join meanwhile, and commits.
func (g *grouped) lead(mine *group) {
	g.commit <- struct{}{}
	defer func() { <-g.commit }()
	runtime.Gosched() // those whom the last commit has woken come back first
	g.mu.Lock()
	g.next = newGroup()
	g.mu.Unlock()
	mine.err = g.putEach(mine.numbers)
	close(mine.done)
}
