package market

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/operators"
)

// Query is one of the benchmark's queries.
type Query struct {
	Number int                                                        // the benchmark's
	Name   string                                                     // the benchmark's
	Count  func(ctx context.Context, events Events) (int, error)      // runs it, and counts the answers
	Rows   func(ctx context.Context, events Events) ([]string, error) // runs it, for the answers as text
}

// Queries are all of them.
func Queries() []Query {
	return []Query{
		query(0, "pass through", Q0),
		query(1, "currency conversion", Q1),
		query(2, "selection", Q2),
		query(3, "local item suggestion", Q3),
		query(4, "average price for a category", Q4),
		query(5, "hot items", Q5),
		query(6, "average selling price by seller", Q6),
		query(7, "highest bid", Q7),
		query(8, "monitor new users", Q8),
	}
}

func query[T any](number int, name string, q func(Events) Of[T]) Query {
	return Query{
		Number: number,
		Name:   name,
		Count: func(ctx context.Context, events Events) (int, error) {
			return operators.Count(ctx, q(events))
		},
		Rows: func(ctx context.Context, events Events) ([]string, error) {
			return operators.Collect(ctx, operators.Map(q(events), row[T]))
		},
	}
}

// row is an answer as text: its fields, between braces.
func row[T any](answer T) string {
	e, ok := any(answer).(Event)
	switch {
	case !ok:
		return fmt.Sprint(answer)
	case e.Person != nil:
		return fmt.Sprint(e.At.UnixMilli(), " ", *e.Person)
	case e.Auction != nil:
		a := e.Auction
		return fmt.Sprint(e.At.UnixMilli(), " ", []int{a.ID, a.Seller, a.Category}, " ", a.Expires.UnixMilli())
	}
	return fmt.Sprint(e.At.UnixMilli(), " ", e.Bid)
}
