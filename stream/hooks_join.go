package stream

import (
	"context"
	"slices"
	"time"
)

// JoinHooks makes one of several: each is told in turn, the next one with the context
// that the one before returned, and what is done in the reverse order.
func JoinHooks(all ...Hooks) Hooks {
	return Hooks{
		Command: func(ctx context.Context, to ID, command any) (context.Context, func([]Header, error)) {
			var told []func([]Header, error)
			for _, h := range all {
				if h.Command != nil {
					var done func([]Header, error)
					if ctx, done = h.Command(ctx, to, command); done != nil {
						told = append(told, done)
					}
				}
			}
			return ctx, func(events []Header, err error) {
				for _, done := range slices.Backward(told) {
					done(events, err)
				}
			}
		},
		Handle: func(ctx context.Context, consumer string, of *Header) (context.Context, func(error)) {
			var told []func(error)
			for _, h := range all {
				if h.Handle != nil {
					var done func(error)
					if ctx, done = h.Handle(ctx, consumer, of); done != nil {
						told = append(told, done)
					}
				}
			}
			return ctx, func(err error) {
				for _, done := range slices.Backward(told) {
					done(err)
				}
			}
		},
		Moved: func(consumer string, m Mark, at time.Time) {
			for _, h := range all {
				if h.Moved != nil {
					h.Moved(consumer, m, at)
				}
			}
		},
		Trouble: func(ctx context.Context, who string, err error) {
			for _, h := range all {
				if h.Trouble != nil {
					h.Trouble(ctx, who, err)
				}
			}
		},
	}
}
