package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// counting is one run of a pipeline to its end. It returns a figure that tells
// whether all was done.
type counting func(context.Context) (int, error)

// trial is a pipeline over so many items, and what its runs return.
type trial struct {
	run   counting
	items int
	want  int
}

// nanoseconds runs the pipeline once and returns how long an item took.
func (t trial) nanoseconds() (float64, error) {
	began := time.Now()
	got, err := t.run(context.Background())
	took := time.Since(began)
	if err == nil && got != t.want {
		err = fmt.Errorf("bench: expected a result of %d, got %d", t.want, got)
	}
	return float64(took.Nanoseconds()) / float64(t.items), err
}

// perItem runs a pipeline again and again. An item's time is the median of the
// runs.
func perItem(w work, t trial) (metrics, error) {
	var each []float64
	allocations, err := repeated(w, func() error {
		ns, err := t.nanoseconds()
		each = append(each, ns)
		return err
	})
	ns := newSpread(each).Median
	return metrics{"ns an item": ns, "rate": 1e9 / ns, "allocations an item": allocations}, err
}

// onTop measures what a pipeline costs more than one that it is run in turn with.
func onTop(w work, base, t trial) (metrics, error) {
	out, err := perItem(w, t)
	if err != nil {
		return nil, err
	}
	var more []float64
	_, err = repeated(w, func() error {
		without, err := base.nanoseconds()
		if err != nil {
			return err
		}
		with, err := t.nanoseconds()
		more = append(more, with-without)
		return err
	})
	out["ns on top"] = newSpread(more).Median
	return out, err
}

// repeated runs f once to warm up and then for as long as the sizes say, three
// times at least, and counts the allocations of an item.
func repeated(w work, f func() error) (allocations float64, err error) {
	if err := f(); err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runs := 0
	for began := time.Now(); runs < 3 || time.Since(began) < w.sizes.ops; runs++ {
		if err := f(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(runs*w.sizes.items), nil
}
