package testkit

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// seen is an event as specifications compare and show it.
type seen struct {
	Position stream.Position // 0: not compared
	Stream   stream.ID
	Type     string
	Data     any
}

func (s seen) note() string { return fmt.Sprintf("position %d", s.Position) }

func (s seen) String() string { return fmt.Sprintf("%s %s %s", s.Stream, s.Type, value.Show(s.Data)) }

// asEvent takes a *stream.Event of any type apart.
func asEvent(item any) (h stream.Header, data any, ok bool) {
	v := reflect.ValueOf(item)
	if !v.IsValid() || !isEventType(v.Type()) || v.IsNil() {
		return h, nil, false
	}
	v = v.Elem()
	return v.FieldByName("Header").Interface().(stream.Header), v.FieldByName("Data").Interface(), true
}

// isEventType reports whether a type is a *stream.Event of some type.
func isEventType(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || t.Elem().NumField() != 2 {
		return false
	}
	header, data := t.Elem().Field(0), t.Elem().Field(1)
	return header.Anonymous && header.Type == reflect.TypeFor[stream.Header]() && data.Name == "Data"
}

// asCompared is what is compared of an item: of an event, what happened to whom.
func asCompared(item any) any {
	if h, data, ok := asEvent(item); ok {
		return seen{Stream: h.Stream, Type: h.Type, Data: data}
	}
	return item
}

// valueOf is what a letter stands for; without values, itself.
func valueOf[T any](b *Board, lane, letter string, values []Values[T]) T {
	b.t.Helper()
	for _, v := range values {
		if item, ok := v[letter]; ok {
			return item
		}
	}
	if item, ok := any(letter).(T); ok && len(values) == 0 {
		return item
	}
	b.fatal("lane %s: no value for the letter %s", lane, letter)
	panic("unreachable")
}

// letterOfLog names an event of the log.
func (b *Board) letterOfLog(item any) marble.Point {
	h, data, _ := asEvent(item)
	event := seen{Position: h.Position, Stream: h.Stream, Type: h.Type, Data: data}
	b.mu.Lock()
	defer b.mu.Unlock()
	name, ok := b.letters[h.Position]
	if !ok { // appended by the code under test
		name = freeLetter(b.events)
		b.letters[h.Position], b.events[name] = name, event
	}
	return marble.Point{Kind: marble.Event, Name: name, Value: event, Note: event.note()}
}

// letterOf names items by the values that letters stand for. Others get letters
// that are free, and strings that are letters stand for themselves.
func letterOf[T any](values []Values[T]) func(any) marble.Point {
	taken := map[string]any{}
	for _, list := range values {
		for name, v := range list {
			taken[name] = asCompared(v)
		}
	}
	names := slices.Sorted(maps.Keys(taken))
	return func(item any) marble.Point {
		v := asCompared(item)
		p := marble.Point{Kind: marble.Event, Value: v}
		if s, ok := item.(string); ok && len(values) == 0 && isLetter(s) {
			p.Name = s
			return p
		}
		for _, name := range names {
			if value.Difference(taken[name], v) == "" {
				p.Name = name
				return p
			}
		}
		p.Name = freeLetter(taken)
		taken[p.Name] = v
		names = append(names, p.Name)
		return p
	}
}

func isLetter(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size == len(s) && unicode.IsLetter(r)
}

// freeLetter is the first letter that is not taken.
func freeLetter[T any](taken map[string]T) string {
	for r := 'a'; ; r++ {
		if _, ok := taken[string(r)]; !ok && unicode.IsLetter(r) {
			return string(r)
		}
	}
}

// showItem is an item as a legend says it.
func showItem(item any) string {
	if e, ok := item.(seen); ok {
		return e.String()
	}
	return value.Show(item)
}
