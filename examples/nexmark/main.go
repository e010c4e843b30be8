// The program nexmark runs the queries of the Nexmark benchmark over generated
// events, in memory, and prints how many events a second each of them takes:
//
//	go run ./examples/nexmark -events 10000000
//
// The queries themselves are in package market.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/thaw-go/thaw/examples/nexmark/market"
)

func main() {
	events := flag.Int("events", 1_000_000, "how many `events`")
	gap := flag.Duration("gap", 100*time.Microsecond, "how far apart they are in their own time")
	seed := flag.Uint64("seed", 1, "which events: the same for the same number")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, market.Generate(*events, *gap, *seed), *events); err != nil {
		fmt.Fprintln(os.Stderr, "nexmark:", err)
		os.Exit(1)
	}
}

// run runs all queries, one after another.
func run(ctx context.Context, out io.Writer, events market.Events, n int) error {
	fmt.Fprintf(out, "%-40s %12s %12s\n", "query", "answers", "events/s")
	for _, q := range market.Queries() {
		began := time.Now()
		answers, err := q.Count(ctx, events)
		if err != nil {
			return fmt.Errorf("query %d, %s: %w", q.Number, q.Name, err)
		}
		perSecond := float64(n) / time.Since(began).Seconds()
		fmt.Fprintf(out, "%d %-38s %12d %12.0f\n", q.Number, q.Name, answers, perSecond)
	}
	return nil
}
