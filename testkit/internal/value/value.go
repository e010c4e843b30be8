// Package value compares values and shows them as a person would.
package value

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// options say what is the same. The filters of any two of them exclude one
// another: go-cmp panics if two apply.
var options = cmp.Options{
	cmp.Exporter(func(reflect.Type) bool { return true }),
	cmpopts.EquateEmpty(),
	cmpopts.EquateNaNs(),
	cmp.FilterValues(bothErrors, cmp.Comparer(sameError)),
	openSealed,
}

// Equal reports whether two values are the same to a person: of the same type,
// and the same in all fields, also unexported ones and those that are pointed to.
//
//   - Nil and empty slices and maps are the same, as codecs do not tell them
//     apart.
//   - Two NaN are the same.
//   - Times are the same if they are the same instant.
//   - Errors are the same if one is the other in the sense of [errors.Is], or if
//     they have the same type and text.
//   - Sealed values are the same if what they hold is.
//   - Types that have a method Equal decide for themselves.
//   - Functions are the same only if both are nil, channels if they are identical.
//
// It does not panic: values whose comparison does are different.
func Equal(want, got any) bool {
	same, _ := equal(want, got)
	return same
}

// equal returns the panic that comparing ended in.
func equal(want, got any) (same bool, panicked any) {
	defer func() {
		if panicked = recover(); panicked != nil {
			same = false
		}
	}()
	// What is deeply equal is equal, and that is found out far faster.
	return reflect.DeepEqual(want, got) || cmp.Equal(want, got, options), nil
}

// Difference is go-cmp's, for a person to read, empty if the values are
// [Equal]. If comparing them panicked, it says so.
func Difference(want, got any) string {
	same, panicked := equal(want, got)
	if same {
		return ""
	}
	if panicked != nil {
		return fmt.Sprintf("comparing them panicked: %v\n- %s\n+ %s\n", panicked, Show(want), Show(got))
	}
	return diff(want, got)
}

func diff(want, got any) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("showing their difference panicked: %v\n- %s\n+ %s\n", p, Show(want), Show(got))
		}
	}()
	text = cmp.Diff(want, got, options)
	return strings.ReplaceAll(text, "\u00a0", " ") // go-cmp's way of saying that its text may change
}

func bothErrors(want, got any) bool { return isError(want) && isError(got) }

// isError leaves alone what another option compares.
func isError(v any) bool {
	if _, ok := v.(error); !ok {
		return false
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Slice, reflect.Map, reflect.Float32, reflect.Float64:
		return false
	}
	return true
}

func sameError(want, got any) bool {
	w, g := want.(error), got.(error)
	if errors.Is(w, g) || errors.Is(g, w) {
		return true
	}
	return reflect.TypeOf(w) == reflect.TypeOf(g) && w.Error() == g.Error()
}
