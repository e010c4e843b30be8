// Package purity is an analyzer that refuses side effects in functions that must depend
// on their arguments alone: those that become Decide, Evolve, Reduce, React and the like
// of Thaw's types.
//
// What is always true:
//
//   - What it reports is in code that such a function calls, or in the function itself.
//     Calls are followed through the package and, by facts, through all packages that
//     it imports, except the standard library, of which it has a list.
//   - It knows such a function by where it is given: a field of a literal of one of
//     Thaw's types, an assignment to such a field, or an argument of aggregate.New,
//     operators.NewView and the operators that fold.
//   - It does not follow calls of interface methods, nor of functions in variables and
//     parameters that it has not seen given a value: what it does not report may still
//     be impure.
//
// The types of Thaw guard how functions are wired, not what is in them; this is for
// what is in them.
package purity
