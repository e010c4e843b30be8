package badgerlog

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// taggedRecords have each later part of a head that there is, together with others
// and alone.
func taggedRecords() []stream.Record {
	list := append(sampleRecords(), sampleRecords()...)
	for i := range list {
		list[i].Position, list[i].Version = list[0].Position+stream.Position(i), list[0].Version+stream.Version(i)
	}
	list[0].Tags, list[0].Depth, list[0].Remember = []string{"course:1", "student:ann"}, 3, 86_400
	list[1].Tags = []string{"böb"}
	list[2].Depth = 1 << 31
	list[3].Remember = 1
	return list
}

// Tags, depth and how long a command is remembered are written as they were before.
// Breaks when: appendHead writes them in another order, or record gives the tags of
// one event to the next one.
func TestTheLaterPartsOfAHeadAreTheOnesOnDisk(t *testing.T) {
	golden := filepath.Join("testdata", "block-v1-later.hex")
	encoded := encodeBlock(taggedRecords())
	if *update {
		if err := os.WriteFile(golden, []byte(hex.Dump(encoded)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(hex.Dump(encoded), "\n")); diff != "" {
		t.Errorf("(-on disk +now)\n%s", diff)
	}
	got, err := decodeAll(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(taggedRecords(), got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

// A reader that does not know the flags of later parts skips them.
// Breaks when: a later part stands before the metadata.
func TestWhatIsNotKnownInAHeadIsSkipped(t *testing.T) {
	c := chunk{names: newInterner()}
	got, err := c.decode(entry{value: encodeBlock(taggedRecords())}, func(f *frame) bool {
		f.flags &^= hasTags | hasDepth | hasRemember // as it was before there were any
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := taggedRecords()
	for i := range want {
		want[i].Tags, want[i].Depth, want[i].Remember = nil, 0, 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

// Breaks when: tags does not skip the metadata in front of them, or remember the tags
// and the depth.
func TestAFrameKnowsItsTagsWithoutBeingMadeARecord(t *testing.T) {
	want := taggedRecords()
	var room []string
	i := 0
	err := eachFrame(encodeBlock(taggedRecords()), nil, func(f *frame) {
		var err error
		if room, err = f.tags(room); err != nil || strings.Join(room, " ") != strings.Join(want[i].Tags, " ") {
			t.Errorf("event %d: got tags %q, want %q: %v", i, room, want[i].Tags, err)
		}
		if n, err := f.remember(); err != nil || n != want[i].Remember {
			t.Errorf("event %d: remembered for %d seconds, want %d: %v", i, n, want[i].Remember, err)
		}
		i++
	})
	if err != nil || i != len(want) {
		t.Errorf("saw %d events: %v", i, err)
	}
}
