package value

import (
	"reflect"
	"time"
	"unsafe"
)

// Copy is a copy of all that a value reaches, also through unexported fields:
// what happens to the value later does not change it. Functions, channels, and
// what a pointer to a type with such fields points to, are shared: those are
// rather services than data. Of a value that can not be copied it is the value
// itself.
func Copy(v any) any {
	copied, _ := copyOf(v)
	return copied
}

// Holds reports for each of the pointers whether a value reaches into what it
// points to, by a pointer or a slice. A string taken from there does not count.
func Holds(v any, pointers []any) []bool {
	_, seen := copyOf(v)
	held := make([]bool, len(pointers))
	for i, p := range pointers {
		v := reflect.ValueOf(p)
		if v.Kind() != reflect.Pointer || v.IsNil() {
			continue
		}
		from, size := v.Pointer(), v.Type().Elem().Size()
		for place := range seen {
			if at := uintptr(place.at); at >= from && at-from < size {
				held[i] = true
			}
		}
	}
	return held
}

func copyOf(v any) (copied any, seen map[place]reflect.Value) {
	c := copier{seen: map[place]reflect.Value{}}
	defer func() {
		if recover() != nil {
			copied, seen = v, c.seen
		}
	}()
	if v == nil {
		return nil, nil
	}
	to := reflect.New(reflect.TypeOf(v)).Elem()
	to.Set(reflect.ValueOf(v))
	c.deepen(to)
	return to.Interface(), c.seen
}

// place is something in memory that was met while a value was copied.
type place struct {
	at  unsafe.Pointer
	typ reflect.Type
	len int // of a slice
}

type copier struct{ seen map[place]reflect.Value }

// deepen replaces what a value shares with the one it was copied from.
func (c *copier) deepen(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		c.pointer(v)
	case reflect.Interface:
		if !v.IsNil() {
			inner := reflect.New(v.Elem().Type()).Elem()
			inner.Set(v.Elem())
			c.deepen(inner)
			v.Set(inner)
		}
	case reflect.Slice:
		c.slice(v)
	case reflect.Map:
		c.mapping(v)
	case reflect.Array:
		for i := range v.Len() {
			c.deepen(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for i := range v.NumField() {
			f := v.Field(i)
			// Reflection does not set an unexported field; at its address it does.
			c.deepen(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem())
		}
	}
}

func (c *copier) pointer(v reflect.Value) {
	if v.IsNil() {
		return
	}
	at := place{v.UnsafePointer(), v.Type(), 0}
	if known, ok := c.seen[at]; ok {
		v.Set(known)
		return
	}
	if !isData(v.Type().Elem(), nil) {
		c.seen[at] = reflect.ValueOf(v.Interface())
		return
	}
	to := reflect.New(v.Type().Elem())
	to.Elem().Set(v.Elem())
	c.seen[at] = to.Convert(v.Type())
	v.Set(c.seen[at])
	c.deepen(to.Elem())
}

func (c *copier) slice(v reflect.Value) {
	if v.IsNil() {
		return
	}
	at := place{v.UnsafePointer(), v.Type(), v.Len()}
	if known, ok := c.seen[at]; ok {
		v.Set(known)
		return
	}
	to := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(to, v)
	c.seen[at] = to
	v.Set(to)
	if isFlat(v.Type().Elem().Kind()) {
		return
	}
	for i := range to.Len() {
		c.deepen(to.Index(i))
	}
}

func (c *copier) mapping(v reflect.Value) {
	if v.IsNil() {
		return
	}
	at := place{v.UnsafePointer(), v.Type(), 0}
	if known, ok := c.seen[at]; ok {
		v.Set(known)
		return
	}
	to := reflect.MakeMapWithSize(v.Type(), v.Len())
	c.seen[at] = to
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for entries := v.MapRange(); entries.Next(); {
		key.SetIterKey(entries)
		elem.SetIterValue(entries)
		c.deepen(key)
		c.deepen(elem)
		to.SetMapIndex(key, elem)
	}
	v.Set(to)
}

func isFlat(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}

// isData reports whether nothing in a type is there to be called or waited for.
func isData(t reflect.Type, above []reflect.Type) bool {
	for _, a := range above {
		if a == t {
			return true
		}
	}
	above = append(above, t)
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return false
	case reflect.Array, reflect.Slice, reflect.Pointer:
		return isData(t.Elem(), above)
	case reflect.Map:
		return isData(t.Key(), above) && isData(t.Elem(), above)
	case reflect.Struct:
		if t == timeType {
			return true
		}
		if t == locationType || t.PkgPath() == "sync/atomic" || t.PkgPath() == "reflect" {
			return false
		}
		for i := range t.NumField() {
			if !isData(t.Field(i).Type, above) {
				return false
			}
		}
	}
	return true
}

var locationType = reflect.TypeFor[time.Location]()
