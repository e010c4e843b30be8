package stream

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// LogHooks are hooks that log: what succeeds at level Debug, what fails and all trouble
// at level Warn. Commands are named by their Go type and events by their header:
// payloads, and metadata other than the trace, stay out of the log.
func LogHooks(to *slog.Logger) Hooks {
	return Hooks{
		Command: func(ctx context.Context, id ID, command any) (context.Context, func([]Header, error)) {
			begun := time.Now()
			return ctx, func(events []Header, err error) {
				attrs := []slog.Attr{slog.Any("stream", id), slog.String("command", fmt.Sprintf("%T", command)), slog.Int("events", len(events))}
				if len(events) > 0 {
					attrs = append(attrs, slog.Any("version", events[len(events)-1].Version), traceAttr(events[0].Meta))
				}
				logDone(ctx, to, "command", begun, err, attrs)
			}
		},
		Handle: func(ctx context.Context, consumer string, h *Header) (context.Context, func(error)) {
			begun := time.Now()
			return ctx, func(err error) {
				logDone(ctx, to, "event handled", begun, err, []slog.Attr{
					slog.String("consumer", consumer), slog.Any("stream", h.Stream), slog.String("type", h.Type),
					slog.Any("position", h.Position), slog.Any("event", h.ID), slog.Any("story", h.Correlation),
					slog.Duration("age", time.Since(h.Time)), traceAttr(h.Meta),
				})
			}
		},
		Moved: func(consumer string, m Mark, at time.Time) {
			to.LogAttrs(context.Background(), slog.LevelDebug, "consumer moved", slog.String("consumer", consumer),
				slog.Any("at", m.At), slog.Any("head", m.Head), slog.Bool("live", m.Live))
		},
		Trouble: func(ctx context.Context, who string, err error) {
			to.LogAttrs(ctx, slog.LevelWarn, "trouble", slog.String("who", who), slog.Any("error", err))
		},
	}
}

func logDone(ctx context.Context, to *slog.Logger, what string, begun time.Time, err error, attrs []slog.Attr) {
	level := slog.LevelDebug
	attrs = append(attrs, slog.Duration("took", time.Since(begun)))
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("error", err))
	}
	to.LogAttrs(ctx, level, what, attrs...)
}

// traceAttr is the trace that an event carries; nothing if it carries none.
func traceAttr(m Metadata) slog.Attr {
	if trace := m[MetaTraceParent]; trace != "" {
		return slog.String(MetaTraceParent, trace)
	}
	return slog.Attr{}
}
