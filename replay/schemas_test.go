package replay_test

import (
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

func stored(t testing.TB, log stream.Store, topic string, types ...struct {
	typ    string
	schema uint32
}) {
	t.Helper()
	for _, s := range types {
		rec := stream.Record{Header: stream.Header{Type: s.typ, Schema: s.schema}, Data: []byte(`{}`)}
		if _, err := log.Append(t.Context(), stream.ID{Topic: topic, Key: "k"}, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
	}
}

type typeSchema = struct {
	typ    string
	schema uint32
}

func same(data []byte) ([]byte, error) { return data, nil }

// Breaks when: reach is left out, so that an upcaster which a retired name's events
// still go through is called unneeded.
func TestSchemasSayWhatIsStoredAndWhatNothingNeeds(t *testing.T) {
	log := memlog.New()
	defer func() { _ = log.Close() }()
	stored(t, log, "users", typeSchema{"EMAIL_SET", 2}, typeSchema{"EMAIL_SET", 3}, typeSchema{"EMAIL_SET", 2}, typeSchema{"CALLED", 1})
	stored(t, log, "lots", typeSchema{"LOT_SOLD", 1})
	stored(t, log, "users", typeSchema{"FOUND", 1}, typeSchema{"NAME_SET", 5})
	topic := stream.NewTopicWith("users", stream.Catalogue[any]{"EMAIL_SET": emailSet{}, "NAME_SET": nameSet{}, "LOT_SOLD": lotSold{}}, stream.TopicOptions[any]{
		Upcasters: map[string][]stream.Upcaster{"EMAIL_SET": {same, same, same}, "NAME_SET": {same}, "LOT_SOLD": {same, same}},
		Retired:   map[string]stream.Retired{"CALLED": stream.Renamed("NAMED"), "NAMED": stream.Renamed("NAME_SET"), "NICKNAMED": stream.Renamed("NAME_SET")},
	})
	report, err := replay.Schemas(t.Context(), log, topic)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "report", report.String(), `topic  type       schema  events  first  last
lots   LOT_SOLD   1       1       5      5
users  CALLED     1       1       4      4
users  EMAIL_SET  2       2       1      3
users  EMAIL_SET  3       1       2      2
users  FOUND      1       1       6      6
users  NAME_SET   5       1       7      7
not read: topic users has 1 events of FOUND, which it can not read
not read: topic users has 1 events of NAME_SET in schema 5; the newest known is 2
not needed: topic users: upcasters of EMAIL_SET from schema 1
not needed: topic users: upcasters of LOT_SOLD from schemas 1 to 2
not needed: topic users: retired NICKNAMED: no event has this name
`)
	if _, err := log.Truncate(t.Context(), stream.At(4)); err != nil {
		t.Fatal(err)
	}
	if report, err = replay.Schemas(t.Context(), log); err != nil || len(report.Stored) != 3 {
		t.Errorf("after the log was truncated: got\n%s%v", report, err)
	}
}
