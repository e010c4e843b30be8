package stream_test

import (
	"context"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// noCodec decodes nothing: what is left is the topic's own work.
type noCodec struct{}

func (noCodec) Marshal(any) ([]byte, error) { return []byte("-"), nil }
func (noCodec) Unmarshal([]byte, any) error { return nil }

func BenchmarkTopicDecode(b *testing.B) {
	rec := record("users", "EMAIL_SET", 1, `{"Email":"ann@home.example"}`)
	for name, codec := range map[string]stream.Codec{"JSON": stream.JSON, "no-op": noCodec{}} {
		b.Run("codec="+name+"/type=interface", func(b *testing.B) {
			benchmarkDecode(b, stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{Codec: codec}), rec)
		})
		b.Run("codec="+name+"/type=struct", func(b *testing.B) {
			topic := stream.NewTopicWith("users", stream.Catalogue[emailSet]{"EMAIL_SET": {}}, stream.TopicOptions[emailSet]{Codec: codec})
			benchmarkDecode(b, topic, rec)
		})
	}
}

func benchmarkDecode[E any](b *testing.B, topic *stream.Topic[E], rec *stream.Record) {
	var e stream.Event[E]
	b.ReportAllocs()
	for b.Loop() {
		if err := topic.Decode(rec, &e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEmit is the price of one item in a pipeline: per operation, 1000
// items from the source to the sink.
func BenchmarkEmit(b *testing.B) {
	items := stream.From(make([]int, 1000)...)
	for name, o := range map[string]stream.Observable[stream.Cold, int]{
		"stages=0":      items,
		"stages=1":      double(items),
		"stages=3":      double(double(double(items))),
		"ObserveOn=256": operators.ObserveOn(items, 256, operators.Block),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Run(context.Background(), func(int) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The synchronous path allocates nothing per item.
func TestEmitAllocatesNothing(t *testing.T) {
	o := double(double(stream.From(make([]int, 1000)...)))
	got := testing.AllocsPerRun(10, func() {
		if err := o.Run(context.Background(), func(int) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
	if got > 50 {
		t.Errorf("got %v allocations for 1000 items through two stages, want only those of the run", got)
	}
}
