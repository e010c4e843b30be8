package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// Memory is keys in memory, for tests: what is sealed under them is unreadable once the
// process ends. Its methods promise what those of a [Ring] do, but for the disk.
type Memory struct {
	mu   sync.Mutex
	keys map[string][]byte // nil: forgotten
}

var _ stream.Keys = (*Memory)(nil)

// InMemory makes an empty keyring in memory.
func InMemory() *Memory { return &Memory{keys: map[string][]byte{}} }

// Find returns the subject's key, as [Ring.Find] does.
func (m *Memory) Find(ctx context.Context, subject string) ([]byte, error) {
	return m.get(ctx, subject, false)
}

// Key returns the subject's key, and gives it one if it has none, as [Ring.Key] does.
func (m *Memory) Key(ctx context.Context, subject string) ([]byte, error) {
	return m.get(ctx, subject, true)
}

func (m *Memory) get(ctx context.Context, subject string, create bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key, ok := m.keys[subject]
	switch {
	case !ok && create:
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // never fails: crypto/rand aborts the process instead
		m.keys[subject] = key
	case !ok:
		return nil, fmt.Errorf("keyring: find the key of %.80q: %w", subject, errNone)
	case key == nil:
		return nil, fmt.Errorf("keyring: key of %.80q: %w", subject, stream.ErrForgotten)
	}
	return bytes.Clone(key), nil
}

// Forget destroys the subject's key, as [Ring.Forget] does.
func (m *Memory) Forget(ctx context.Context, subject string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.keys[subject])
	m.keys[subject] = nil
	return nil
}
