package stream

import (
	"reflect"

	"github.com/thaw-go/thaw/internal/origin"
)

// Upstream is an observable of any items and of kind K, as [Derive] takes them.
type Upstream[K Kind] interface {
	upstream(K) (from *origin.Of, made bool)
}

func (o Observable[K, T]) upstream(K) (from *origin.Of, made bool) { return o.from, o.open != nil }

// Derive makes an operator that answers subscriptions itself, for one that
// [Through] and [Holding] do not serve: it reads several sources, or lets
// goroutines of its own run them. open makes one run for each subscription; it
// is for open to pass the subscription on, or to refuse a durable consumer. The
// result reads the sources' log if all read the same one, and none otherwise. It
// has no source if one of them has none.
func Derive[K Kind, T any](open func(Subscription) Run[T], sources ...Upstream[K]) Observable[K, T] {
	var kind K
	var from *origin.Of
	for i, s := range sources {
		of, made := s.upstream(kind)
		if !made {
			return Observable[K, T]{}
		}
		if i == 0 {
			from = of
		} else {
			from = common(from, of)
		}
	}
	return New[K](from, open)
}

// common is the origin of what comes from both.
func common(a, b *origin.Of) *origin.Of {
	if a == nil || b == nil || !reflect.ValueOf(a.Log).Comparable() || a.Log != b.Log {
		return nil
	}
	return &origin.Of{Log: a.Log, Hot: a.Hot && b.Hot}
}
