package testkit

import (
	"context"
	"regexp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// Keys are what specifications close [stream.Sealed] values under: keys in memory, the
// same ones as long as the process runs. A repository that a test makes itself is given
// them, so that what it seals can be compared with what is expected.
func Keys() stream.Keys { return value.Keys }

// encode is the record of an event whose sealed values are closed, as a repository
// makes it.
func encode[E any](topic *stream.Topic[E], e E) (stream.Record, error) {
	if err := stream.CloseSealed(context.Background(), value.Keys, e); err != nil {
		return stream.Record{}, err
	}
	return topic.Encode(e)
}

var sealedJSON = regexp.MustCompile(`\{"subject":"((?:[^"\\]|\\.)*)","sealed":"[A-Za-z0-9+/=]*"\}`)

// showSealed makes JSON of sealed values, which is another one each time, what they are
// printed as.
func showSealed(text string) string { return sealedJSON.ReplaceAllString(text, `"[sealed $1]"`) }
