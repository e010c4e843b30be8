package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// SagaRunner runs a saga, tells how far it has come, and looks after the instances
// it has parked. Its methods may be called concurrently.
type SagaRunner struct {
	*Runner
	lots[string]
}

// Parked returns the turns that are parked, by instance and in order. Like Retry and
// Discard it is answered between two blocks of a run: it waits until the saga is
// online, and returns the context's error, or why the run ended.
func (r *SagaRunner) Parked(ctx context.Context) ([]Parked, error) {
	return r.lots.parked(ctx, r.Runner)
}

// Retry takes the parked turns of an instance again, in order, and stops at the first
// that fails, whose error it returns. What a turn has done before is not done twice.
// Those that succeed are parked no longer; once all have, the instance goes on.
// Meanwhile other events wait.
func (r *SagaRunner) Retry(ctx context.Context, instance string) error {
	return r.lots.retry(ctx, r.Runner, instance)
}

// Discard gives the parked turns of an instance up; it goes on in the state in which
// the first of them found it.
func (r *SagaRunner) Discard(ctx context.Context, instance string) error {
	return r.lots.discard(ctx, r.Runner, instance)
}

// errBehind is why what has not been tried is parked.
var errBehind = errors.New("an earlier turn of its instance is parked")

// parkedTurn is a trigger that waits, as it is stored.
type parkedTurn struct {
	Parked
	At        done             // the event's place
	Fires     *timer           `json:",omitempty"` // the timer, if it is one
	Watermark time.Time        // event time right before its turn
	Refused   []stream.EventID `json:",omitempty"` // commands whose refusals it was about to answer

	key    string
	ticket uint64
}

// turnKey sorts an instance's parked turns by when they were parked; the length
// keeps any two instances apart.
func turnKey(instance string, ticket uint64) string {
	return fmt.Sprintf("%s%020d", turnPrefix(instance), ticket)
}

func turnPrefix(instance string) string {
	return parkedPrefix + strconv.Itoa(len(instance)) + ":" + instance + "\x00"
}

func decodeParked(key string, value []byte) (p parkedTurn, err error) {
	err = json.Unmarshal(value, &p)
	if err == nil {
		p.ticket, err = strconv.ParseUint(key[strings.LastIndexByte(key, 0)+1:], 10, 64)
	}
	if err != nil {
		return p, fmt.Errorf("read parked turn %q: %w", key, err)
	}
	p.key = key
	return p, nil
}

func (s *sagaRun[E, S]) loadParked(key string, value []byte) error {
	p, err := decodeParked(key, value)
	if err != nil {
		return err
	}
	s.ticket = max(s.ticket, p.ticket+p.ticket%2)
	s.hold(p.Instance)
	return nil
}

// hold counts one more turn that an instance has parked; while there is one, its
// timers wait as its events do.
func (s *sagaRun[E, S]) hold(instance string) {
	s.parked[instance]++
	s.timers.held[instance] = true
	s.runner.parks(1)
}

// waits reports whether an instance has parked turns.
func (s *sagaRun[E, S]) waits(instance string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parked[instance] > 0
}

// park keeps a trigger for later, behind those of its instance.
func (s *sagaRun[E, S]) park(t *trigger[E], attempts int, why error, refused []stream.EventID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticket += 2 // so that there is room before each for a timer that comes earlier
	change, err := s.parkAs(turnKey(t.instance, s.ticket), t, attempts, why, refused)
	if err != nil {
		return err
	}
	s.lot = append(s.lot, change)
	s.hold(t.instance)
	return nil
}

func (s *sagaRun[E, S]) parkAs(key string, t *trigger[E], attempts int, why error, refused []stream.EventID) (stream.Change, error) {
	p := parkedTurn{At: t.at, Watermark: t.watermark, Refused: refused}
	p.Parked = Parked{Instance: t.instance, Err: why.Error(), Attempts: attempts, Since: time.Now().UTC()}
	if e := t.event; e != nil {
		p.Stream, p.Position, p.Type = e.Stream, e.Position, e.Type
	}
	if t.timer != nil {
		p.Fires, p.Timer = t.timer, t.timer.Name
		s.timers.remove(timerID{t.instance, t.timer.Name})
	}
	return p.change(key)
}

func (p parkedTurn) change(key string) (stream.Change, error) {
	value, err := json.Marshal(p)
	if err != nil {
		return stream.Change{}, fmt.Errorf("park a turn of %q: %w", p.Instance, err)
	}
	return stream.Change{Key: key, Value: value}, nil
}

// list reads the parked turns of an instance, or of all.
func (s *sagaRun[E, S]) list(ctx context.Context, instance *string) (list []Parked, err error) {
	turns, err := s.turns(ctx, instance)
	for _, p := range turns {
		list = append(list, p.Parked)
	}
	return list, err
}

func (s *sagaRun[E, S]) turns(ctx context.Context, instance *string) (list []parkedTurn, err error) {
	prefix := parkedPrefix
	if instance != nil {
		prefix = turnPrefix(*instance)
	}
	err = s.log.States(ctx, s.name, prefix, func(key string, value []byte) error {
		p, err := decodeParked(key, value)
		list = append(list, p)
		return err
	})
	return list, err
}

func (s *sagaRun[E, S]) retry(ctx context.Context, instance string) error {
	turns, err := s.turns(ctx, &instance)
	if err != nil {
		return err
	}
	for _, p := range turns {
		if err := s.retryTurn(ctx, p); err != nil {
			return err
		}
	}
	return s.catchUp(ctx, instance)
}

// catchUp lets what is due in event time fall due for an instance that goes on.
func (s *sagaRun[E, S]) catchUp(ctx context.Context, instance string) error {
	if s.saga.Time == nil {
		return nil
	}
	if err := s.expireOf(ctx, instance, s.watermark, s.take); err != nil {
		return err
	}
	return s.store(ctx, s.at)
}

// retryTurn takes a parked turn, after those of the instance's timers that come
// before it in event time: each is stored for itself. A timer whose turn fails is
// parked before it.
func (s *sagaRun[E, S]) retryTurn(ctx context.Context, p parkedTurn) error {
	t, err := s.again(ctx, p)
	if err != nil {
		return fmt.Errorf("retry %s: %w", p, err)
	}
	if s.saga.Time != nil && p.Fires == nil {
		for w := s.timers.dueOf(p.Instance, p.Watermark); w != nil; w = s.timers.dueOf(p.Instance, p.Watermark) {
			early := s.expired(w)
			err := s.attempt(ctx, early)
			if stuck := stuckBy(ctx, err); stuck != nil {
				s.hold(p.Instance)
				return s.failedAgain(ctx, turnKey(p.Instance, p.ticket-1), early, stuck.attempts, stuck.refused, err)
			}
			if err == nil {
				err = s.store(ctx, s.at)
			}
			if err != nil {
				return err
			}
		}
	}
	err = s.attempt(ctx, t)
	if stuck := stuckBy(ctx, err); stuck != nil {
		return s.failedAgain(ctx, p.key, t, p.Attempts+stuck.attempts, stuck.refused, err)
	}
	if err != nil {
		return fmt.Errorf("retry %s: %w", p, err)
	}
	s.release(p)
	return s.store(context.WithoutCancel(ctx), s.at)
}

// failedAgain stores the newest error of a parked turn, and returns it.
func (s *sagaRun[E, S]) failedAgain(ctx context.Context, key string, t *trigger[E], attempts int, refused []stream.EventID, why error) error {
	change, err := s.parkAs(key, t, attempts, why, refused)
	if err == nil {
		s.lot = append(s.lot, change)
		err = s.store(ctx, s.at)
	}
	return errors.Join(fmt.Errorf("retry: %w", why), err)
}

// again is what triggered a parked turn.
func (s *sagaRun[E, S]) again(ctx context.Context, p parkedTurn) (t *trigger[E], err error) {
	if p.Fires != nil {
		return s.expired(p.Fires), nil
	}
	t = &trigger[E]{instance: p.Instance, at: p.At, watermark: p.Watermark}
	if t.event, err = again(ctx, s.src, p.At); err != nil {
		return nil, err
	}
	t.happened = t.event.Time
	if s.saga.Time != nil {
		err = s.contained("Time", func() { t.happened = s.saga.Time(t.event) })
	}
	return t, err
}

// release takes a turn out of the parking lot.
func (s *sagaRun[E, S]) release(p parkedTurn) {
	s.lot = append(s.lot, stream.Change{Key: p.key})
	s.runner.parks(-1)
	if s.parked[p.Instance]--; s.parked[p.Instance] == 0 {
		delete(s.parked, p.Instance)
		s.timers.release(p.Instance)
	}
}

func (s *sagaRun[E, S]) discard(ctx context.Context, instance string) error {
	turns, err := s.turns(ctx, &instance)
	if err != nil {
		return err
	}
	for _, p := range turns {
		s.release(p)
		for _, id := range p.Refused {
			s.answered[id] = true
		}
	}
	if err := s.store(context.WithoutCancel(ctx), s.at); err != nil {
		return err
	}
	return s.catchUp(ctx, instance)
}

func (p parkedTurn) String() string {
	if p.Fires != nil {
		return fmt.Sprintf("timer %q of %q", p.Timer, p.Instance)
	}
	return fmt.Sprintf("event %d of %s, %s, for %q", p.Position, p.Stream, p.Type, p.Instance)
}
