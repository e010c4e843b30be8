package golden

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// reshaped says in which parts two payloads differ; empty if they have one shape.
func reshaped(stored, now []byte) string {
	was, ok := shapeOf(stored)
	is, okNow := shapeOf(now)
	if !ok || !okNow { // of another codec, of which only the bytes are known
		if bytes.Equal(stored, now) {
			return ""
		}
		return fmt.Sprintf("  - %d bytes %.60q\n  + %d bytes %.60q\n", len(stored), stored, len(now), now)
	}
	var b strings.Builder
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if was[path] == is[path] {
			continue
		}
		for _, side := range []struct {
			mark  string
			kinds map[string]string
		}{{"-", was}, {"+", is}} {
			if kind := side.kinds[path]; kind != "" {
				fmt.Fprintf(&b, "  %s %s: %s\n", side.mark, path, kind)
			}
		}
	}
	return b.String()
}

// shapeOf is the kind of value at each path of a JSON payload; false if it is none.
func shapeOf(data []byte) (map[string]string, bool) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, false
	}
	shape := map[string]string{}
	addShape(shape, "payload", v)
	return shape, true
}

func addShape(shape map[string]string, path string, v any) {
	var kind string
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		for name, inner := range v {
			addShape(shape, path+"."+name, inner)
		}
	case []any:
		kind = "array"
		for _, inner := range v {
			addShape(shape, path+"[]", inner)
		}
	case string:
		kind = "string"
	case float64:
		kind = "number"
	case bool:
		kind = "boolean"
	default:
		kind = "null"
	}
	if other, ok := shape[path]; ok && other != kind && !slices.Contains(strings.Split(other, " or "), kind) {
		kinds := append(strings.Split(other, " or "), kind) // the elements of an array differ
		slices.Sort(kinds)
		kind = strings.Join(kinds, " or ")
	} else if ok {
		kind = other
	}
	shape[path] = kind
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// empty are the fields of an example that have no value.
func empty(example any) (fields []string) {
	w := emptyWalk{}
	w.walk(reflect.ValueOf(example), "payload", nil)
	return w.fields
}

type emptyWalk struct{ fields []string }

// walk looks into a value; within are the types around it: what holds its own type
// must end somewhere.
func (w *emptyWalk) walk(v reflect.Value, path string, within []reflect.Type) {
	t := v.Type()
	if written := t.Implements(jsonMarshaler) || t.Implements(textMarshaler); written || v.Kind() != reflect.Struct && v.IsZero() {
		if v.IsZero() && !slices.Contains(within, t) {
			w.fields = append(w.fields, path)
		}
		return
	}
	within = append(slices.Clip(within), t)
	switch v.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				w.walk(v.Field(i), path+"."+f.Name, within)
			}
		}
	case reflect.Pointer, reflect.Interface:
		w.walk(v.Elem(), path, within)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), within)
		}
		if v.Len() == 0 {
			w.fields = append(w.fields, path)
		}
	case reflect.Map:
		if v.Len() == 0 {
			w.fields = append(w.fields, path)
		}
		for _, key := range v.MapKeys() {
			w.walk(v.MapIndex(key), fmt.Sprintf("%s[%v]", path, key), within)
		}
	}
}
