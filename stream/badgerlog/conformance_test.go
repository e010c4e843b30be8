package badgerlog_test

import (
	"testing"

	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/testkit"
)

func TestBadgerlogKeepsEveryPromiseOfALog(t *testing.T) {
	testkit.TestLog(t, testkit.Engine{
		Durable: true,
		Open: func(t testing.TB, dir string) testkit.Log {
			log, err := badgerlog.Open(dir, badgerlog.Options{Durability: badgerlog.Unsynced})
			if err != nil {
				t.Fatal(err)
			}
			return log
		},
	})
}
