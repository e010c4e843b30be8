package testkit

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Exactly matches an event with this payload, among others that are matched
// otherwise.
func Exactly[E any](want E) marble.Matcher { return exactly[E]{want} }

// OfType matches an event whose payload is an X, which may be an interface.
func OfType[X any]() marble.Matcher { return ofType[X]{} }

// Where matches an event whose payload is an X of which something holds; what
// says it in words. An X that is a [*stream.Event] is the event with its header:
//
//	testkit.Where("after a day", func(e *stream.Event[Event]) bool { return e.Time.After(tomorrow) })
func Where[X any](what string, holds func(X) bool) marble.Matcher { return where[X]{what, holds} }

type exactly[E any] struct{ want E }

func (m exactly[E]) Match(got any) error {
	if diff := difference(any(m.want), payloadOf(got)); diff != "" {
		return fmt.Errorf("another value, difference (- want, + got):\n%s", indent(diff))
	}
	return nil
}

func (m exactly[E]) String() string { return value.Show(m.want) }

type ofType[X any] struct{}

func (m ofType[X]) Match(got any) error {
	_, err := as[X](got)
	return err
}

func (m ofType[X]) String() string { return "any " + typeName[X]() }

type where[X any] struct {
	what  string
	holds func(X) bool
}

func (m where[X]) Match(got any) error {
	x, err := as[X](got)
	if err != nil {
		return err
	}
	holds := false
	if err := guard(m.what, func() { holds = m.holds(x) }); err != nil {
		return err
	}
	if !holds {
		return fmt.Errorf("not %s", m.what)
	}
	return nil
}

func (m where[X]) String() string { return fmt.Sprintf("any %s, %s", typeName[X](), m.what) }

// as is the value as an X, or its payload if it is an event.
func as[X any](got any) (X, error) {
	if x, ok := got.(X); ok {
		return x, nil
	}
	if got == nil && reflect.TypeFor[X]().Kind() == reflect.Interface {
		var none X
		return none, nil
	}
	data := payloadOf(got)
	x, ok := data.(X)
	if !ok {
		return x, fmt.Errorf("want type %s, got %T", typeName[X](), data)
	}
	return x, nil
}

func typeName[X any]() string {
	name := reflect.TypeFor[X]().String()
	if strings.ContainsAny(name, "[]* ") {
		return name
	}
	return name[strings.LastIndex(name, ".")+1:]
}

// payloadOf is the payload of an event of any type; another value is its own.
func payloadOf(got any) any {
	if _, data, ok := asEvent(got); ok {
		return data
	}
	return got
}

// sameRefusal matches an error that says the same as another one.
type sameRefusal struct{ first error }

func (m sameRefusal) Match(got any) error {
	if value.Equal(m.first, got) {
		return nil
	}
	return fmt.Errorf("the first time it was %q", m.first)
}

// failureMatcher is errors.As as a matcher.
type failureMatcher struct{ target any }

func failureAs(target any) (m failureMatcher, ok bool) {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return m, false
	}
	t := v.Type().Elem()
	return failureMatcher{target}, t.Kind() == reflect.Interface || t.Implements(reflect.TypeFor[error]())
}

func (m failureMatcher) Match(got any) error {
	if err, ok := got.(error); ok && errors.As(err, m.target) {
		return nil
	}
	return fmt.Errorf("want an error of type %s", m)
}

func (m failureMatcher) String() string { return reflect.TypeOf(m.target).Elem().String() }
