package stream

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Topic is a named combined stream, "users", of events of type E: the streams
// of all its instances in log order. It knows the catalogue and how payloads
// are stored. Topics are immutable and safe for concurrent use.
type Topic[E any] struct {
	name  string
	parts []*decoder[E]
}

// AnyTopic is a [*Topic] of any event type, as [Union] takes them.
type AnyTopic interface {
	Name() string      // as [Topic.Name]
	Schemas() []Schema // as [Topic.Schemas]
	catalogued() []*part
}

// NewTopic makes a topic that stores payloads as JSON. Topics are package-level
// values, so a mistake in the catalogue, such as one Go type under two names,
// panics when the program starts.
func NewTopic[E any](name string, c Catalogue[E]) *Topic[E] {
	return NewTopicWith(name, c, TopicOptions[E]{})
}

// NewTopicWith makes a topic with a codec, older schemas or a way with unknown
// types of its own. It panics as [NewTopic] does.
func NewTopicWith[E any](name string, c Catalogue[E], o TopicOptions[E]) *Topic[E] {
	p, err := newPart(name, c, o)
	if err != nil {
		panic(err)
	}
	return join[E](name, p)
}

// Only narrows a topic to the events that are an X: one type of the catalogue,
// or an interface that several of them satisfy. What is left out is told by its
// header and never decoded. It panics if no type of the catalogue is an X.
func Only[X, E any](t *Topic[E]) *Topic[X] {
	want := reflect.TypeFor[X]()
	var parts []*part
	for _, d := range t.parts {
		narrow := *d.part
		narrow.narrowed, narrow.unknown, narrow.fallback = true, FailUnknown, nil
		narrow.entries = slices.DeleteFunc(slices.Clone(d.part.entries), func(e *entry) bool {
			return !e.typ.AssignableTo(want)
		})
		if len(narrow.entries) > 0 {
			parts = append(parts, &narrow)
		}
	}
	if len(parts) == 0 {
		panic(fmt.Errorf("stream: topic %s has no event that is a %s", t.name, want))
	}
	return join[X](t.name, parts...)
}

// Union joins topics into one of all their events in log order. Every event
// type of each must be an E, often any; it panics if one is not, if a topic is
// named twice, or if there is none.
func Union[E any](topics ...AnyTopic) *Topic[E] {
	if len(topics) == 0 {
		panic(errors.New("stream: a union of no topics"))
	}
	var names []string
	var parts []*part
	seen := map[string]bool{}
	for _, t := range topics {
		names = append(names, t.Name())
		for _, p := range t.catalogued() {
			if seen[p.topic] {
				panic(fmt.Errorf("stream: union names topic %s twice", p.topic))
			}
			seen[p.topic] = true
			parts = append(parts, p)
		}
	}
	return join[E](strings.Join(names, "+"), parts...)
}

func join[E any](name string, parts ...*part) *Topic[E] {
	t := &Topic[E]{name: name}
	for _, p := range parts {
		d, err := bind[E](p)
		if err != nil {
			panic(err)
		}
		t.parts = append(t.parts, d)
	}
	return t
}

// Name is the topic's name; of a union, the names of its topics joined by "+".
func (t *Topic[E]) Name() string { return t.name }

// Types are the stored names of the topic's events, in order.
func (t *Topic[E]) Types() []string {
	var names []string
	for _, d := range t.parts {
		for _, e := range d.part.entries {
			names = append(names, e.name)
		}
	}
	return names
}

// Match is what selects the topic's events in a [Query]: of one instance, or of
// all if key is empty.
func (t *Topic[E]) Match(key string) []Match {
	var list []Match
	for _, d := range t.parts {
		list = append(list, d.part.match(key))
	}
	return list
}

// Event is an event as a test writes it: the header names only the stream, the
// type and its schema. If the catalogue lacks the type, Type is empty.
func (t *Topic[E]) Event(key string, data E) *Event[E] {
	e := &Event[E]{Header: Header{Stream: ID{Topic: t.name, Key: key}}, Data: data}
	typ := reflect.TypeOf(data)
	for _, d := range t.parts {
		if found, ok := d.part.byType[typ]; ok {
			e.Stream.Topic, e.Type, e.Schema = d.part.topic, found.name, found.schema()
			break
		}
	}
	return e
}

// Encode returns the record of a payload: its stored type, its schema and its
// bytes. The error wraps [ErrUnknownType] if the catalogue lacks the type; a
// union is only for reading and returns an [*InvalidError].
func (t *Topic[E]) Encode(data E) (Record, error) {
	if len(t.parts) != 1 {
		return Record{}, &InvalidError{What: "topic", Value: t.name, Reason: "a union of topics is only for reading"}
	}
	return t.parts[0].part.encode(data)
}

// Decode fills an event from a record, upcasting an older schema. The error is
// a [*DecodeError], also if the record's name was retired and not exactly one event
// comes of it: who reads what was stored long ago uses [Topic.DecodeAll]. rec is not
// kept.
func (t *Topic[E]) Decode(rec *Record, into *Event[E]) error {
	if t.retiredPart(rec) == nil {
		return t.decodeOne(rec, into)
	}
	all, err := t.DecodeAll(rec, nil)
	if err == nil && len(all) != 1 {
		err = &DecodeError{Stream: rec.Stream, Position: rec.Position, Type: rec.Type, Schema: rec.Schema, Err: fmt.Errorf("%d events come of it; expected one", len(all))}
	}
	if err != nil {
		*into = Event[E]{Header: rec.Header}
		return err
	}
	*into = all[0]
	return nil
}

func (t *Topic[E]) decodeOne(rec *Record, into *Event[E]) (err error) {
	*into = Event[E]{Header: rec.Header} // codecs merge into what they find
	in := true
	defer func() {
		if err != nil {
			err = &DecodeError{Stream: rec.Stream, Position: rec.Position, Type: rec.Type, Schema: rec.Schema, Err: err}
		}
	}()
	defer Contain("decoding", &in, &err)
	for _, d := range t.parts {
		if d.part.topic == rec.Stream.Topic {
			err = d.decode(rec, &into.Data)
			in = false
			return err
		}
	}
	in = false
	return fmt.Errorf("topic %s does not hold events of %s", t.name, rec.Stream.Topic)
}

func (t *Topic[E]) catalogued() []*part {
	list := make([]*part, len(t.parts))
	for i, d := range t.parts {
		list[i] = d.part
	}
	return list
}
