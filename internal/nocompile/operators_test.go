package nocompile

import (
	"strings"
	"testing"
)

// importing is the header with one more package of the module, which a
// declaration uses.
func importing(pkg, declarations string) string {
	path := "\t\"github.com/thaw-go/thaw/"
	return strings.Replace(header, path, path+pkg+"\"\n"+path, 1) + declarations
}

func TestTerminals(t *testing.T) {
	Check(t, Suite{Header: importing("operators", `
func sum(n int, _ *stream.Event[Event]) int { return n + 1 }
func all(*stream.Event[Event]) bool { return true }

var view = operators.NewView("count", func() int { return 0 }, sum)
`), Cases: []Case{
		{
			Claim:   "collecting cold+hot, which never ends",
			Wrong:   `_, _ = operators.Collect(ctx, coldHot)`,
			Right:   `_, _ = operators.Collect(ctx, cold)`,
			Message: []string{"type stream.Source[stream.ColdHot, Event] of coldHot does not match stream.Observable[stream.Cold, T]"},
		},
		{
			Claim:   "collecting cold+hot behind an operator",
			Wrong:   `_, _ = operators.Collect(ctx, operators.Filter(coldHot, all))`,
			Right:   `_, _ = operators.Collect(ctx, operators.Filter(cold, all))`,
			Message: []string{"type stream.Observable[stream.ColdHot, *stream.Event[Event]] of operators.Filter(coldHot, all) does not match stream.Observable[stream.Cold, T]"},
		},
		{
			Claim:   "reducing hot",
			Wrong:   `_, _ = operators.Reduce(ctx, hot, 0, sum)`,
			Right:   `_, _ = operators.Reduce(ctx, cold, 0, sum)`,
			Message: []string{"type stream.Source[stream.Hot, Event] of hot does not match", "stream.Observable[stream.Cold,"},
		},
		{
			Claim:   "the last of hot",
			Wrong:   `_, _, _ = operators.Last(ctx, hot)`,
			Right:   `_, _, _ = operators.Last(ctx, cold)`,
			Message: []string{"type stream.Source[stream.Hot, Event] of hot does not match stream.Observable[stream.Cold, T]"},
		},
		{
			Claim:   "counting cold+hot",
			Wrong:   `_, _ = operators.Count(ctx, coldHot)`,
			Right:   `_, _ = operators.Count(ctx, cold)`,
			Message: []string{"type stream.Source[stream.ColdHot, Event] of coldHot does not match stream.Observable[stream.Cold, T]"},
		},
		{
			Claim:   "a view on a hot source",
			Wrong:   `_ = view.Run(ctx, hot)`,
			Right:   `_ = view.Run(ctx, coldHot)`,
			Message: []string{"cannot use hot", "as stream.Observable[stream.ColdHot, *stream.Event[Event]] value in argument to view.Run"},
		},
		{
			Claim:   "a view on a hot source behind an operator",
			Wrong:   `_ = view.Run(ctx, operators.Filter(hot, all))`,
			Right:   `_ = view.Run(ctx, operators.Filter(coldHot, all))`,
			Message: []string{"cannot use operators.Filter(hot, all)", "as stream.Observable[stream.ColdHot, *stream.Event[Event]] value in argument to view.Run"},
		},
		{
			Claim:   "folding a view over a live source",
			Wrong:   `_, _ = view.Fold(ctx, coldHot)`,
			Right:   `_, _ = view.Fold(ctx, cold)`,
			Message: []string{"cannot use coldHot", "as stream.Observable[stream.Cold, *stream.Event[Event]] value in argument to view.Fold"},
		},
	}})
}
