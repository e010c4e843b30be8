package badgerlog_test

import (
	"testing"

	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/testkit"
)

func TestBadgerlogKeepsEveryPromiseOfALog(t *testing.T) {
	for name, o := range map[string]badgerlog.Options{
		"as it comes":                        {Durability: badgerlog.Unsynced},
		"encrypted":                          {Durability: badgerlog.Unsynced, Keys: keys(1)},
		"encrypted, compressed, few at once": badgerlog.Options{Durability: badgerlog.Unsynced, Compress: true, Keys: keys(2)}.SmallGenerations(8),
		"compressed, few at once":            badgerlog.Options{Durability: badgerlog.Unsynced, Compress: true}.SmallGenerations(8),
	} {
		t.Run(name, func(t *testing.T) {
			testkit.TestLog(t, testkit.Engine{
				Durable: true,
				Open: func(t testing.TB, dir string) testkit.Log {
					log, err := badgerlog.Open(dir, o)
					if err != nil {
						t.Fatal(err)
					}
					return log
				},
			})
		})
	}
}
