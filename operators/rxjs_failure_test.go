package operators

import (
	"time"

	"github.com/thaw-go/thaw/stream"
)

var rxFailures = map[string]rxOperator{
	"retry": func(b *rxBench) rxStream {
		r := Retries{Wait: time.Duration(b.int("delay")) * time.Millisecond}
		if b.has("count") {
			r.Attempts = b.int("count") + 1
		}
		return Retry(b.source(), r)
	},
	"repeat": func(b *rxBench) rxStream {
		return Repeat(b.source(), b.int("count"), time.Duration(b.int("delay"))*time.Millisecond)
	},
	"catchError": func(b *rxBench) rxStream {
		with := b.input(b.text("with"))
		return Catch(b.source(), func(error) stream.Observable[stream.Cold, any] { return with })
	},
}
