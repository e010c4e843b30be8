package main

import (
	"context"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// warm: 24
	// warm: 25
	// warm: 25
	// changes: [19 24 25 18]
	// highest: 77 °F
	// items: 7
}

// Whoever copies from here copies no leak.
func TestNothingIsLeftBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for range 10 {
		if err := run(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEndedContextIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, io.Discard); err == nil {
		t.Error("got completion, want the context's error")
	}
}
