package main

import (
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/examples/nexmark/market"
)

func TestEveryQueryIsInTheTable(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, market.Generate(2_000, 10*time.Millisecond, 1), 2_000); err != nil {
		t.Fatal(err)
	}
	for _, q := range market.Queries() {
		if !strings.Contains(out.String(), q.Name) {
			t.Errorf("query %d is not in\n%s", q.Number, out.String())
		}
	}
}
