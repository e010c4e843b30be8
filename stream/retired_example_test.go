package stream_test

import (
	"encoding/json"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

type (
	streetSet struct{ Street string }
	townSet   struct{ Town string }
)

// Events that were stored by earlier releases, under names that the catalogue has no
// more: one was renamed, one split into two, one is of no interest any more.
func ExampleRetired() {
	split := func(r stream.Raw) ([]stream.Raw, error) {
		var old struct{ Street, Town string }
		if err := json.Unmarshal(r.Data, &old); err != nil {
			return nil, err
		}
		street, _ := json.Marshal(streetSet{old.Street})
		town, _ := json.Marshal(townSet{old.Town})
		return []stream.Raw{{Type: "STREET_SET", Schema: 1, Data: street}, {Type: "TOWN_SET", Schema: 1, Data: town}}, nil
	}
	people := stream.NewTopicWith("people", stream.Catalogue[any]{"STREET_SET": streetSet{}, "TOWN_SET": townSet{}}, stream.TopicOptions[any]{
		Retired: map[string]stream.Retired{
			"CITY_SET":    stream.Renamed("TOWN_SET"),
			"ADDRESS_SET": {Into: []string{"STREET_SET", "TOWN_SET"}, As: split},
			"LOGGED_IN":   {},
		},
	})
	var events []stream.Event[any]
	for i, stored := range []stream.Record{
		{Header: stream.Header{Type: "CITY_SET", Schema: 1}, Data: []byte(`{"Town":"Ulm"}`)},
		{Header: stream.Header{Type: "LOGGED_IN", Schema: 1}, Data: []byte(`{}`)},
		{Header: stream.Header{Type: "ADDRESS_SET", Schema: 1}, Data: []byte(`{"Street":"Long Lane","Town":"York"}`)},
	} {
		stored.Stream, stored.Version = stream.ID{Topic: "people", Key: "ann"}, stream.Version(i+1)
		var err error
		if events, err = people.DecodeAll(&stored, events); err != nil {
			fmt.Println(err)
		}
	}
	for _, e := range events {
		fmt.Printf("%d %s %+v\n", e.Version, e.Type, e.Data)
	}
	// Output:
	// 1 TOWN_SET {Town:Ulm}
	// 3 STREET_SET {Street:Long Lane}
	// 3 TOWN_SET {Town:York}
}
