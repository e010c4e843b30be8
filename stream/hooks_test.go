package stream_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// TestJoinedHooksAreToldInTurn: the context goes from one to the next, and what is done
// comes back the other way. Some hooks are nil.
// Breaks when: JoinHooks gives each the first context; or does not look for nil.
func TestJoinedHooksAreToldInTurn(t *testing.T) {
	var told []string
	noting := func(name string) stream.Hooks {
		note := func(s string) { told = append(told, name+" "+s) }
		return stream.Hooks{
			Command: func(ctx context.Context, to stream.ID, _ any) (context.Context, func([]stream.Header, error)) {
				note("command of " + stream.MetadataOf(ctx)["by"])
				return stream.WithMetadata(ctx, "by", name), func(_ []stream.Header, err error) { note("did: " + err.Error()) }
			},
			Handle: func(ctx context.Context, _ string, _ *stream.Header) (context.Context, func(error)) {
				note("event of " + stream.MetadataOf(ctx)["by"])
				return stream.WithMetadata(ctx, "by", name), func(err error) { note("handled: " + err.Error()) }
			},
			Moved:   func(string, stream.Mark, time.Time) { note("moved") },
			Trouble: func(_ context.Context, _ string, err error) { note("trouble: " + err.Error()) },
		}
	}
	h := stream.JoinHooks(noting("a"), stream.Hooks{}, noting("b"))
	ctx, done := h.Command(t.Context(), stream.ID{}, nil)
	done(nil, errors.New("x"))
	if by := stream.MetadataOf(ctx)["by"]; by != "b" {
		t.Errorf("the command's context is by %q, want the last", by)
	}
	_, handled := h.Handle(t.Context(), "c", nil)
	handled(errors.New("y"))
	h.Moved("c", stream.Mark{}, time.Time{})
	h.Trouble(t.Context(), "c", errors.New("z"))
	want := []string{"a command of ", "b command of a", "b did: x", "a did: x", "a event of ", "b event of a", "b handled: y", "a handled: y", "a moved", "b moved", "a trouble: z", "b trouble: z"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// TestTheLogNamesWhatFailedAndNoPayload.
// Breaks when: LogHooks logs the command itself; logDone leaves out the error.
func TestTheLogNamesWhatFailedAndNoPayload(t *testing.T) {
	type pay struct{ Card string }
	var out strings.Builder
	h := stream.LogHooks(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	id := stream.ID{Topic: "orders", Key: "7"}
	_, done := h.Command(t.Context(), id, pay{"secret"})
	done([]stream.Header{{Version: 3, Meta: stream.Metadata{stream.MetaTraceParent: "00-ab", "note": "secret"}}}, nil)
	_, done = h.Command(t.Context(), id, pay{"secret"})
	done(nil, errors.New("no money"))
	_, handled := h.Handle(t.Context(), "mailer", &stream.Header{Stream: id, Type: "PAID", Position: 9, Time: time.Now()})
	handled(errors.New("no post"))
	h.Moved("mailer", stream.Mark{At: stream.At(9), Head: stream.At(10)}, time.Now())
	h.Trouble(t.Context(), "mailer", errors.New("again"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"level=DEBUG command stream=orders/7 command=stream_test.pay events=1 version=3 traceparent=00-ab",
		`level=WARN command stream=orders/7 events=0 error="no money"`,
		`level=WARN "event handled" consumer=mailer stream=orders/7 type=PAID position=9 error="no post"`,
		"level=DEBUG consumer=mailer at=9 head=10 live=false",
		"level=WARN trouble who=mailer error=again",
	} {
		for _, word := range strings.Fields(want) {
			if !strings.Contains(lines[i], word) {
				t.Errorf("%s\n  does not say %s", lines[i], word)
			}
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("a payload is in the log:\n%s", &out)
	}
}

// TestLagCountsWhatLiesBeforeTheHeadOfEachShard.
// Breaks when: Lag looks at the first shard only, or counts what is past the head.
func TestLagCountsWhatLiesBeforeTheHeadOfEachShard(t *testing.T) {
	for _, c := range []struct {
		at, head stream.Cursor
		want     uint64
	}{
		{stream.Cursor{}, stream.Cursor{}, 0},
		{stream.At(3), stream.At(10), 7},
		{stream.At(3, 2), stream.At(10, 5, 4), 14},
		{stream.At(9), stream.At(3), 0},
	} {
		if got := (stream.Mark{At: c.at, Head: c.head}).Lag(); got != c.want {
			t.Errorf("at %s of %s: got %d, want %d", c.at, c.head, got, c.want)
		}
	}
}
