package aggregate

import (
	"reflect"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/thaw-go/thaw/stream"
)

// cache keeps the states of the instances that were used last. What it hands out and
// what it keeps share no memory. A nil cache keeps nothing.
type cache[S any] struct {
	clone func(S) S // nil: the state is a plain value

	mu     sync.Mutex
	states *simplelru.LRU[string, known[S]]
}

const defaultCache = 1024

func newCache[S any](size int, clone func(S) S) *cache[S] {
	if size == 0 {
		size = defaultCache
	}
	if size < 0 || clone == nil && !plain(reflect.TypeFor[S]()) {
		return nil
	}
	states, err := simplelru.NewLRU[string, known[S]](size, nil)
	if err != nil { // only for a size that is not positive
		return nil
	}
	return &cache[S]{clone: clone, states: states}
}

// plain reports whether copies of a value share no memory that anyone can change.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return true
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[stream.Cursor]() {
			return true // immutable
		}
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return false
}

// get is a state that the instance had; false if none is kept.
func (c *cache[S]) get(key string) (now known[S], ok bool) {
	if c == nil {
		return now, false
	}
	c.mu.Lock()
	now, ok = c.states.Get(key)
	c.mu.Unlock()
	if ok { // what is kept is never changed, so it is copied without the lock
		now.state = c.copy(now.state)
	}
	return now, ok
}

// put keeps a state, unless a later one is kept.
func (c *cache[S]) put(key string, now known[S]) {
	if c == nil {
		return
	}
	now.state = c.copy(now.state)
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.states.Peek(key); !ok || before.version < now.version {
		c.states.Add(key, now)
	}
}

// copy is a state that shares no memory with the given one, if there is a Clone.
func (c *cache[S]) copy(state S) S {
	if c == nil || c.clone == nil {
		return state
	}
	return c.clone(state)
}
