package operators

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// fired collects what windows of 10 seconds say of readings.
func fired(t *testing.T, by ByTime[reading, int], list ...reading) ([]string, error) {
	t.Helper()
	return Collect(t.Context(), Map(Window(stream.From(list...), Tumbling(10*time.Second), by, nil, note), shown[[]int]))
}

// Breaks when: an item that nobody is told of is dropped.
func TestTooLateIsNeverSilent(t *testing.T) {
	list := []reading{{1, 0, 5}, {2, 0, 25}, {3, 0, 6}}
	by := byReading(0, 0, nil)
	by.TooLate = nil
	_, err := fired(t, by, list...)
	var late *TooLateError
	if !errors.As(err, &late) || late.Stage != "Window" || !late.Time.Equal(seconds(6)) || !late.Watermark.Equal(seconds(25)) {
		t.Errorf("got %v, want a TooLateError for second 6 at second 25", err)
	}
	by.Meter = &Meter{}
	if got, err := fired(t, by, list...); err != nil || by.Meter.Late() != 1 || len(got) != 2 {
		t.Errorf("got %q, %v and %d counted, want two windows and one", got, err, by.Meter.Late())
	}
}

// Breaks when: windows that are let go are not fired, are fired one key only, or are
// called on time.
func TestWindowsFireEarlyToMakeRoom(t *testing.T) {
	by := byReading(0, 0, nil)
	by.Most, by.Meter = 2, &Meter{}
	got, err := fired(t, by, reading{1, 1, 1}, reading{2, 2, 2}, reading{3, 3, 3}, reading{4, 1, 4})
	want := []string{
		"key 1 [0,10) [1], 1 items, early at 3",
		"key 2 [0,10) [2], 1 items, early at 3",
		"key 3 [0,10) [3], 1 items, on time at end",
		"key 1 [0,10) [4], 1 items, on time at end",
	}
	if !slices.Equal(got, want) || err != nil || by.Meter.Evicted() != 2 {
		t.Errorf("got %q, %v, %d evicted, want %q and 2", got, err, by.Meter.Evicted(), want)
	}
}

// Breaks when: a window that has fired and was forgotten to make room fires again
// with only what came after that.
func TestWindowsKeptForLateItemsGoFirst(t *testing.T) {
	var late []int
	by := byReading(0, 100, &late)
	by.Most = 2
	got, err := fired(t, by, reading{1, 1, 1}, reading{2, 1, 12}, reading{3, 2, 13}, reading{4, 1, 2})
	want := []string{
		"key 1 [0,10) [1], 1 items, on time at 12",
		"key 1 [10,20) [2], 1 items, on time at end",
		"key 2 [10,20) [3], 1 items, on time at end",
	}
	if !slices.Equal(got, want) || !slices.Equal(late, []int{4}) || err != nil {
		t.Errorf("got %q, too late %v, %v, want %q and 4", got, late, err, want)
	}
}

// Breaks when: the session that began first is let go, not the one that ends first.
func TestSessionThatEndsFirstMakesRoom(t *testing.T) {
	by := byReading(5, 0, nil)
	by.Most = 2
	list := stream.From(reading{1, 1, 1}, reading{2, 2, 2}, reading{3, 1, 3}, reading{4, 3, 4})
	o := Session(list, 5*time.Second, by, nil, note, func(a, b []int) []int { return slices.Concat(a, b) })
	got, err := Collect(t.Context(), Map(o, shown[[]int]))
	want := []string{
		"key 2 [2,7) [2], 1 items, early at -1",
		"key 1 [1,8) [1 3], 2 items, on time at end",
		"key 3 [4,9) [4], 1 items, on time at end",
	}
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// Breaks when: a wrong option, or a time that has no number, is taken.
func TestWindowsRefuseWhatTheyCanNotDo(t *testing.T) {
	by := byReading(0, 0, nil)
	one := stream.From(reading{1, 1, 1})
	for what, o := range map[string]stream.Observable[stream.Cold, Windowed[int, []int]]{
		"begin at least as often": Window(one, Hopping(time.Second, time.Minute), by, nil, note),
		"windows longer than 0":   Window(one, Tumbling(0), by, nil, note),
		"a gap longer than 0":     Session(one, 0, by, nil, note, nil),
		"key and time":            Window(one, Tumbling(1), ByTime[reading, int]{}, nil, note),
		"durations from 0":        Window(one, Tumbling(1), byReading(-1, 0, nil), nil, note),
		"between 1717 and 2223":   Window(one, Tumbling(1), ByTime[reading, int]{Key: by.Key, Time: func(reading) time.Time { return time.Time{} }}, nil, note),
	} {
		if _, err := Collect(t.Context(), o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want an error that speaks of %q", err, what)
		}
	}
}
