package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// row is one line of the table: what one case measured, as a ratio to what
// another measured in the same round, beside a target.
type row struct {
	what    string
	subject string // the case
	peer    string // the case it is compared with; empty: the figure itself counts
	metric  string
	target  float64 // 0: none
	atMost  bool    // the target is an upper bound
}

// results are what the cases measured: by case, one for each round; nil where a
// case did not run or failed.
type results map[string][]metrics

// add keeps what a case measured in a round.
func (r results) add(name string, round int, m metrics) {
	for len(r[name]) <= round {
		r[name] = append(r[name], nil)
	}
	r[name][round] = m
}

// spread is a sample of figures; one without any has N 0.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

func newSpread(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1], N: n}
}

// of is a case's figure over all rounds in which it has one.
func (r results) of(name, metric string) spread {
	var values []float64
	for _, m := range r[name] {
		if v, ok := m[metric]; ok {
			values = append(values, v)
		}
	}
	return newSpread(values)
}

// compare is the subject's figure, the peer's, and the one over the other, round
// by round, where both have one: disks and machines change between rounds, less
// within one.
func (r results) compare(subject, peer, metric string) (value, against, ratio spread) {
	var values, others, ratios []float64
	for i := range min(len(r[subject]), len(r[peer])) {
		a, ok := r[subject][i][metric]
		b, also := r[peer][i][metric]
		if ok && also && b > 0 {
			values, others, ratios = append(values, a), append(others, b), append(ratios, a/b)
		}
	}
	return newSpread(values), newSpread(others), newSpread(ratios)
}

// verdict is a row with what was measured.
type verdict struct {
	What    string  `json:"what"`
	Subject string  `json:"subject"`
	Peer    string  `json:"peer,omitempty"`
	Metric  string  `json:"metric"`
	Value   spread  `json:"value"`
	Against spread  `json:"against,omitzero"`
	Ratio   spread  `json:"ratio,omitzero"`
	Target  float64 `json:"target,omitempty"`
	AtMost  bool    `json:"at_most,omitempty"`
	Result  string  `json:"result"` // met, missed, not measured, or nothing without a target
}

// judge fills a row in.
func (r results) judge(line row) verdict {
	v := verdict{
		What: line.what, Subject: line.subject, Peer: line.peer, Metric: line.metric,
		Target: line.target, AtMost: line.atMost,
	}
	var counts spread
	if line.peer == "" {
		v.Value = r.of(line.subject, line.metric)
		counts = v.Value
	} else {
		v.Value, v.Against, v.Ratio = r.compare(line.subject, line.peer, line.metric)
		counts = v.Ratio
	}
	switch {
	case counts.N == 0:
		v.Result = "not measured"
	case line.target == 0:
	case line.atMost && counts.Median <= line.target, !line.atMost && counts.Median >= line.target:
		v.Result = "met"
	default:
		v.Result = "missed"
	}
	return v
}

// writeVerdicts writes the rows as a Markdown table.
func writeVerdicts(w io.Writer, verdicts []verdict) {
	fmt.Fprintln(w, "| what | measured | against | ratio | target | |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- |")
	for _, v := range verdicts {
		if v.Result == "not measured" {
			continue
		}
		against, ratio, target := "", "", ""
		if v.Peer != "" {
			_, peer, _ := strings.Cut(v.Peer, "/")
			against = fmt.Sprintf("%s: %s", peer, unit(v.Metric, v.Against.Median))
			ratio = v.Ratio.text(func(x float64) string { return number(x) + "×" })
		}
		if v.Target > 0 {
			target = v.bound()
		}
		value := v.Value.text(func(x float64) string { return unit(v.Metric, x) })
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", v.What, value, against, ratio, target, v.Result)
	}
}

func (v verdict) bound() string {
	sign := "≥ "
	if v.AtMost {
		sign = "≤ "
	}
	if v.Peer != "" {
		return sign + number(v.Target) + "×"
	}
	return sign + unit(v.Metric, v.Target)
}

// text is the median, with the least and the most if there is more than one.
func (s spread) text(format func(float64) string) string {
	if s.N < 2 {
		return format(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", format(s.Median), format(s.Min), format(s.Max))
}

// writeCases writes all figures as a Markdown table.
func (r results) writeCases(w io.Writer, columns, names []string) {
	fmt.Fprintf(w, "| case | %s |\n", strings.Join(columns, " | "))
	fmt.Fprintf(w, "| --- |%s\n", strings.Repeat(" --- |", len(columns)))
	for _, name := range names {
		if len(r[name]) == 0 {
			continue
		}
		fmt.Fprintf(w, "| %s |", name)
		for _, column := range columns {
			s := r.of(name, column)
			switch {
			case s.N == 0:
				fmt.Fprint(w, " |")
			case column == "rate" || column == "p50 µs" || strings.HasPrefix(column, "ns "):
				fmt.Fprintf(w, " %s |", s.text(number))
			default:
				fmt.Fprintf(w, " %s |", number(s.Median))
			}
		}
		fmt.Fprintln(w)
	}
}

// unit is a figure with what it counts.
func unit(metric string, x float64) string {
	name, percentiles := strings.CutSuffix(metric, " µs")
	switch {
	case percentiles && strings.HasPrefix(name, "p") && x >= 9_995:
		return digits(x/1e3) + " ms"
	case percentiles && strings.HasPrefix(name, "p"):
		return number(x) + " µs"
	case strings.HasPrefix(metric, "MB"):
		return number(x) + " MB"
	case strings.HasPrefix(metric, "ns "):
		return number(x) + " ns"
	case metric == "rate":
		return number(x) + "/s"
	case metric == "seconds":
		return number(x) + " s"
	}
	return number(x)
}

// number writes three digits that count.
func number(x float64) string {
	switch a := math.Abs(x); {
	case a >= 999_500:
		return digits(x/1e6) + " M"
	case a >= 9_995:
		return digits(x/1e3) + " k"
	default:
		return digits(x)
	}
}

func digits(x float64) string {
	switch a := math.Abs(x); {
	case a < 0.005:
		return "0.00" // without a sign
	case a >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case a >= 9.995:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}
