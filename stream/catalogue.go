package stream

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// Catalogue says which stored name stands for which Go type: a name, and an
// example value of the type. Stored names are for ever; Go types may be renamed
// at will.
type Catalogue[E any] map[string]E

// Upcaster turns a payload of one schema version into the next. It must neither
// keep nor change data, which readers share; it may return it. It may be called
// concurrently.
type Upcaster func(data []byte) ([]byte, error)

// Unknown says what a topic does with a stored type that its catalogue lacks.
type Unknown int

const (
	// FailUnknown ends the run with a [*DecodeError] over [ErrUnknownType].
	FailUnknown Unknown = iota
	// SkipUnknown passes over such events; they are not even read.
	SkipUnknown
	// KeepUnknown hands them over as what TopicOptions.Fallback makes of them.
	KeepUnknown
)

// Raw is an event by its stored name: one that the catalogue does not know, or knows
// only in an older schema, or has no more.
type Raw struct {
	Type   string // its stored name
	Schema uint32 // the schema it was stored in
	Data   []byte // the stored bytes; the receiver's own
}

// TopicOptions are what a topic may be given beside its catalogue. The zero
// value means JSON, no older schemas, and failing on unknown types.
type TopicOptions[E any] struct {
	// Codec encodes the payloads; nil: [JSON].
	Codec Codec
	// Upcasters lists, by stored name, what turns schema 1 into 2, 2 into 3, and
	// so on. A type's current schema is one more than the length of its list.
	Upcasters map[string][]Upcaster
	// Retired says, by stored name, what the events are read as that the catalogue has
	// no more: renamed, split into several, or dropped.
	Retired map[string]Retired
	// Tags says what an event is found by beside its stream and its type: an e-mail
	// address, a course. Conditions and queries select by tags, and the log keeps an
	// index of them. At most 32 for an event, each like a stream's key. It must
	// depend on the payload alone. Nil: no tags.
	Tags func(E) []string
	// Remember is for how long a command's ID takes effect once only, in whole
	// seconds; 0: for ever. After that the log may forget it, and the same ID takes
	// effect again.
	Remember time.Duration
	// Unknown says what to do with stored types that the catalogue lacks.
	Unknown Unknown
	// Fallback makes a payload of such an event; needed with KeepUnknown. It may be
	// called concurrently.
	Fallback func(Raw) E
}

// entry is one type of a catalogue.
type entry struct {
	name      string
	typ       reflect.Type
	upcasters []Upcaster
}

func (e *entry) schema() uint32 { return uint32(len(e.upcasters)) + 1 }

// part is one topic's catalogue without its Go type parameter, so that topics of
// different types can be joined.
type part struct {
	topic    string
	codec    Codec
	entries  []*entry            // by name, in order
	known    map[string]bool     // all names of the catalogue, also what Only left out
	retired  map[string]*retired // by name
	byType   map[reflect.Type]*entry
	unknown  Unknown
	fallback func(Raw) any
	tags     func(any) []string // nil: none
	remember uint32             // seconds
	narrowed bool               // Only left some of the topic's types out
}

func newPart[E any](topic string, c Catalogue[E], o TopicOptions[E]) (*part, error) {
	if err := checkTopic(topic); err != nil {
		return nil, err
	}
	p := &part{topic: topic, codec: o.Codec, known: map[string]bool{}, byType: map[reflect.Type]*entry{}, unknown: o.Unknown}
	if p.codec == nil {
		p.codec = JSON
	}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if err := p.add(name, c[name], o.Upcasters[name]); err != nil {
			return nil, err
		}
	}
	if err := p.retire(o.Retired, o.Upcasters); err != nil {
		return nil, err
	}
	for name := range o.Upcasters {
		if !p.known[name] && p.retired[name] == nil {
			return nil, fmt.Errorf("stream: topic %s: upcasters for %q, which the catalogue lacks", topic, name)
		}
	}
	if o.Unknown == SkipUnknown && len(c) == 0 {
		return nil, fmt.Errorf("stream: topic %s: an empty catalogue leaves SkipUnknown nothing to read", topic)
	}
	if (o.Fallback != nil) != (o.Unknown == KeepUnknown) {
		return nil, fmt.Errorf("stream: topic %s: KeepUnknown and Fallback go together", topic)
	}
	if o.Remember < 0 || o.Remember%time.Second != 0 || o.Remember/time.Second > math.MaxUint32 {
		return nil, fmt.Errorf("stream: topic %s: commands remembered for %s, expected whole seconds", topic, o.Remember)
	}
	p.remember = uint32(o.Remember / time.Second)
	if o.Tags != nil {
		p.tags = func(data any) []string { return o.Tags(data.(E)) }
	}
	if o.Fallback != nil {
		p.fallback = func(r Raw) any { return o.Fallback(r) }
	}
	return p, nil
}

func (p *part) add(name string, example any, upcasters []Upcaster) error {
	if err := checkName("event type", name, MaxTypeBytes); err != nil {
		return err
	}
	typ := reflect.TypeOf(example)
	if typ == nil {
		return fmt.Errorf("stream: topic %s: %q has a nil example, which has no type", p.topic, name)
	}
	if other, ok := p.byType[typ]; ok {
		return fmt.Errorf("stream: topic %s: Go type %s has two names, %q and %q", p.topic, typ, other.name, name)
	}
	e := &entry{name: name, typ: typ, upcasters: upcasters}
	p.byType[typ] = e
	p.entries = append(p.entries, e)
	p.known[name] = true
	return nil
}

// match selects what this part can deliver.
func (p *part) match(key string) Match {
	m := Match{Topic: p.topic, Key: key}
	if p.narrowed || p.unknown == SkipUnknown {
		for _, e := range p.entries {
			m.Types = append(m.Types, e.name)
		}
		for _, name := range slices.Sorted(maps.Keys(p.retired)) {
			if p.wanted(name) {
				m.Types = append(m.Types, name)
			}
		}
	}
	return m
}

func (p *part) encode(data any) (Record, error) {
	e, ok := p.byType[reflect.TypeOf(data)]
	if !ok {
		return Record{}, fmt.Errorf("stream: encode %s for topic %s: %w", typeName(data), p.topic, ErrUnknownType)
	}
	bytes, err := contained("codec", func() ([]byte, error) { return p.codec.Marshal(data) })
	if err != nil {
		return Record{}, fmt.Errorf("stream: encode %s for topic %s: %w", e.name, p.topic, err)
	}
	tags, err := p.tagsOf(data)
	if err != nil {
		return Record{}, fmt.Errorf("stream: tags of %s for topic %s: %w", e.name, p.topic, err)
	}
	h := Header{Stream: ID{Topic: p.topic}, Type: e.name, Schema: e.schema(), Tags: tags, Remember: p.remember}
	return Record{Header: h, Data: bytes}, nil
}

// tagsOf are a payload's tags, in order and each once; nil if there are none.
func (p *part) tagsOf(data any) ([]string, error) {
	if p.tags == nil {
		return nil, nil
	}
	tags, err := contained("Tags", func() ([]string, error) { return p.tags(data), nil })
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	tags = slices.Clone(tags)
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// decoder decodes payloads of one part into E.
type decoder[E any] struct {
	part   *part
	byName map[string]*decode[E]
}

type decode[E any] struct {
	*entry
	direct bool // E is the entry's own type: decode in place
}

// bind prepares a part's types for E. Every type must be an E.
func bind[E any](p *part) (*decoder[E], error) {
	want := reflect.TypeFor[E]()
	d := &decoder[E]{part: p, byName: map[string]*decode[E]{}}
	for _, e := range p.entries {
		if !e.typ.AssignableTo(want) {
			return nil, fmt.Errorf("stream: topic %s: %q is a %s, which is not a %s", p.topic, e.name, e.typ, want)
		}
		d.byName[e.name] = &decode[E]{entry: e, direct: e.typ == want}
	}
	return d, nil
}

func (d *decoder[E]) decode(rec *Record, into *E) error {
	entry, ok := d.byName[rec.Type]
	if !ok {
		return d.keep(rec, into, ErrUnknownType)
	}
	if schema := entry.schema(); rec.Schema > schema {
		return d.keep(rec, into, fmt.Errorf("schema %d is newer than %d, the newest known here", rec.Schema, schema))
	}
	data, _, err := upcast(entry.upcasters, rec.Schema, rec.Data)
	if err != nil {
		return err
	}
	if entry.direct && entry.typ.Kind() != reflect.Pointer {
		return d.part.codec.Unmarshal(data, into)
	}
	value, err := unmarshalNew(d.part.codec, data, entry.typ)
	if err != nil {
		return err
	}
	*into = value.Interface().(E)
	return nil
}

// keep hands over an event that can not be decoded as the fallback, if the topic
// has one; otherwise it returns why.
func (d *decoder[E]) keep(rec *Record, into *E, why error) error {
	if d.part.fallback == nil {
		return why
	}
	value, ok := d.part.fallback(Raw{Type: rec.Type, Schema: rec.Schema, Data: slices.Clone(rec.Data)}).(E)
	if !ok {
		return fmt.Errorf("the fallback of topic %s is not a %s: %w", d.part.topic, reflect.TypeFor[E](), why)
	}
	*into = value
	return nil
}

// unmarshalNew decodes into a fresh value of typ.
func unmarshalNew(c Codec, data []byte, typ reflect.Type) (reflect.Value, error) {
	if typ.Kind() == reflect.Pointer {
		value := reflect.New(typ.Elem())
		return value, c.Unmarshal(data, value.Interface())
	}
	value := reflect.New(typ)
	return value.Elem(), c.Unmarshal(data, value.Interface())
}

// contained calls a user's function and returns its panic as an error.
func contained[T any](stage string, f func() (T, error)) (result T, err error) {
	in := true
	defer Contain(stage, &in, &err)
	result, err = f()
	in = false
	return result, err
}
