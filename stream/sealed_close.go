package stream

import (
	"context"
	"fmt"
	"reflect"
	"sync"
)

// maxSealedDepth bounds how deep a payload is searched: as deep as encoding/json
// reads.
const maxSealedDepth = 10_000

// CloseSealed closes what is open among the [Sealed] values of a payload, each under
// its subject's key: those that are in its exported fields, behind its pointers and
// interfaces, in its slices, arrays and maps, and within other sealed values. A
// repository does so before it encodes an event.
//
// It changes nothing but the sealed values, and copies of one are closed as one, so it
// may be called again, and concurrently, for payloads that share them; what was closed
// already stays as it is, also under other keys. Closing the same payload anew, as when
// a command is decided again, gives other bytes, as each closing has a nonce of its own.
//
// It returns what [Keys.Key] returns, such as an error that wraps [ErrForgotten]; an
// [*InvalidError] or [*TooLargeError] for a subject that has not the form of a
// stream's key; an error for a value that does not marshal as JSON or is nested more
// than 10,000 deep; and one that names the subject if keys is nil and something is
// open. After an error some may be closed and others not.
func CloseSealed(ctx context.Context, keys Keys, payload any) error {
	v := reflect.ValueOf(payload)
	if !v.IsValid() || !shapeOf(v.Type()).holds {
		return nil
	}
	c := closer{ctx: ctx, keys: keys}
	return c.walk(v)
}

// sealable is a Sealed of any type.
type sealable interface{ closeUnder(*closer) error }

var sealableType = reflect.TypeFor[sealable]()

// closer is one walk through a payload.
type closer struct {
	ctx   context.Context
	keys  Keys
	seen  map[any]bool // pointers, maps, slices and boxes: each once, as there may be cycles
	depth int
}

// met reports whether the walk has been at a place before.
func (c *closer) met(place any) bool {
	if c.seen[place] {
		return true
	}
	if c.seen == nil {
		c.seen = map[any]bool{}
	}
	c.seen[place] = true
	return false
}

// place is where a value is that others can refer to.
type place struct {
	typ reflect.Type
	at  uintptr // kept alive by the payload
	len int
}

// walk closes what is in a value.
func (c *closer) walk(v reflect.Value) error {
	shape := shapeOf(v.Type())
	if !shape.holds {
		return nil
	}
	if c.depth++; c.depth > maxSealedDepth {
		return fmt.Errorf("stream: close the sealed values of a payload: it is nested more than %d deep", maxSealedDepth)
	}
	defer func() { c.depth-- }()
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			return c.walk(v.Elem())
		}
	case reflect.Pointer:
		if !v.IsNil() && !c.met(place{v.Type(), v.Pointer(), 0}) {
			return c.walk(v.Elem())
		}
	case reflect.Map:
		if !v.IsNil() && !c.met(place{v.Type(), v.Pointer(), 0}) {
			return c.walkMap(v)
		}
	case reflect.Slice:
		if v.Len() > 0 && !c.met(place{v.Type(), v.Pointer(), v.Len()}) {
			return c.walkList(v)
		}
	case reflect.Array:
		return c.walkList(v)
	case reflect.Struct:
		return c.walkStruct(v, shape)
	}
	return nil
}

func (c *closer) walkStruct(v reflect.Value, shape *shape) error {
	if shape.sealed {
		if !v.CanInterface() {
			return nil // hidden from codecs, too
		}
		return v.Interface().(sealable).closeUnder(c)
	}
	for _, i := range shape.fields {
		if err := c.walk(v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *closer) walkMap(v reflect.Value) error {
	for i := v.MapRange(); i.Next(); {
		if err := c.walk(i.Value()); err != nil {
			return err
		}
	}
	return nil
}

func (c *closer) walkList(v reflect.Value) error {
	for i := range v.Len() {
		if err := c.walk(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// shape is what the walk knows of a type.
type shape struct {
	holds  bool  // there may be sealed values in it
	sealed bool  // it is one
	fields []int // a struct's, in which there may be some
}

var shapes sync.Map // of reflect.Type to *shape; as many as the program has types

// shapeOf is a type's shape, made when it is met first.
func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{holds: mayHold(t, map[reflect.Type]bool{})}
	switch {
	case !s.holds || t.Kind() != reflect.Struct:
	case t.Implements(sealableType):
		s.sealed = true
	default:
		for f := range t.Fields() {
			if reached(f) && mayHold(f.Type, map[reflect.Type]bool{}) {
				s.fields = append(s.fields, f.Index[0])
			}
		}
	}
	known, _ := shapes.LoadOrStore(t, s)
	return known.(*shape)
}

// mayHold reports whether there may be sealed values in values of a type. A type that
// is being looked at adds nothing where it is met again.
func mayHold(t reflect.Type, looking map[reflect.Type]bool) bool {
	if looking[t] {
		return false
	}
	looking[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return mayHold(t.Elem(), looking)
	case reflect.Struct:
		if t.Implements(sealableType) {
			return true
		}
		for f := range t.Fields() {
			if reached(f) && mayHold(f.Type, looking) {
				return true
			}
		}
	}
	return false
}

// reached reports whether codecs see a field.
func reached(f reflect.StructField) bool { return f.IsExported() || f.Anonymous }
