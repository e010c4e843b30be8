// Package lessons explains event streams in twelve short lessons. Each is a test
// that passes, and a page of docs/lessons with the diagram that the test played
// and drew. Begin with docs/lessons/README.md; nothing needs to be known before
// but a little Go.
//
// One story goes on through all of them. Ada looks after the library of a small
// town, and whenever something happens to a book, she writes a line into her
// notebook. Tim and Mia read.
//
//   - library.go has what can happen to a book, and what it may be asked for.
//   - lessons_test.go has the letters of the diagrams, and what draws them.
//   - 01_stream_test.go to 12_time_travel_test.go are the lessons, TestLesson01
//     to TestLesson12, each with the solution of its exercise: TestExercise01 to
//     TestExercise12.
//
// The pictures are in testdata. After a change
//
//	go test ./examples/lessons -update
//
// draws them anew and puts them into the pages.
package lessons
