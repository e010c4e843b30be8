package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		claim  string
		values []float64
		want   spread
	}{
		{"of nothing has no figures", nil, spread{}},
		{"of one figure is that figure", []float64{3}, spread{3, 3, 3, 1}},
		{"of an odd number has the middle one", []float64{9, 1, 4}, spread{4, 1, 9, 3}},
		{"of an even number has the mean of the middle two", []float64{8, 1, 4, 2}, spread{3, 1, 8, 4}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if diff := cmp.Diff(newSpread(c.values), c.want); diff != "" {
				t.Errorf("spread of %v (-got +want):\n%s", c.values, diff)
			}
		})
	}
}

// measured are three rounds: the peer failed in the second, and each round of
// the disk was twice as slow as the one before.
func measured() results {
	r := results{}
	r.add("few/thaw", 0, metrics{"rate": 400, "p50 µs": 100})
	r.add("few/thaw", 1, metrics{"rate": 200, "p50 µs": 200})
	r.add("few/thaw", 2, metrics{"rate": 100, "p50 µs": 400})
	r.add("few/peer", 0, metrics{"rate": 200, "p50 µs": 200})
	r.add("few/peer", 2, metrics{"rate": 25, "p50 µs": 1600})
	return r
}

func TestRatios(t *testing.T) {
	t.Run("are of figures of one round, where both ran", func(t *testing.T) {
		_, _, got := measured().compare("few/thaw", "few/peer", "rate")
		if diff := cmp.Diff(got, spread{Median: 3, Min: 2, Max: 4, N: 2}); diff != "" {
			t.Errorf("ratio (-got +want):\n%s", diff)
		}
	})
	t.Run("stand beside the figures of the same rounds", func(t *testing.T) {
		value, against, _ := measured().compare("few/thaw", "few/peer", "rate")
		got := []spread{value, against}
		if diff := cmp.Diff(got, []spread{{250, 100, 400, 2}, {112.5, 25, 200, 2}}); diff != "" {
			t.Errorf("figures (-got +want):\n%s", diff)
		}
	})
	t.Run("to a case that never ran do not exist", func(t *testing.T) {
		if _, _, got := measured().compare("few/thaw", "few/nobody", "rate"); got.N != 0 {
			t.Errorf("got %+v, want no figures", got)
		}
	})
}

func TestVerdicts(t *testing.T) {
	rate := atLeast("appends", "few", "thaw", "peer", 3)
	latency := atMost("latency", "few", "thaw", "peer", "p50 µs", 0.3)
	absolute := row{what: "speed", subject: "few/thaw", metric: "rate", target: 201}
	absent := atLeast("appends", "few", "thaw", "nobody", 3)
	free := atLeast("appends", "few", "thaw", "peer", 0)
	for _, c := range []struct {
		claim string
		line  row
		want  string
	}{
		{"a ratio at its lower bound has met it", rate, "met"},
		{"a ratio above its upper bound has missed it", latency, "missed"},
		{"without a peer the figure itself counts", absolute, "missed"},
		{"without figures nothing is met or missed", absent, "not measured"},
		{"without a target there is nothing to meet", free, ""},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if got := measured().judge(c.line).Result; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	writeVerdicts(&out, []verdict{
		measured().judge(atLeast("appends", "few", "thaw", "peer", 3)),
		measured().judge(row{what: "latency", subject: "few/thaw", metric: "p50 µs", target: 250, atMost: true}),
		measured().judge(atLeast("left out", "few", "thaw", "nobody", 3)),
	})
	want := strings.Join([]string{
		"| what | measured | against | ratio | target | |",
		"| --- | --- | --- | --- | --- | --- |",
		"| appends | 250/s (100/s–400/s) | peer: 112/s | 3.00× (2.00×–4.00×) | ≥ 3.00× | met |",
		"| latency | 200 µs (100 µs–400 µs) |  |  | ≤ 250 µs | met |",
		"",
	}, "\n")
	if diff := cmp.Diff(out.String(), want); diff != "" {
		t.Errorf("table (-got +want):\n%s", diff)
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0.00", 0.456: "0.46", 9.994: "9.99", 9.996: "10.0", 99.96: "100", 1234: "1234",
		12_345: "12.3 k", 999_499: "999 k", 999_600: "1.00 M", 41_200_000: "41.2 M",
	} {
		if got := number(x); got != want {
			t.Errorf("number(%v): got %q, want %q", x, got, want)
		}
	}
}
