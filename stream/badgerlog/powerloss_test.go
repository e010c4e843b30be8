package badgerlog

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// powered is a log whose disk is looked at before and after it is written to.
type powered struct {
	t          *testing.T
	durability Durability
	dir        string
	log        *Log
	opened     image          // the disk once it was open
	kept       map[string]int // what it had of consumers then

	disk    sync.Mutex   // held while one thing is written
	large   atomic.Bool  // the commit on its way goes to the database at once
	turn    sync.RWMutex // held by a large append, so that it is alone in its commit
	until   int          // so many writes before the next look; under disk
	looks   int          // so many looks are left; under disk
	done    chan struct{}
	heads   [][]byte // what HEAD was; under disk
	moments []moment // under disk

	mu     sync.Mutex
	events map[int]string
	truth  truth
}

// moment is one look: what was on the disk before and after a write, and what
// was acknowledged before it.
type moment struct {
	what          string
	before, after image
	steps         []step
	heads         [][]byte
	least         int // the last event that must be there
	most          int // the last one that was acknowledged
	kept          map[string]int
}

func newPowered(t *testing.T, d Durability) *powered {
	return &powered{t: t, durability: d, events: map[int]string{},
		truth: truth{Saved: map[string][]saved{}, Kept: map[string]int{}}}
}

// run opens a log that lost its power, and works until there were so many looks.
func (p *powered) run(from image, looks int) {
	p.dir, p.looks, p.done, p.moments, p.heads = from.write(p.t), looks, make(chan struct{}), nil, nil
	o := Options{Durability: p.durability, TailEvents: 50, Keys: specimenKeys}.SmallGenerations(60).Files(4 << 20)
	o.seams.commit, o.seams.flush = p.commit, p.flush
	p.until = 1 << 30 // not while it opens
	opening := takeImage(p.t, p.dir)
	var err error
	if p.log, err = Open(p.dir, o); err != nil {
		p.t.Fatal(err)
	}
	p.adopt()
	p.opened, p.kept = takeImage(p.t, p.dir), maps.Clone(p.truth.Kept)
	if len(from) > 0 {
		m := moment{what: "opening", before: opening, after: p.opened, least: p.truth.Least, most: p.truth.Least, kept: p.kept}
		m.steps = append(databaseSteps(m.before, m.after), journalSteps(m.before, m.after)...)
		p.moments = append(p.moments, m)
	}
	p.disk.Lock()
	p.until = rand.IntN(20)
	p.disk.Unlock()
	p.work()
	if err := p.log.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// adopt takes what the log has as the truth: the power may have gone before the
// rest was on the disk.
func (p *powered) adopt() {
	head := int(p.log.memory.head)
	p.truth.Least, p.truth.Appends = head, before(p.truth.Appends, head)
	for at := range p.events {
		if at > head {
			delete(p.events, at)
		}
	}
	for name := range p.truth.Saved {
		at, ok, err := p.log.Cursor(p.t.Context(), name)
		if err != nil {
			p.t.Fatal(err)
		}
		p.truth.Saved[name], p.truth.Kept[name] = nil, 0
		if ok {
			p.truth.Saved[name], p.truth.Kept[name] = []saved{{at.String(), map[string]string{"at": at.String()}}}, 1
		}
	}
}

func before(all []appended, head int) (kept []appended) {
	for _, a := range all {
		if a.First <= head {
			kept = append(kept, a)
		}
	}
	return kept
}

// work appends from several goroutines and saves cursors until the looks are over.
func (p *powered) work() {
	var all sync.WaitGroup
	for w := range 6 {
		all.Go(func() {
			for p.goesOn() {
				p.turn.RLock()
				p.append(w, 1+rand.IntN(4), 20+rand.IntN(600))
				p.turn.RUnlock()
			}
		})
	}
	all.Go(func() {
		for n := 0; p.goesOn(); n++ {
			p.turn.RLock()
			p.save("auditor")
			p.turn.RUnlock()
		}
	})
	all.Go(func() {
		for p.goesOn() {
			p.appendLarge()
			for range 5 { // and others meanwhile
				p.append(7, 1, 10)
			}
		}
	})
	all.Wait()
}

func (p *powered) goesOn() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// appendLarge appends what goes to the database at once, with nothing else in
// its commit.
func (p *powered) appendLarge() {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.large.Store(p.durability == Synced)
	defer p.large.Store(false)
	p.append(6, 3, directBytes/3+1)
}

func (p *powered) append(writer, events, size int) {
	id, command := stream.ID{Topic: "t", Key: fmt.Sprint("w", writer, "-", rand.IntN(3))}, stream.NewID()
	records := make([]stream.Record, events)
	for i := range records {
		records[i] = stream.Record{Header: stream.Header{Type: "T", Schema: 1, Command: command}, Data: bytes.Repeat([]byte{byte(rand.IntN(256))}, size)}
	}
	got, err := p.log.Append(context.Background(), id, stream.AnyVersion, records...)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.truth.Appends = append(p.truth.Appends, appended{id, command, int(got[0].Position), events})
	for i := range got {
		p.events[int(got[i].Position)] = sumOf(&got[i])
	}
	p.truth.Least = max(p.truth.Least, int(got[events-1].Position)) // what is before it is in its commit, or in earlier ones
}

func (p *powered) save(name string) {
	at, err := p.log.Head(context.Background())
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	p.truth.Saved[name] = append(p.truth.Saved[name], saved{at.String(), map[string]string{"at": at.String()}})
	n := len(p.truth.Saved[name])
	p.mu.Unlock()
	if err := p.log.Checkpoint(context.Background(), name, at, stream.Change{Key: "at", Value: []byte(at.String())}); err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.truth.Kept[name] = n
}

// commit is the seam around a journal record. A commit that goes to the database
// at once is looked at by flush.
func (p *powered) commit(write func() error) error {
	if p.large.Load() {
		return write()
	}
	return p.written("a commit", write, journalSteps)
}

// flush is the seam around a transaction of the database.
func (p *powered) flush(write func() error) error {
	return p.written("a transaction", write, databaseSteps)
}

func (p *powered) written(what string, write func() error, steps func(before, after image) []step) error {
	p.disk.Lock()
	defer p.disk.Unlock()
	if p.until--; p.until >= 0 || p.looks == 0 {
		return write()
	}
	m := p.look(what)
	err := write()
	m.after = takeImage(p.t, p.dir)
	m.steps = steps(m.before, m.after)
	p.moments = append(p.moments, m)
	p.until = rand.IntN(20)
	if p.looks--; p.looks == 0 {
		close(p.done)
	}
	return err
}

// look is a moment before something is written.
func (p *powered) look(what string) moment {
	p.mu.Lock()
	least, kept := p.truth.Least, maps.Clone(p.truth.Kept)
	p.mu.Unlock() // what is acknowledged from here on may be in the image, and need not
	m := moment{what: what, least: least, most: least, kept: kept}
	if p.durability == Unsynced { // only the database is synced; it had everything when the log was opened
		p.log.memory.mu.RLock()
		m.least, m.kept = int(p.log.memory.stored), p.kept
		p.log.memory.mu.RUnlock()
	}
	m.before = takeImage(p.t, p.dir)
	if head := m.before[witnessName]; head != nil {
		p.heads = append(p.heads, head)
	}
	m.heads = p.heads[:len(p.heads):len(p.heads)]
	return m
}

// told is the truth as a log may show it that lost its power at a moment.
func (p *powered) told(m moment) *truth {
	told := p.truth
	told.Events = make([]string, len(p.events))
	for at, sum := range p.events {
		told.Events[at-1] = sum
	}
	told.Least, told.Kept = m.least, m.kept
	return &told
}

// TestLossOfPowerLosesNothingThatWasSynced takes the power away while a commit, a
// transaction or an opening is being written: the log opens, with everything that
// was acknowledged, and what was on its way whole or not at all.
// Breaks when: the journal's scan takes a torn record at the end for damage; begin writes
// a segment's header once.
func TestLossOfPowerLosesNothingThatWasSynced(t *testing.T) {
	x, p := &examiner{t: t}, newPowered(t, Synced)
	trials, at, im := envCount(t, "THAW_POWERLOSS", 30), map[string]int{}, image{}
	for done := 0; done < trials && !t.Failed(); {
		if p.truth.Least > 3000 { // what is examined takes longer and longer
			p, im = newPowered(t, Synced), image{}
		}
		p.run(im, 2)
		for _, m := range p.moments {
			n := rand.IntN(len(m.steps) + 1)
			im = tornAt(m.before, m.after, m.steps, n)
			tornHead(im, m.heads)
			what := m.what + ", whole"
			if n < len(m.steps) {
				what = m.what + ", " + m.steps[n].what
			}
			want := p.told(m)
			r, _ := x.ask(im, Synced, want)
			if r.Refused != "" || len(r.Found) > 0 || len(r.Wrong) > 0 {
				t.Errorf("after a loss of power during %s: refused %q, found %q, wrong %q; want every event up to %d", what, r.Refused, r.Found, r.Wrong, want.Least)
			}
			at[what]++
			done++
		}
	}
	t.Logf("%d losses of power: %v", trials, at)
}
