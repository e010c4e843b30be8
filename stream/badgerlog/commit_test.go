package badgerlog

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-go/thaw/stream"
)

func someCommit() *commit {
	return &commit{
		records: []stream.Record{
			{Header: stream.Header{Position: 7, Stream: stream.ID{Topic: "t", Key: "a"}, Version: 1, Type: "T", Schema: 1, Command: stream.EventID{1}}, Data: []byte("one")},
			{Header: stream.Header{Position: 8, Stream: stream.ID{Topic: "t", Key: "a"}, Version: 2, Type: "T", Schema: 1, Command: stream.EventID{1}}, Data: []byte("two")},
			{Header: stream.Header{Position: 9, Stream: stream.ID{Topic: "t", Key: "a"}, Version: 3, Type: "T", Schema: 1}, Data: []byte("three")},
			{Header: stream.Header{Position: 10, Stream: stream.ID{Topic: "t", Key: "b"}, Version: 1, Type: "T", Schema: 1, Command: stream.EventID{2}}, Data: []byte("four")},
		},
		changes: []keyed{{cursorKey("c"), seal([]byte("10"))}, {stateKey("c", "gone"), nil}, {stateKey("c", "empty"), []byte{}}},
	}
}

// TestACommitReadsBackAsItWasWritten, with its appends told apart and their
// commands' effects.
// Breaks when: divide does not compare commands.
func TestACommitReadsBackAsItWasWritten(t *testing.T) {
	c, saved := someCommit(), &commit{changes: someCommit().changes[:1]}
	all, err := decodeCommits(slices.Concat(bytes.Join(saved.encode(), nil), bytes.Join(c.encode(), nil)))
	if err != nil || len(all) != 2 || len(all[0].records) != 0 || len(all[0].changes) != 1 {
		t.Fatalf("two commits in one record: got %d: %v", len(all), err)
	}
	got := all[1]
	if diff := cmp.Diff(c.changes, got.changes, cmp.AllowUnexported(keyed{})); diff != "" {
		t.Errorf("changes (- want, + got):\n%s", diff)
	}
	lengths := []int{}
	for _, part := range got.parts {
		lengths = append(lengths, len(part.records))
	}
	if diff := cmp.Diff([]int{2, 1, 1}, lengths); diff != "" {
		t.Errorf("appends (- want, + got):\n%s", diff)
	}
	want := map[commandID]effect{
		{"t", stream.EventID{1}}: {share: share{stream.ID{Topic: "t", Key: "a"}, 1, 2}},
		{"t", stream.EventID{2}}: {share: share{stream.ID{Topic: "t", Key: "b"}, 1, 1}},
	}
	if diff := cmp.Diff(want, got.commands, cmp.AllowUnexported(commandID{}, effect{}, share{})); diff != "" {
		t.Errorf("commands (- want, + got):\n%s", diff)
	}
}

// FuzzCommit hands any bytes to who reads a journal record; the checksum of the
// events in it is put right, so that more than that is tried. What is read is
// written and read again as the same.
// Breaks when: takeSized does not compare the length with what is there.
func FuzzCommit(f *testing.F) {
	f.Add(bytes.Join(someCommit().encode(), nil))
	f.Add(bytes.Join((&commit{changes: someCommit().changes}).encode(), nil))
	f.Add([]byte{commitVersion, 0, 0, 0, 0, 255, 255, 255, 255})             // 4 G changes
	f.Add([]byte{commitVersion, 0, 0, 0, 0, 1, 0, 0, 0, 254, 255, 255, 255}) // a key of 4 GB
	f.Add([]byte{commitVersion, 255, 255, 255, 255})                         // a block of 4 GB
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 5 {
			size := min(uint64(binary.LittleEndian.Uint32(b[1:])), uint64(len(b)-5))
			checksummed(b[5 : 5+size])
		}
		var commits []*commit
		frugal(t, 100*len(b)+1<<20, func() { commits, _ = decodeCommits(b) })
		for _, c := range commits {
			again, _, err := takeCommit(bytes.Join(c.encode(), nil))
			if err != nil {
				t.Fatalf("what was read can not be written and read: %v", err)
			}
			if diff := cmp.Diff(c.records, again.records, cmpopts.EquateEmpty()) + cmp.Diff(c.changes, again.changes, cmp.AllowUnexported(keyed{})); diff != "" {
				t.Errorf("(- read, + written and read again)\n%s", diff)
			}
		}
	})
}
