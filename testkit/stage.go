package testkit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// stage is one run of a script, in a bubble of virtual time: a process over a
// log that may crash, and is then started again at once.
type stage struct {
	world *world
	log   Log                      // for the process
	begin func(log Log) stageActor // starts the process; called again after a crash
	after func()                   // called between a crash and the next start; may be nil
	actor stageActor
	life  *running // the process; nil before the first
	died  chan struct{}

	clock  sync.Mutex
	base   time.Duration // where the present scene, a step of the script, begins in the diagram
	moment time.Time     // and by the clock
	scenes []int         // how many steps came before each scene that has begun; the first is the start

	mu      sync.Mutex
	steps   []string        // what the process did that outlives a crash, in words
	over    bool            // the script is
	until   time.Duration   // when it was
	history stream.Position // the last event that was there before the process
	written map[stream.Position]writing
	failed  []failure // how the process ended by itself

	crashed    time.Duration // when, in the diagram
	crashScene int
}

// stageActor is what a process runs.
type stageActor interface {
	Run(ctx context.Context) error
	Online(ctx context.Context) error
}

// failure is a run that ended by itself.
type failure struct {
	scene int
	at    time.Duration
	err   error
}

// stageTick is what one event of a script takes in its diagram.
const stageTick = time.Millisecond

// newStage opens a log in the bubble of t. The process will crash at one of its
// steps; 0: never.
func newStage(t *testing.T, medium Medium, crashAt int) (*stage, error) {
	w, err := newWorld(t, medium)
	if err != nil {
		return nil, err
	}
	s := &stage{world: w, died: make(chan struct{}, 1), moment: w.began, scenes: make([]int, 1), written: map[stream.Position]writing{}}
	s.log = Intercept(w.log, s.note)
	w.crashAt = crashAt
	w.onCrash = func() {
		s.crashed, s.crashScene = s.now(), s.scene()
		s.life.cancel()
		s.died <- struct{}{}
	}
	return s, nil
}

// now is where the run is in its diagram, to the tick.
func (s *stage) now() time.Duration {
	s.clock.Lock()
	defer s.clock.Unlock()
	return s.base + time.Since(s.moment).Round(stageTick)
}

// scene is which step of the script is played, from 1; 0: the start.
func (s *stage) scene() int {
	s.clock.Lock()
	defer s.clock.Unlock()
	return len(s.scenes) - 1
}

// next begins the next step of the script, a tick behind the one before.
func (s *stage) next() {
	at := s.now() + stageTick
	s.mu.Lock()
	steps := len(s.steps)
	s.mu.Unlock()
	s.clock.Lock()
	defer s.clock.Unlock()
	s.base, s.moment = at, time.Now()
	s.scenes = append(s.scenes, steps)
}

// shift moves the present scene in the diagram.
func (s *stage) shift(d time.Duration) {
	s.clock.Lock()
	defer s.clock.Unlock()
	s.base += d
}

// given appends history.
func (s *stage) given(list []Happening) error {
	s.shift(-stageTick * time.Duration(len(list)))
	for _, h := range list {
		stored, err := s.world.append(h)
		if err != nil {
			return err
		}
		s.wrote(stored, true)
		s.history = stored[len(stored)-1].Position
		s.shift(stageTick)
	}
	return nil
}

// happen appends what happens, and lets the process come to rest.
func (s *stage) happen(h Happening) error {
	stored, err := s.world.append(h)
	if err != nil {
		return err
	}
	s.wrote(stored, true)
	return s.settle()
}

// pass lets time pass.
func (s *stage) pass(d time.Duration) error {
	timer := time.NewTimer(time.Until(s.moment.Add(d)))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return s.settle()
		case <-s.died:
			if err := s.revive(); err != nil {
				return err
			}
		}
	}
}

// settle waits until the process has nothing to do but wait for time, and starts
// it again if it has crashed.
func (s *stage) settle() error {
	for {
		synctest.Wait()
		select {
		case <-s.died:
			if err := s.revive(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// revive opens the log as the crash has left it, and starts the process again.
func (s *stage) revive() error {
	if err := s.ended(); err != nil {
		return err
	}
	synctest.Wait() // until the log has nothing to do: what is copied must not change
	if err := s.world.reopen(); err != nil {
		return err
	}
	if s.after != nil {
		s.after()
	}
	s.start()
	return nil
}

// start starts the process, unless it runs.
func (s *stage) start() {
	if s.life != nil && !s.life.over() {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan struct{})}
	s.life, s.actor = r, s.begin(s.log)
	actor := s.actor
	go func() { // stopped by cancel, waited for in ended
		defer close(r.done)
		err := runActor(ctx, actor)
		if ctx.Err() == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failed = append(s.failed, failure{s.scene(), s.now(), err})
		}
	}()
}

func runActor(ctx context.Context, a stageActor) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &stream.PanicError{Stage: "the run", Value: r, Stack: debug.Stack()}
		}
	}()
	if err = a.Run(ctx); err == nil {
		err = errors.New("the run ended without an error: its source has ended")
	}
	return err
}

// ended waits until the process has ended.
func (s *stage) ended() error {
	select {
	case <-s.life.done:
		return nil
	case <-time.After(time.Hour): // of virtual time
		return errors.New("the run did not end within an hour after its context was cancelled")
	}
}

// curtain is the end of the script: what follows is not part of it.
func (s *stage) curtain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over, s.until = true, s.now()
}

// close ends the process as a person would who stops it, and closes the log.
func (s *stage) close() error {
	var err error
	if s.life != nil {
		s.life.cancel()
		err = s.ended()
	}
	return errors.Join(err, s.world.ground.close())
}

// failure is how the run ended by itself from a scene on; nil if it did not.
func (s *stage) failure(from int) *failure {
	for i := range s.failed {
		if f := &s.failed[i]; f.scene >= from {
			return f
		}
	}
	return nil
}

// diskCrashes is how many crashes a part of a script is tried with on disk, where
// each costs a copy of the log.
const diskCrashes = 4

// crashes are the places at which the process may crash from a scene on: right
// before and right after each of its steps.
func (s *stage) crashes(scene int) (at []int) {
	for i := 2*s.scenes[scene] + 1; i <= 2*len(s.steps); i++ {
		at = append(at, i)
	}
	if n := len(at); s.world.ground.medium == OnDisk && n > diskCrashes {
		for i := range diskCrashes {
			at[i] = at[i*(n-1)/(diskCrashes-1)]
		}
		at = at[:diskCrashes]
	}
	return at
}

// crashPlace is where a crash comes, in words.
func (s *stage) crashPlace(at int) string {
	i, side := (at-1)/2, "before"
	if at%2 == 0 {
		side = "after"
	}
	return fmt.Sprintf("killed right %s step %d (%s) and started again", side, i+1, s.steps[i])
}
