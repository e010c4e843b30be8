package stream

import "encoding/json"

// Codec turns payloads into bytes and back. Both methods may be called
// concurrently. Unmarshal must not keep data, which is valid only during the
// call.
type Codec interface {
	// Marshal encodes a payload; the log stores what it returns.
	Marshal(value any) ([]byte, error)
	// Unmarshal decodes a payload into the pointer it is given.
	Unmarshal(data []byte, into any) error
}

// JSON is the default codec, encoding/json.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Marshal(value any) ([]byte, error)     { return json.Marshal(value) }
func (jsonCodec) Unmarshal(data []byte, into any) error { return json.Unmarshal(data, into) }
