package operators

import (
	"context"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

var rxGroups = map[string]rxOperator{
	"groupBy": func(b *rxBench) rxStream {
		key, element := rxKey(b.text("key")), func(v any) any { return v }
		if b.has("element") {
			element = rxElement(b.text("element"))
		}
		type keyed struct{ key, item any }
		items := Map(b.source(), func(v any) keyed { return keyed{key(v), element(v)} })
		return GroupBy(items, func(k keyed) any { return k.key }, Groups{}, func(key any, group stream.Observable[stream.Cold, keyed]) rxStream {
			values := Map(group, func(k keyed) any { return k.item })
			if n, ok := strings.CutPrefix(b.text("duration"), "skip:"); ok {
				values = Take(values, int(rxNum(n))+1) // with it the group ends
			}
			return b.nested(key, values, b.text("output") == "keys")
		})
	},
	"windowCount": func(b *rxBench) rxStream {
		return WindowCount(b.source(), b.int("size"), b.int("every"), func(window rxStream) rxStream {
			return b.nested(nil, window, false)
		})
	},
}

// nested emits a stream as an item, and notes what it does.
func (b *rxBench) nested(key any, o rxStream, onlyKey bool) rxStream {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[any] {
		return func(ctx context.Context, emit func(any) error) error {
			nest, began := &rxNested{key: key}, b.world.frame()
			var out any = nest
			if onlyKey {
				out = key
			}
			if err := emit(out); err != nil {
				return err
			}
			note := func(kind rxKind, value any) {
				b.world.mu.Lock()
				defer b.world.mu.Unlock()
				nest.points = append(nest.points, rxPoint{frame: b.world.frame() - began, kind: kind, value: value})
			}
			err := o.Run(ctx, func(item any) error { note(rxNext, item); return nil })
			switch {
			case err == nil:
				note(rxComplete, nil)
			case ctx.Err() == nil:
				note(rxError, rxErrorValue(err))
			}
			return err
		}
	})
}
