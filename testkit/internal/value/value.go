// Package value compares values and shows them as a person would.
package value

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Difference is go-cmp's, of all fields, also unexported ones; empty if there is
// none. Nil and empty slices and maps are the same, as codecs do not tell them
// apart.
func Difference(want, got any) string {
	diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty())
	return strings.ReplaceAll(diff, "\u00a0", " ") // go-cmp's way of saying that its text may change
}

// Show is a value in Go's syntax, without the package of its type.
func Show(v any) string {
	s := fmt.Sprintf("%#v", v)
	if name := fmt.Sprintf("%T", v); strings.HasPrefix(s, name) && !strings.ContainsAny(name, "[]* ") {
		s = name[strings.LastIndex(name, ".")+1:] + s[len(name):]
	}
	return s
}
