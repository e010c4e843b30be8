package memlog

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// consumer is a consumer's place and what it remembers beside it.
type consumer struct {
	at    stream.Cursor
	state map[string][]byte
}

// Claim makes the caller the consumer's only runner, as [stream.Consumers] says.
func (l *Log) Claim(ctx context.Context, name string) (release func(), err error) {
	if err := l.enterFor(ctx, name); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	return l.claims.Claim(name)
}

// Cursor returns the consumer's saved place; false if it was never saved.
func (l *Log) Cursor(ctx context.Context, name string) (stream.Cursor, bool, error) {
	if err := l.enterFor(ctx, name); err != nil {
		return stream.Cursor{}, false, err
	}
	defer l.mu.Unlock()
	c, ok := l.consumers[name]
	if !ok {
		return stream.Cursor{}, false, nil
	}
	return c.at, true, nil
}

// SaveCursor stores the consumer's place, as [stream.Consumers] says.
func (l *Log) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	return l.Checkpoint(ctx, name, at)
}

// Checkpoint stores the changes and the consumer's place, all or none, as
// [stream.Checkpoints] says. Of several changes to one key the last one holds.
func (l *Log) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	if err := l.enterFor(ctx, name); err != nil {
		return err
	}
	defer l.mu.Unlock()
	c := l.consumers[name]
	if c == nil {
		c = &consumer{state: map[string][]byte{}}
	}
	if err := engine.CheckForward(name, c.at, l.head(), at); err != nil {
		return err
	}
	c.at = at
	for _, change := range changes {
		if change.Value == nil {
			delete(c.state, change.Key)
			continue
		}
		c.state[change.Key] = bytes.Clone(change.Value)
	}
	l.consumers[name] = c
	return nil
}

// State returns a copy of the value under a key; false if there is none.
func (l *Log) State(ctx context.Context, name, key string) ([]byte, bool, error) {
	if err := l.enterFor(ctx, name); err != nil {
		return nil, false, err
	}
	defer l.mu.Unlock()
	c, ok := l.consumers[name]
	if !ok {
		return nil, false, nil
	}
	value, ok := c.state[key]
	return bytes.Clone(value), ok, nil
}

// States hands over copies of the consumer's values whose keys begin with
// prefix, in the order of the keys, as they were at the call.
func (l *Log) States(ctx context.Context, name, prefix string, emit func(key string, value []byte) error) error {
	list, err := l.states(ctx, name, prefix)
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := emit(s.Key, s.Value); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) states(ctx context.Context, name, prefix string) ([]stream.Change, error) {
	if err := l.enterFor(ctx, name); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	c, ok := l.consumers[name]
	if !ok {
		return nil, nil
	}
	var list []stream.Change
	for key, value := range c.state {
		if strings.HasPrefix(key, prefix) {
			list = append(list, stream.Change{Key: key, Value: bytes.Clone(value)})
		}
	}
	slices.SortFunc(list, func(a, b stream.Change) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// enterFor locks the log for a consumer, or returns why it can not be used.
func (l *Log) enterFor(ctx context.Context, name string) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	if err := engine.CheckConsumer(name); err != nil {
		l.mu.Unlock()
		return err
	}
	return nil
}
