package aggregate_test

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// A history of names that are gone loads as what it is read as, and counts its
// versions as they were stored.
// Breaks when: load folds only the first of the events that come of a stored one.
func TestAHistoryOfRetiredNamesLoads(t *testing.T) {
	log := memlog.New()
	defer func() { _ = log.Close() }()
	id := stream.ID{Topic: "purses", Key: "ann"}
	for _, typ := range []string{"GOT_TWICE", "OPENED", "GOT"} {
		rec := stream.Record{Header: stream.Header{Type: typ, Schema: 1}, Data: []byte(`{"Amount":5}`)}
		if _, err := log.Append(t.Context(), id, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
	}
	purses := stream.NewTopicWith("purses", stream.Catalogue[Deposited]{"GOT": {}}, stream.TopicOptions[Deposited]{
		Retired: map[string]stream.Retired{
			"OPENED": {},
			"GOT_TWICE": {Into: []string{"GOT"}, As: func(r stream.Raw) ([]stream.Raw, error) {
				r.Type = "GOT"
				return []stream.Raw{r, r}, nil
			}},
		},
	})
	purse := aggregate.New(purses, func(balance int, spend int) ([]Deposited, error) {
		if balance != 15 {
			return nil, errors.New("wrong balance")
		}
		return []Deposited{{-spend}}, nil
	}, func(balance int, e Deposited) int { return balance + e.Amount })
	result, err := aggregate.NewRepository(log, purse).Execute(t.Context(), "ann", 3)
	if err != nil || result.State != 12 || result.Version != 4 {
		t.Errorf("got a balance of %d at version %d, %v, want 12 at 4", result.State, result.Version, err)
	}
}
