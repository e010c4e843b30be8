package nocompile

import "testing"

// Every operator keeps its source's kind, and what would make another kind of it
// does not compile.
func TestOperatorsKeepKinds(t *testing.T) {
	Check(t, Suite{Header: importing("operators", `
func all(*stream.Event[Event]) bool { return true }

func self(o stream.Source[stream.Hot, Event]) stream.Source[stream.Hot, Event] { return o }
`), Cases: []Case{
		{
			Claim:   "merging two kinds",
			Wrong:   `_ = operators.Merge(hot, coldHot)`,
			Right:   `_ = operators.Merge(hot, hot)`,
			Message: []string{"type stream.Source[stream.ColdHot, Event] of coldHot does not match inferred type stream.Observable[stream.Hot, *stream.Event[Event]]"},
		},
		{
			Claim:   "merging two types of items",
			Wrong:   `_ = operators.Merge(hot, operators.Payloads(hot))`,
			Right:   `_ = operators.Merge(hot, operators.Filter(hot, all))`,
			Message: []string{"of operators.Payloads(hot) does not match inferred type"},
		},
		{
			Claim:   "a live inner observable, which would never let the next have its turn",
			Wrong:   `_ = operators.ConcatMap(cold, func(*stream.Event[Event]) stream.Source[stream.Hot, Event] { return hot })`,
			Right:   `_ = operators.ConcatMap(cold, func(*stream.Event[Event]) stream.Source[stream.Cold, Event] { return cold })`,
			Message: []string{"does not match inferred type func(*stream.Event[Event]) stream.Observable[stream.Cold, B]"},
		},
		{
			Claim:   "taking a few of a live source for history",
			Wrong:   `_, _ = operators.Collect(ctx, operators.Take(hot, 3))`,
			Right:   `_, _ = operators.Collect(ctx, operators.Take(cold, 3))`,
			Message: []string{"of operators.Take(hot, 3) does not match stream.Observable[stream.Cold, T]"},
		},
		{
			Claim:   "a history that goes on until something happens",
			Wrong:   `_ = self(operators.TakeUntil(cold, hot))`,
			Right:   `_ = self(operators.TakeUntil(hot, cold))`,
			Message: []string{"cannot use operators.TakeUntil(cold, hot)", "as stream.Source[stream.Hot, Event] value in argument to self"},
		},
		{
			Claim:   "whether all of what never ends is so",
			Wrong:   `_, _ = operators.Every(ctx, coldHot, all)`,
			Right:   `_, _ = operators.Every(ctx, cold, all)`,
			Message: []string{"does not match"},
		},
	}})
}
