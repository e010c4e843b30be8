package testkit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

type SetEmail struct{ Email string } // a command asks
type EmailSet struct{ Email string } // an event happened

var errReused = errors.New("cannot reuse a previous email")

var user = aggregate.New(
	stream.NewTopic("users", stream.Catalogue[EmailSet]{"EMAIL_SET": {}}),
	func(past []string, c SetEmail) ([]EmailSet, error) {
		if slices.Contains(past, c.Email) {
			return nil, errReused
		}
		return []EmailSet{{c.Email}}, nil
	},
	func(past []string, e EmailSet) []string { return append(past, e.Email) })

// printing is a testing.TB that prints what a test reports, so that an example
// can show it.
type printing struct{ testing.TB }

func (printing) Helper()                           {}
func (printing) Failed() bool                      { return true }
func (printing) Cleanup(func())                    {}
func (printing) TempDir() string                   { return emptied(filepath.Join(os.TempDir(), "thaw-testkit-example")) }
func (printing) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// emptied is a directory with nothing in it.
func emptied(dir string) string {
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)); err != nil {
		panic(err)
	}
	return dir
}

func ExampleFor() {
	var t printing // in a test: its *testing.T

	testkit.For(t, user).
		Given(EmailSet{"ann@old"}, EmailSet{"ann@new"}).
		When(SetEmail{"ann@old"}).
		ThenError(errReused)

	testkit.For(t, user).
		Given(EmailSet{"ann@old"}).
		When(SetEmail{"ann@new"}).
		Then(EmailSet{"ann@nwe"})
	// Output:
	// example_test.go:59: users/spec: something else was decided: tick 1 (+1ms): c came in the place of b
	//   want  a ^ b
	//   got   a ^ c
	//             ^
	//   difference (- want, + got):
	//       testkit_test.EmailSet{
	//     - 	Email: "ann@nwe",
	//     + 	Email: "ann@new",
	//       }
	//   a  EMAIL_SET {"Email":"ann@old"}
	//   b  EMAIL_SET {"Email":"ann@nwe"}
	//   c  EMAIL_SET {"Email":"ann@new"}
	//   when  SetEmail{Email:"ann@new"}
}
