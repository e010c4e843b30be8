// Package tools stands between.
package tools

import "third"

// Label is three calls away from the clock.
func Label(name string) string { return name + third.Stamp() }

// Even is pure.
func Even(n int) bool { return third.Double(n/2) == n }
