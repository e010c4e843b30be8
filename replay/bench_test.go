package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// blob is a payload that its codec leaves alone, so that a benchmark measures
// the source and not JSON.
type blob struct{ size int }

type blobCodec struct{}

func (blobCodec) Marshal(v any) ([]byte, error) {
	return []byte(strings.Repeat("x", v.(blob).size)), nil
}
func (blobCodec) Unmarshal(data []byte, into any) error {
	into.(*blob).size = len(data)
	return nil
}

var blobs = stream.NewTopicWith("blobs", stream.Catalogue[blob]{"BLOB": {}}, stream.TopicOptions[blob]{Codec: blobCodec{}})

func filled(b *testing.B, n int) *memlog.Log {
	b.Helper()
	log := memlog.New()
	b.Cleanup(func() { _ = log.Close() })
	rec, err := blobs.Encode(blob{200})
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		id := stream.ID{Topic: "blobs", Key: fmt.Sprint(i % 1000)}
		if _, err := log.Append(b.Context(), id, stream.AnyVersion, rec); err != nil {
			b.Fatal(err)
		}
	}
	return log
}

func BenchmarkCold(b *testing.B) {
	const n = 100_000
	log := filled(b, n)
	b.ReportAllocs()
	for b.Loop() {
		count := 0
		for _, err := range replay.Cold(log, blobs).All(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			count++
		}
		if count != n {
			b.Fatalf("%d events, expected %d", count, n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
}

func BenchmarkHistory(b *testing.B) {
	log := filled(b, 100_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		for _, err := range replay.History(log, blobs, fmt.Sprint(i%1000)).All(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
