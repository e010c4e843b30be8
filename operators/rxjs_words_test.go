package operators

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The functions that the RxJS cases hand to operators, by name. One that throws
// panics with an *rxThrown, as a user's function that fails would.

func rxThrow() { panic(&rxThrown{"error"}) }

// rxStr is a value as text: a string as it is, anything else as JSON.
func rxStr(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// rxNum is a value as a number; what is none is NaN.
func rxNum(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return n
		}
	}
	return math.NaN()
}

func rxPrime(n float64) bool {
	if n < 2 || n != math.Trunc(n) {
		return false
	}
	for d := 2.0; d*d <= n; d++ {
		if math.Mod(n, d) == 0 {
			return false
		}
	}
	return true
}

// rxWrapped applies the prefixes that make a function throw.
func rxWrapped[R any](name string, plain func(string) func(any, int) R) func(any, int) R {
	head, rest, prefixed := strings.Cut(name, ";")
	kind, param, _ := strings.Cut(head, ":")
	if !prefixed {
		return plain(name)
	}
	f, calls := rxWrapped(rest, plain), 0
	return func(v any, i int) R {
		calls++
		throws := false
		switch kind {
		case "throwsOn":
			throws = rxStr(v) == param
		case "throwsAtCall":
			throws = calls == int(rxNum(param))
		case "throwsUnlessLt":
			throws = !(rxNum(v) < rxNum(param))
		default:
			panic("unknown prefix " + head)
		}
		if throws {
			rxThrow()
		}
		return f(v, i)
	}
}

func rxPredicate(name string) func(any, int) bool {
	return rxWrapped(name, func(name string) func(any, int) bool {
		kind, p, _ := strings.Cut(name, ":")
		n := rxNum(p)
		switch kind {
		case "always":
			return func(any, int) bool { return true }
		case "never":
			return func(any, int) bool { return false }
		case "isOdd":
			return func(v any, _ int) bool { return math.Mod(rxNum(v), 2) == 1 }
		case "isEven":
			return func(v any, _ int) bool { return math.Mod(rxNum(v), 2) == 0 }
		case "isPrime":
			return func(v any, _ int) bool { return rxPrime(rxNum(v)) }
		case "isPrimePlus10Index":
			return func(v any, i int) bool { return rxPrime(rxNum(v) + 10*float64(i)) }
		case "divisibleBy":
			return func(v any, _ int) bool { return math.Mod(rxNum(v), n) == 0 }
		case "lt":
			return func(v any, _ int) bool { return rxNum(v) < n }
		case "gt":
			return func(v any, _ int) bool { return rxNum(v) > n }
		case "eq":
			return func(v any, _ int) bool { return rxStr(v) == p }
		case "ne":
			return func(v any, _ int) bool { return rxStr(v) != p }
		case "indexLt":
			return func(_ any, i int) bool { return i < int(n) }
		case "indexEq":
			return func(_ any, i int) bool { return i == int(n) }
		case "throwsAlways":
			return func(any, int) bool { rxThrow(); return false }
		}
		panic("unknown predicate " + name)
	})
}

// rxCounting gives a function that wants the index to an operator that has none.
// It counts from 0 within one run of a case.
func rxCounting[R any](f func(any, int) R) func(any) R {
	i := -1
	return func(v any) R { i++; return f(v, i) }
}

func rxProject(name string) func(any, int) any {
	return rxWrapped(name, func(name string) func(any, int) any {
		switch name {
		case "identity":
			return func(v any, _ int) any { return v }
		case "times10":
			return func(v any, _ int) any { return 10 * rxNum(v) }
		case "exclaim":
			return func(v any, _ int) any { return rxStr(v) + "!" }
		case "plus1Plus10Index":
			return func(v any, i int) any { return rxNum(v) + 1 + 10*float64(i) }
		case "throwsAlways":
			return func(any, int) any { rxThrow(); return nil }
		}
		panic("unknown project " + name)
	})
}

func rxAccumulate(name string) func(acc, v any) any {
	if head, rest, ok := strings.Cut(name, ";"); ok {
		param, f := strings.TrimPrefix(head, "throwsOn:"), rxAccumulate(rest)
		return func(acc, v any) any {
			if rxStr(v) == param {
				rxThrow()
			}
			return f(acc, v)
		}
	}
	switch name {
	case "sum":
		return func(acc, v any) any { return rxNum(acc) + rxNum(v) }
	case "concat":
		return func(acc, v any) any { return rxStr(acc) + rxStr(v) }
	case "joinSpace":
		return func(acc, v any) any { return rxStr(acc) + " " + rxStr(v) }
	case "append":
		return func(acc, v any) any { return append(slices.Clone(acc.([]any)), v) }
	case "throwsAlways":
		return func(any, any) any { rxThrow(); return nil }
	}
	panic("unknown accumulate " + name)
}

func rxKey(name string) func(any) any {
	f := rxWrapped(name, func(name string) func(any, int) any {
		kind, p, _ := strings.Cut(name, ":")
		switch kind {
		case "identity":
			return func(v any, _ int) any { return v }
		case "mod":
			return func(v any, _ int) any { return math.Mod(rxNum(v), rxNum(p)) }
		case "lowerTrim":
			return func(v any, _ int) any { return strings.TrimSpace(strings.ToLower(rxStr(v))) }
		}
		panic("unknown key " + name)
	})
	return rxCounting(f)
}

func rxElement(name string) func(any) any {
	f := rxWrapped(name, func(name string) func(any, int) any {
		switch name {
		case "identity":
			return func(v any, _ int) any { return v }
		case "reverse":
			return func(v any, _ int) any {
				letters := []rune(rxStr(v))
				slices.Reverse(letters)
				return string(letters)
			}
		}
		panic("unknown element " + name)
	})
	return rxCounting(f)
}

// rxComparator says whether an item is the same as the one before it.
func rxComparator(name string) func(previous, current any) bool {
	if head, rest, ok := strings.Cut(name, ";"); ok {
		param, f := strings.TrimPrefix(head, "throwsOnCurrent:"), rxComparator(rest)
		return func(previous, current any) bool {
			if rxStr(current) == param {
				rxThrow()
			}
			return f(previous, current)
		}
	}
	switch name {
	case "", "equal":
		return func(previous, current any) bool { return reflect.DeepEqual(previous, current) }
	case "always":
		return func(any, any) bool { return true }
	case "never":
		return func(any, any) bool { return false }
	case "currentIsEven":
		return func(_, current any) bool { return math.Mod(rxNum(current), 2) == 0 }
	case "currentIsOdd":
		return func(_, current any) bool { return math.Mod(rxNum(current), 2) == 1 }
	}
	panic("unknown comparator " + name)
}

// rxComparer orders two values: negative, zero or positive.
func rxComparer(name string) func(a, b any) int {
	if head, rest, ok := strings.Cut(name, ";"); ok {
		param, f := strings.TrimPrefix(head, "throwsOnSecond:"), rxComparer(rest)
		return func(a, b any) int {
			if rxStr(b) == param {
				rxThrow()
			}
			return f(a, b)
		}
	}
	if n, ok := strings.CutPrefix(name, "const:"); ok {
		return func(any, any) int { return int(rxNum(n)) }
	}
	switch name {
	case "":
		return rxCompare
	case "reversed":
		return func(a, b any) int {
			if rxCompare(a, b) > 0 {
				return -1
			}
			return 1
		}
	}
	panic("unknown comparer " + name)
}

// rxCompare is RxJS's default: a < b is -1, anything else 1.
func rxCompare(a, b any) int {
	x, isText := a.(string)
	y, alsoText := b.(string)
	less := false
	if isText && alsoText {
		less = x < y
	} else {
		less = rxNum(a) < rxNum(b)
	}
	if less {
		return -1
	}
	return 1
}

// rxCombine makes one value of one per source.
func rxCombine(name string) func([]any) any {
	if head, rest, ok := strings.Cut(name, ";"); ok {
		param, f := strings.TrimPrefix(head, "throwsOnSecond:"), rxCombine(rest)
		return func(vs []any) any {
			if rxStr(vs[1]) == param {
				rxThrow()
			}
			return f(vs)
		}
	}
	switch name {
	case "":
		return func(vs []any) any { return slices.Clone(vs) }
	case "concat":
		return func(vs []any) any {
			text := ""
			for _, v := range vs {
				text += rxStr(v)
			}
			return text
		}
	case "sum":
		return func(vs []any) any {
			sum := 0.0
			for _, v := range vs {
				sum += rxNum(v)
			}
			return sum
		}
	case "throwsAlways":
		return func([]any) any { rxThrow(); return nil }
	}
	panic(fmt.Sprintf("unknown combining function %q", name))
}
