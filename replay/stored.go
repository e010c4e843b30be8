package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// everything hands over all events that the log still has, as records, up to its head
// now, and returns that head.
func everything(ctx context.Context, log stream.Log, emit func(*stream.Record) error) (stream.Cursor, error) {
	if log == nil {
		return stream.Cursor{}, errors.New("replay: there is no log")
	}
	head, err := log.Head(ctx)
	if err != nil {
		return stream.Cursor{}, err
	}
	return head, upTo(ctx, log, head, emit)
}

// maxCuts bounds how often the oldest events may be removed while we begin to read.
const maxCuts = 100

func upTo(ctx context.Context, log stream.Log, head stream.Cursor, emit func(*stream.Record) error) error {
	query := stream.Query{To: head}
	for range maxCuts {
		if query.From.Reached(head) {
			return nil
		}
		err := log.Read(ctx, query, func(records []stream.Record, _ stream.Mark) error {
			for i := range records {
				if err := emit(&records[i]); err != nil {
					return err
				}
			}
			return nil
		})
		var cut *stream.TruncatedError
		if !errors.As(err, &cut) {
			return err
		}
		query.From = cut.Cut // nothing was handed over
	}
	return fmt.Errorf("replay: the log was truncated %d times while it was to be read", maxCuts)
}
