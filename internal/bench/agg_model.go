package main

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Deposited is the one event of the accounts that the cases of aggregates keep.
type Deposited struct {
	Account string `json:"account"`
	Cents   int64  `json:"cents"`
	By      string `json:"by"`
	Note    string `json:"note"`
	Paid    bool   `json:"paid"`
}

// Deposit is their one command.
type Deposit Deposited

// balance is an account's state.
type balance struct {
	Cents    int64
	Deposits int
}

var accounts = stream.NewTopic("accounts", stream.Catalogue[Deposited]{"DEPOSITED": {}})

var account = aggregate.New(accounts,
	func(_ balance, c Deposit) ([]Deposited, error) { return []Deposited{Deposited(c)}, nil },
	func(b balance, e Deposited) balance { return balance{b.Cents + e.Cents, b.Deposits + 1} })

type accountRepository = aggregate.Repository[Deposit, Deposited, balance]

// deposit is the n-th deposit: about 200 bytes of JSON.
func deposit(n int) Deposit {
	return Deposit{
		Account: accountKey(n % accountCount), Cents: int64(100 + n%90_000), By: "somebody at the counter", Paid: true,
		Note: "the quick brown fox jumps over the lazy dog, and the dog does not mind at all, as it is asleep",
	}
}

const accountCount = 1000

func accountKey(n int) string { return fmt.Sprintf("account-%06d", n) }

// fillAccounts gives each of the accounts so many deposits, a batch at a time.
func fillAccounts(store stream.Store, count, deposits int) error {
	for n := range count {
		var records []stream.Record
		for i := range deposits {
			rec, err := accounts.Encode(Deposited(deposit(n + i*accountCount)))
			if err != nil {
				return err
			}
			records = append(records, rec)
		}
		id := stream.ID{Topic: accounts.Name(), Key: accountKey(n)}
		if _, err := store.Append(context.Background(), id, 0, records...); err != nil {
			return err
		}
	}
	return nil
}
