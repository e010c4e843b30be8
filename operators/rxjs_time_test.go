package operators

import "time"

var rxTimes = map[string]rxOperator{
	"debounceTime": func(b *rxBench) rxStream { return Debounce(b.source(), b.ms("ms")) },
	"auditTime":    func(b *rxBench) rxStream { return Audit(b.source(), b.ms("ms")) },
	"sampleTime":   func(b *rxBench) rxStream { return Sample(b.source(), Interval(b.ms("ms"))) },
	"sample":       func(b *rxBench) rxStream { return Sample(b.source(), b.input(b.text("notifier"))) },
	"delay":        func(b *rxBench) rxStream { return Delay(b.source(), b.ms("ms"), 100) },
	"throttleTime": func(b *rxBench) rxStream {
		var edges Edges
		if rxArg[bool](b, "leading") {
			edges |= Leading
		}
		if rxArg[bool](b, "trailing") {
			edges |= Trailing
		}
		return Throttle(b.source(), b.ms("ms"), edges)
	},
	"timeout": func(b *rxBench) rxStream {
		p := Patience[any]{First: b.ms("first"), Each: b.ms("each")}
		if b.has("with") {
			p.With = func() rxStream { return b.input(b.text("with")) }
		}
		return Timeout(b.source(), p)
	},
	"bufferCount": func(b *rxBench) rxStream {
		return rxBuffer(b, Batch{Items: b.int("size"), EveryItems: b.int("every")})
	},
	"bufferTime": func(b *rxBench) rxStream {
		return rxBuffer(b, Batch{For: b.ms("ms"), EveryTime: b.ms("every"), Items: b.int("max")})
	},
	"buffer": func(b *rxBench) rxStream {
		return rxBuffer(b, Batch{Until: SignalOf(b.input(b.text("notifier")))})
	},
}

func rxBuffer(b *rxBench, batch Batch) rxStream {
	return Map(Buffer(b.source(), batch), func(items []any) any { return items })
}

func (b *rxBench) ms(arg string) time.Duration { return time.Duration(b.int(arg)) * time.Millisecond }
