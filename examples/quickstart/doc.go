// Package quickstart holds the README's first program, as an Example that runs.
package quickstart
