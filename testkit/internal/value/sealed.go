package value

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
)

// Keys are what tests close sealed values under.
var Keys stream.Keys = keyring.InMemory()

// sealed is a stream.Sealed of any type.
type sealed interface {
	Subject() string
	IsZero() bool
	MarshalBinary() ([]byte, error)
}

// opened is what a sealed value holds, to be compared and shown.
type opened struct {
	Subject string
	Value   any
}

// openSealed lets sealed values be compared by what they hold: bytes that were closed
// twice differ.
var openSealed = cmp.FilterPath(func(p cmp.Path) bool {
	t := p.Last().Type()
	return t != nil && t.PkgPath() == sealedPackage && strings.HasPrefix(t.Name(), "Sealed[")
}, cmp.Transformer("opened", func(s sealed) opened {
	if s.IsZero() {
		return opened{}
	}
	content, err := open(s)
	if err != nil {
		content = err.Error() + " " + string(bytesOf(s)) // not of these keys: the bytes are all there is
	}
	return opened{s.Subject(), content}
}))

var sealedPackage = reflect.TypeFor[stream.Sealed[int]]().PkgPath()

func open(s sealed) (content any, err error) {
	if err := stream.CloseSealed(context.Background(), Keys, s); err != nil {
		return nil, err
	}
	var box stream.Sealed[json.RawMessage]
	if err := box.UnmarshalBinary(bytesOf(s)); err != nil {
		return nil, err
	}
	text, err := box.Open(context.Background(), Keys)
	if err == nil {
		err = json.Unmarshal(text, &content)
	}
	return content, err
}

// bytesOf are a sealed value's bytes; none if it is open, as an open one that can not
// be closed is told by its error.
func bytesOf(s sealed) []byte {
	data, err := s.MarshalBinary()
	if err != nil {
		return nil
	}
	return data
}
