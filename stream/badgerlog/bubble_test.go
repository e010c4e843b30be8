package badgerlog_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// Virtual time is how what is built on a log is tested, so a log must be at home
// in one bubble after another, and what a kill leaves of it as well.
// Breaks when: requests are kept for the next log, whose bubble is another.
func TestALogCanBeUsedInBubblesOfVirtualTime(t *testing.T) {
	for range 3 {
		dir, killed := t.TempDir(), filepath.Join(t.TempDir(), "killed")
		synctest.Test(t, func(t *testing.T) {
			log := open(t, dir, badgerlog.Options{})
			for range 10 {
				if _, err := log.Append(t.Context(), stream.ID{Topic: "a", Key: "b"}, stream.AnyVersion, record()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // virtual time: in a bubble
			}
			synctest.Wait()
			if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			again := open(t, killed, badgerlog.Options{})
			if head, err := again.Head(t.Context()); err != nil || !head.Equal(stream.At(10)) {
				t.Errorf("head of the killed log: got %v and %v, want 10", head, err)
			}
			for _, l := range []*badgerlog.Log{log, again} {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
