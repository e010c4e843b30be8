package testkit

import (
	"encoding/json"
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

// String is the event as a log would have it, if its payload can be JSON.
func (s seen) String() string {
	payload := value.Show(s.Data)
	if text, err := json.Marshal(s.Data); err == nil {
		payload = showSealed(string(text))
	}
	return fmt.Sprintf("%s %s %s", s.Stream, s.Type, payload)
}

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

// pointOfLog is an event of the log. It gets its letter when all has happened: it
// may be delivered before the append that the letter stands for has returned.
func pointOfLog(item any) marble.Point {
	h, data, _ := asEvent(item)
	event := seen{Position: h.Position, Stream: h.Stream, Type: h.Type, Data: data}
	return marble.Point{Kind: marble.Event, Value: event, Note: event.note()}
}

// nameLog gives events of the log their letters; those that the code under test
// appended get letters that are free.
func (b *Board) nameLog(points []marble.Point) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range points {
		p := &points[i]
		event, ok := p.Value.(seen)
		if !ok || p.Kind != marble.Event {
			continue
		}
		if b.letters[event.Position] == "" {
			b.letters[event.Position] = b.names.Of(event, "")
		}
		p.Name, p.Append = b.letters[event.Position], b.appends[event.Position]
	}
}

// letterOf names items by the values that letters stand for. Others get letters
// that are free, and strings that are letters stand for themselves.
func letterOf[T any](values []Values[T]) func(any) marble.Point {
	var names marble.Names
	for _, list := range values {
		for _, letter := range slices.Sorted(maps.Keys(list)) {
			names.Set(letter, asCompared(list[letter]), "")
		}
	}
	return func(item any) marble.Point {
		v := asCompared(item)
		if s, ok := item.(string); ok && len(values) == 0 && isLetter(s) {
			names.Set(s, v, "")
		}
		return marble.Point{Kind: marble.Event, Name: names.Of(v, ""), Value: v}
	}
}

func isLetter(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size == len(s) && unicode.IsLetter(r)
}

// showItem is an item as a legend says it.
func showItem(item any) string {
	if e, ok := item.(seen); ok {
		return e.String()
	}
	return value.Show(item)
}

// explain adds to a legend what the letters of lanes stand for. If a letter
// stands for one thing here and for another there, both are said.
func explain(legend []marble.Name, lanes ...marble.Lane) []marble.Name {
	said := map[marble.Name]bool{}
	first := map[string]string{}
	for _, n := range legend {
		first[n.Letter] = n.Text
	}
	for _, l := range lanes {
		for _, p := range l.Points {
			if p.Kind != marble.Event || p.Value == nil || p.Value == any(p.Name) {
				continue // a letter that stands for itself needs no words
			}
			n := marble.Name{Letter: p.Name, Text: showItem(p.Value)}
			if text, ok := first[n.Letter]; !ok {
				first[n.Letter] = n.Text
			} else if text == n.Text {
				continue
			} else {
				n.Text = "in " + l.Name + ": " + n.Text
			}
			if !said[n] {
				said[n] = true
				legend = append(legend, n)
			}
		}
	}
	return legend
}

// together forgets what was appended together and did not come together.
func together(points []marble.Point) []marble.Point {
	for i := 0; i < len(points); {
		n := 1
		for i+n < len(points) && points[i+n].Append == points[i].Append && points[i+n].At == points[i].At {
			n++
		}
		if n == 1 {
			points[i].Append = 0
		}
		i += n
	}
	return points
}
