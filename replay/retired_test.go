package replay_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

type pair struct{ N int }

// However many events come of the stored ones, and on however many cores they are
// decoded, they arrive in order.
// Breaks when: a share's events are handed over from the slab, where there is room
// for one of each record only.
func TestEventsOfRetiredNamesArriveInOrder(t *testing.T) {
	const n = 2000
	log := memlog.New()
	defer func() { _ = log.Close() }()
	var want []string
	for i := range n {
		name := []string{"ONE", "TWO", "NONE"}[i%3]
		rec := stream.Record{Header: stream.Header{Type: name, Schema: 1}, Data: fmt.Appendf(nil, `{"N":%d}`, i)}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "pairs", Key: "k"}, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
		for range []int{1, 2, 0}[i%3] {
			want = append(want, fmt.Sprintf("%d pairs/k {%d}", i+1, i))
		}
	}
	pairs := stream.NewTopicWith("pairs", stream.Catalogue[pair]{"ONE": {}}, stream.TopicOptions[pair]{
		Retired: map[string]stream.Retired{
			"NONE": {},
			"TWO": {Into: []string{"ONE"}, As: func(r stream.Raw) ([]stream.Raw, error) {
				r.Type = "ONE"
				return []stream.Raw{r, r}, nil
			}},
		},
	})
	if diff := cmp.Diff(want, read(t, replay.Cold(log, pairs), -1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
