package operators

import "testing"

func TestTakeNeedsNoFurtherItem(t *testing.T) {
	p := &tape{n: 4}
	seen := 0
	got, err := Collect(t.Context(), Take(Tap(p.source(), func(int) { seen++ }), 2))
	if len(got) != 2 || err != nil || seen != 2 {
		t.Errorf("got %v, %v after %d items, want 2 of each", got, err, seen)
	}
	if _, err := Collect(t.Context(), Take(p.source(), 0)); err != nil || p.opened.Load() != 1 {
		t.Errorf("Take(0): got %v and %d runs, want the source not run again", err, p.opened.Load())
	}
}
