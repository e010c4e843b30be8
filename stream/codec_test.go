package stream_test

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/thaw-go/thaw/stream"
)

// protobuf stores payloads as protocol buffers: a codec is two functions.
type protobuf struct{}

func (protobuf) Marshal(value any) ([]byte, error) {
	m, ok := value.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("expected a proto.Message, found a %T", value)
	}
	// A log stores no empty payload, and a message of zeros has no bytes.
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return append([]byte{0}, b...), err
}

func (protobuf) Unmarshal(data []byte, into any) error {
	m, ok := into.(proto.Message)
	if !ok || len(data) == 0 {
		return fmt.Errorf("expected a proto.Message and some bytes, found a %T and %d", into, len(data))
	}
	return proto.Unmarshal(data[1:], m)
}

// binaries stores payloads as gob does.
type binaries struct{}

func (binaries) Marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(value)
	return b.Bytes(), err
}

func (binaries) Unmarshal(data []byte, into any) error {
	return gob.NewDecoder(bytes.NewReader(data)).Decode(into)
}

type mailSent struct{ To string }

// Breaks when: an entry of a pointer type is decoded into the pointer itself.
func TestPayloadsMayBeProtobufAndGob(t *testing.T) {
	t.Run("protobuf", func(t *testing.T) {
		topic := stream.NewTopicWith("timers", stream.Catalogue[proto.Message]{
			"LASTED": (*durationpb.Duration)(nil), "NAMED": (*wrapperspb.StringValue)(nil),
		}, stream.TopicOptions[proto.Message]{Codec: protobuf{}})
		for _, want := range []proto.Message{&durationpb.Duration{Seconds: 5}, wrapperspb.String("egg"), &durationpb.Duration{}} {
			rec, err := topic.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			var got stream.Event[proto.Message]
			if err := topic.Decode(&rec, &got); err != nil || !proto.Equal(want, got.Data) {
				t.Errorf("got %v, %v; want %v", got.Data, err, want)
			}
		}
	})
	t.Run("gob", func(t *testing.T) {
		topic := stream.NewTopicWith("users", stream.Catalogue[mailSent]{"MAIL_SENT": {}}, stream.TopicOptions[mailSent]{Codec: binaries{}})
		rec, err := topic.Encode(mailSent{"ann@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		var got stream.Event[mailSent]
		if err := topic.Decode(&rec, &got); err != nil || got.Data != (mailSent{"ann@example.org"}) {
			t.Errorf("got %v, %v", got.Data, err)
		}
	})
}
