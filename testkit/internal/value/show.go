package value

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Show is a value in Go's syntax, without the packages of its types, and the
// same each time: what a pointer points to is shown, not where it points. Times,
// durations and errors are shown by their text. It does not panic, and shows
// only so much of what is very large or contains itself.
func Show(v any) string {
	if v == nil {
		return "nil"
	}
	s := shower{within: map[uintptr]bool{}}
	s.show(reflect.ValueOf(v), 0)
	return s.b.String()
}

// What is shown of a value.
const (
	longest = 10_000 // bytes
	deepest = 30     // values within one another
)

type shower struct {
	b      strings.Builder
	within map[uintptr]bool // pointers, maps and slices that are being shown
}

func (s *shower) write(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

func (s *shower) show(v reflect.Value, depth int) {
	if s.b.Len() > longest || depth > deepest {
		s.write("…")
		return
	}
	if s.byText(v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() {
			s.null(v.Type())
			return
		}
		if at := v.Pointer(); v.Kind() == reflect.Pointer || v.Len() > 0 {
			if s.within[at] && !v.Type().ConvertibleTo(bytesType) {
				s.write("(itself)")
				return
			}
			s.within[at] = true
			defer delete(s.within, at)
		}
		s.refer(v, depth)
	case reflect.Interface:
		s.inside(v, depth)
	case reflect.Struct:
		s.fields(v, depth)
	case reflect.Array:
		s.elements(v, depth)
	case reflect.String:
		s.write("%s", strconv.Quote(v.String()))
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if v.IsNil() {
			s.null(v.Type())
			return
		}
		s.write("%s", name(v.Type()))
	case reflect.Invalid:
		s.write("nil")
	default:
		s.write("%v", v)
	}
}

// null leaves the type away where only one is possible.
func (s *shower) null(t reflect.Type) {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Func || t.Kind() == reflect.Chan {
		s.write("nil")
		return
	}
	s.write("%s(nil)", name(t))
}

func (s *shower) inside(v reflect.Value, depth int) {
	if v.IsNil() {
		s.write("nil")
		return
	}
	s.show(v.Elem(), depth+1)
}

var (
	bytesType    = reflect.TypeFor[[]byte]()
	durationType = reflect.TypeFor[time.Duration]()
)

// byText shows what its own text shows best.
func (s *shower) byText(v reflect.Value) (done bool) {
	if !v.IsValid() || !v.CanInterface() {
		return false
	}
	t := v.Type()
	switch {
	case t == timeType:
		s.write("%s", v.Interface().(time.Time).Format(time.RFC3339Nano))
	case t == durationType:
		s.write("%s", v.Interface())
	case t.Kind() == reflect.Interface || !t.Implements(errorType):
		return false
	case t.Kind() == reflect.Pointer && v.IsNil():
		return false
	default:
		text, ok := textOf(v.Interface().(error))
		if !ok {
			return false
		}
		s.write("%s(%q)", name(t), text)
	}
	return true
}

func textOf(err error) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // shown like any other value
		}
	}()
	return err.Error(), true
}

func (s *shower) refer(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		s.write("&")
		s.show(v.Elem(), depth+1)
	case reflect.Slice:
		if b := v; b.Type().Elem().Kind() == reflect.Uint8 && utf8.Valid(b.Bytes()) {
			s.write("%s(%q)", name(v.Type()), clip(b.Bytes()))
			return
		}
		s.elements(v, depth)
	case reflect.Map:
		s.pairs(v, depth)
	}
}

func clip(b []byte) []byte { return b[:min(len(b), longest)] }

func (s *shower) elements(v reflect.Value, depth int) {
	s.write("%s{", name(v.Type()))
	for i := range v.Len() {
		if i > 0 {
			s.write(", ")
		}
		if s.b.Len() > longest {
			s.write("…")
			break
		}
		s.show(v.Index(i), depth+1)
	}
	s.write("}")
}

// pairs shows a map in the order of its keys' texts.
func (s *shower) pairs(v reflect.Value, depth int) {
	type pair struct{ key, value string }
	var list []pair
	for k, e := range v.Seq2() {
		if len(list) > longest {
			break
		}
		key, val := shower{within: s.within}, shower{within: s.within}
		key.show(k, depth+1)
		val.show(e, depth+1)
		list = append(list, pair{key.b.String(), val.b.String()})
	}
	slices.SortFunc(list, func(a, b pair) int {
		if len(a.key) != len(b.key) && isNumber(a.key) && isNumber(b.key) {
			return len(a.key) - len(b.key)
		}
		return strings.Compare(a.key+a.value, b.key+b.value)
	})
	s.write("%s{", name(v.Type()))
	for i, p := range list {
		if i > 0 {
			s.write(", ")
		}
		if s.b.Len() > longest {
			s.write("…")
			break
		}
		s.write("%s:%s", p.key, p.value)
	}
	s.write("}")
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// fields reads also those that are not exported, of a copy.
func (s *shower) fields(v reflect.Value, depth int) {
	if v.CanInterface() && !v.CanAddr() {
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		v = c
	}
	s.write("%s{", name(v.Type()))
	for i := range v.NumField() {
		if i > 0 {
			s.write(", ")
		}
		if s.b.Len() > longest {
			s.write("…")
			break
		}
		f := v.Field(i)
		if f.CanAddr() {
			f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
		}
		s.write("%s:", v.Type().Field(i).Name)
		s.show(f, depth+1)
	}
	s.write("}")
}

var packages = regexp.MustCompile(`[\w.~/-]+\.`)

// name is a type without its packages.
func name(t reflect.Type) string {
	if t.Name() == "" && t.Kind() == reflect.Struct {
		return "struct"
	}
	text := packages.ReplaceAllString(t.String(), "")
	text = strings.ReplaceAll(text, "interface {}", "any")
	return strings.ReplaceAll(text, "[]uint8", "[]byte") // as people write it
}
