// Package nocompile proves that code does not compile, and with which message.
//
// Each [Case] has the mistake and, beside it, the same code without it: if that
// did not compile either, the mistake would prove nothing. All the snippets of a
// [Suite] are built by one run of go build, from files that exist only for the
// compiler, so nothing is written into the module.
package nocompile
