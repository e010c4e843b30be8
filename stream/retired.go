package stream

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Retired says what the stored events of a name are read as that the catalogue has
// no more. The zero value drops them: nothing comes of them.
//
// Such an event goes through the upcasters of its old name, if it has any, and then
// becomes what As makes of it, each of which goes on as an event of its own name:
// through that name's upcasters, or on again if that name is retired, too. What comes
// of one stored event has its header, except for the name and the schema; the first
// has its ID as well, and the others have IDs derived from it, always the same.
type Retired struct {
	// Into are the stored names that may come of it: of the catalogue, or retired
	// themselves. A topic that wants none of them does not read the event.
	Into []string
	// As makes the events, in order, or none; their names must be in Into. It must
	// depend on the event alone, and may be called concurrently. Nil: the event is renamed to the only name of Into
	// and keeps its schema and its payload.
	As func(Raw) ([]Raw, error)
}

// Renamed is for events that have another name now. They keep their schema: the new
// name's upcasters are those of the old one, and more.
func Renamed(to string) Retired { return Retired{Into: []string{to}} }

// maxSplit is how many events may come of a stored one, those counted, too, that go on
// to become others.
const maxSplit = 100

// Schema is what a topic knows of one stored name.
type Schema struct {
	Topic   string   // whose events they are
	Type    string   // the stored name
	Newest  uint32   // one more than its upcasters
	Retired bool     // the catalogue has it no more
	Into    []string // what may come of a retired one; empty: it is dropped
}

// Schemas are all names that the topic can read, those of its catalogue and those that
// were retired, in order.
func (t *Topic[E]) Schemas() []Schema {
	var list []Schema
	for _, d := range t.parts {
		p := d.part
		for _, e := range p.entries {
			list = append(list, Schema{Topic: p.topic, Type: e.name, Newest: e.schema()})
		}
		for _, name := range slices.Sorted(maps.Keys(p.retired)) {
			if r := p.retired[name]; !p.narrowed || p.wanted(name) {
				newest := uint32(len(r.upcasters)) + 1
				list = append(list, Schema{Topic: p.topic, Type: name, Newest: newest, Retired: true, Into: slices.Clone(r.Into)})
			}
		}
	}
	return list
}

// retired is one name that the catalogue has no more.
type retired struct {
	Retired
	upcasters []Upcaster
}

// retire adds the names that the catalogue has no more. They must lead to names that
// it has, without a circle.
func (p *part) retire(names map[string]Retired, upcasters map[string][]Upcaster) error {
	p.retired = make(map[string]*retired, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := checkName("event type", name, MaxTypeBytes); err != nil {
			return err
		}
		if p.known[name] {
			return fmt.Errorf("stream: topic %s: %q is in the catalogue and retired", p.topic, name)
		}
		r := names[name]
		if r.As == nil && len(r.Into) > 1 || r.As != nil && len(r.Into) == 0 {
			return fmt.Errorf("stream: topic %s: retired %q: Into has %d names; expected one or none without As, and at least one with it", p.topic, name, len(r.Into))
		}
		r.Into = slices.Clone(r.Into)
		p.retired[name] = &retired{Retired: r, upcasters: upcasters[name]}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := p.checkRetired(name, nil); err != nil {
			return err
		}
	}
	return nil
}

// checkRetired follows a name to where it ends; path are the names it came by.
func (p *part) checkRetired(name string, path []string) error {
	if slices.Contains(path, name) {
		return fmt.Errorf("stream: topic %s: retired names go in a circle: %q", p.topic, append(path, name))
	}
	r, ok := p.retired[name]
	if !ok {
		return nil
	}
	for _, into := range r.Into {
		if !p.known[into] && p.retired[into] == nil {
			return fmt.Errorf("stream: topic %s: retired %q becomes %q, which the catalogue lacks", p.topic, name, into)
		}
		if err := p.checkRetired(into, append(slices.Clip(path), name)); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether an event that this part delivers can come of a name.
func (p *part) wanted(name string) bool {
	if r, ok := p.retired[name]; ok {
		return slices.ContainsFunc(r.Into, p.wanted)
	}
	return slices.ContainsFunc(p.entries, func(e *entry) bool { return e.name == name })
}

// errTooMany says that a retired event became more than a sane number of events.
var errTooMany = fmt.Errorf("more than %d events would come of it", maxSplit)

// become appends what comes of a record, whose name may be retired, to list. left is
// how many more events may be made.
func (p *part) become(rec Record, list []Record, left *int) ([]Record, error) {
	r, ok := p.retired[rec.Type]
	if !ok {
		return append(list, rec), nil
	}
	made, err := r.read(&rec)
	if err != nil {
		return list, fmt.Errorf("retired %s: %w", rec.Type, err)
	}
	if *left -= len(made); *left < 0 {
		return list, fmt.Errorf("retired %s: %w", rec.Type, errTooMany)
	}
	for i, raw := range made {
		if !slices.Contains(r.Into, raw.Type) {
			return list, fmt.Errorf("retired %s: became a %s; expected one of %q", rec.Type, clip(raw.Type), r.Into)
		}
		next := Record{Header: rec.Header, Data: raw.Data}
		next.Type, next.Schema = raw.Type, raw.Schema
		if i > 0 { // by the old name, too: what follows may split in its turn
			next.ID = DeriveID(rec.ID, rec.Type, i)
		}
		if list, err = p.become(next, list, left); err != nil {
			return list, err
		}
	}
	return list, nil
}

// read is what comes of one event, by its own name's upcasters and As.
func (r *retired) read(rec *Record) ([]Raw, error) {
	data, schema, err := upcast(r.upcasters, rec.Schema, rec.Data)
	if err != nil || len(r.Into) == 0 {
		return nil, err
	}
	if r.As == nil {
		return []Raw{{Type: r.Into[0], Schema: schema, Data: data}}, nil
	}
	return r.As(Raw{Type: rec.Type, Schema: schema, Data: slices.Clone(data)})
}

// upcast takes a payload through the rest of a chain.
func upcast(chain []Upcaster, schema uint32, data []byte) ([]byte, uint32, error) {
	schema = max(schema, 1)
	for ; uint64(schema) <= uint64(len(chain)); schema++ {
		up, err := chain[schema-1](data)
		if err != nil {
			return nil, schema, fmt.Errorf("upcast from schema %d: %w", schema, err)
		}
		data = up
	}
	return data, schema, nil
}

// DecodeAll appends the events that a record holds to into: one, or as many as come
// of a name that was retired. The error is a [*DecodeError], and nothing is appended
// then; rec is not kept.
func (t *Topic[E]) DecodeAll(rec *Record, into []Event[E]) ([]Event[E], error) {
	if r := t.retiredPart(rec); r != nil {
		return t.decodeRetired(r, rec, into)
	}
	n := len(into)
	into = append(into, Event[E]{})
	if err := t.decodeOne(rec, &into[n]); err != nil {
		return into[:n], err
	}
	return into, nil
}

// retiredPart is the part that a record's name is retired in; nil if it is not.
func (t *Topic[E]) retiredPart(rec *Record) *part {
	for _, d := range t.parts {
		if len(d.part.retired) > 0 && d.part.topic == rec.Stream.Topic && d.part.retired[rec.Type] != nil {
			return d.part
		}
	}
	return nil
}

func (t *Topic[E]) decodeRetired(p *part, rec *Record, into []Event[E]) ([]Event[E], error) {
	n := len(into)
	left := maxSplit
	list, err := contained("what a retired event becomes", func() ([]Record, error) { return p.become(*rec, nil, &left) })
	if err != nil {
		return into, &DecodeError{Stream: rec.Stream, Position: rec.Position, Type: rec.Type, Schema: rec.Schema, Err: err}
	}
	for i := range list {
		if !p.wanted(list[i].Type) { // the topic was narrowed
			continue
		}
		into = append(into, Event[E]{})
		if err := t.decodeOne(&list[i], &into[len(into)-1]); err != nil {
			var d *DecodeError
			if errors.As(err, &d) { // which speaks of what was stored
				err = fmt.Errorf("as %s schema %d: %w", clip(list[i].Type), list[i].Schema, d.Err)
			}
			return into[:n], &DecodeError{Stream: rec.Stream, Position: rec.Position, Type: rec.Type, Schema: rec.Schema, Err: err}
		}
	}
	return into, nil
}
