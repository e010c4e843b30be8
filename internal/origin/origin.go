// Package origin says where an observable's events come from. It lies beneath
// floor 0 and inside the module, so that only Thaw's own sources can claim to
// read a log or to be hot: a value of another package's making has none.
package origin

// Of is the origin of an observable: the log it reads, and whether it reads
// only what is appended after its consumer came online.
type Of struct {
	Log any  // a stream.Log; typed any because stream imports this package
	Hot bool // whether it reads only what comes after its consumer
}
