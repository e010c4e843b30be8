// Package golden compares diagrams and other texts of a test with files in its
// testdata directory, and writes them when the test is run with -update:
//
//	go test ./... -run TestLesson -update
//
// What is always true:
//
//   - Without -update nothing is written, and a file that is missing fails the
//     test.
//   - A difference is shown line by line, and how to accept it is said.
//   - Files that were checked out with carriage returns are the same files; they
//     are written without.
//
// The package defines the flag -update if the test binary does not have one yet,
// and uses that one otherwise. Its functions may be called by parallel tests
// for files of different names.
package golden
