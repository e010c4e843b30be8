// Package lint keeps the rules of the house: who may import whom, what is
// documented, and how long things may be. It has only tests; each rule is shown
// to fail on a small package that breaks it.
package lint
