package aggregate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// BenchmarkCommand is a command to one of 1000 instances of 10 events each and more,
// from one caller, on a log on disk that is not synced: with its state in memory, read
// from the log, and under a rule.
func BenchmarkCommand(b *testing.B) {
	tagged := account
	tagged.Topic = stream.NewTopicWith("accounts", stream.Catalogue[AccountEvent]{"DEPOSITED": Deposited{}, "WITHDRAWN": Withdrawn{}},
		stream.TopicOptions[AccountEvent]{Tags: func(AccountEvent) []string { return []string{"all"} }})
	seldom := aggregate.NewRule("none has this tag", func(key string, _ AccountCommand) []string { return []string{"none " + key} },
		func(n int, _ *stream.Event[AccountEvent]) int { return n + 1 },
		func(int, string, AccountCommand) error { return nil })
	for name, make := range map[string]func(*badgerlog.Log) accountRepository{
		"in memory": func(log *badgerlog.Log) accountRepository { return aggregate.NewRepository(log, account) },
		"from the log": func(log *badgerlog.Log) accountRepository {
			return aggregate.NewRepositoryWith(log, account, aggregate.Options{Cache: -1})
		},
		"in memory, with snapshots": func(log *badgerlog.Log) accountRepository {
			return aggregate.NewRepositoryWith(log, account, aggregate.Options{Snapshots: aggregate.Snapshots{Tables: memtables.New()}})
		},
		"in memory, under a rule": func(log *badgerlog.Log) accountRepository {
			return aggregate.NewGuardedRepository(log, tagged, aggregate.Options{}, seldom)
		},
	} {
		b.Run(name, func(b *testing.B) {
			log, err := badgerlog.Open(b.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
			if err != nil {
				b.Fatal(err)
			}
			defer log.Close()
			r := make(log)
			const instances = 1000
			keys := [instances]string{}
			for i := range instances * 10 {
				keys[i%instances] = fmt.Sprint(i % instances)
				give(b, r, aggregate.Command[AccountCommand]{Key: keys[i%instances], Data: Deposit{1}})
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				if _, err := r.Execute(context.Background(), keys[i%instances], Deposit{1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
