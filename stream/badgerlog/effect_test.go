package badgerlog

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// batchEffect is what a batch did to three streams of a topic, and beyond it, that is
// remembered for an hour.
func batchEffect() *effect {
	at := func(key string, first stream.Version, count int) share {
		return share{stream.ID{Topic: "t", Key: key}, first, count}
	}
	until := until(time.Unix(1_700_000_000, 5).UnixNano(), 3600)
	return &effect{share: at("a", 3, 2), more: []share{at("b", 1, 1), at("c", 300, 7)}, until: until, beyond: true}
}

// What stands in the index of commands is read as it was written, and written as it
// was: of one stream as before there were batches.
// Breaks when: encode writes the part for batches for an effect of one stream.
func TestTheEffectOfACommandIsTheOneOnDisk(t *testing.T) {
	for golden, e := range map[string]*effect{
		"0302016b": {share: share{stream.ID{Topic: "t", Key: "k"}, 3, 2}},
		"030201618a8095ee8c91d0972f0101010162ac02070163": batchEffect(),
		"0302016b8080acb4ed9c6200":                       {share: share{stream.ID{Topic: "t", Key: "k"}, 3, 2}, until: int64(60 * time.Hour)},
	} {
		sealed := e.encode()
		if got := hex.EncodeToString(sealed[5:]); got != golden {
			t.Errorf("got %s, on disk is %s", got, golden)
		}
		again, err := decodeEffect("t", sealed)
		if err != nil || !reflect.DeepEqual(&again, e) {
			t.Errorf("%+v reads back as %+v: %v", e, again, err)
		}
	}
}
