package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// maxStory is how many events a story may have for its graph to be made.
const maxStory = 1 << 20

// maxSplit is how many events may come of one whose name was retired.
const maxSplit = 100

var errFound = errors.New("replay: found")

// Trace makes the graph of an event's story: every event that came, by whatever way,
// of the same first command, and what caused what. It reads the log up to twice and
// keeps the headers of the story's events, of which there may be a million; more are a
// [*stream.TooLargeError]. An ID that no event of the log has is a
// [*stream.InvalidError]; other errors are the log's.
func Trace(ctx context.Context, log stream.Log, event stream.EventID) (*Graph, error) {
	var start stream.Header
	found := false
	head, err := everything(ctx, log, func(rec *stream.Record) error {
		if rec.ID != event {
			return nil
		}
		start, found = rec.Header, true
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, fmt.Errorf("replay: trace event %s: %w", event, err)
	}
	if !found || event.IsZero() {
		return nil, &stream.InvalidError{What: "event ID", Value: event.String(), Reason: "the log has no such event"}
	}
	story, err := storyOf(ctx, log, head, &start)
	if err != nil {
		return nil, fmt.Errorf("replay: trace event %s: %w", event, err)
	}
	return newGraph(story), nil
}

// storyOf are the headers of the events of one story, in log order.
func storyOf(ctx context.Context, log stream.Log, head stream.Cursor, start *stream.Header) ([]stream.Header, error) {
	var story []stream.Header
	inside := map[stream.EventID]bool{start.ID: true}
	err := upTo(ctx, log, head, func(rec *stream.Record) error {
		same := !start.Correlation.IsZero() && rec.Correlation == start.Correlation
		if !same && rec.ID != start.ID && !inside[rec.CausedBy] {
			return nil
		}
		if len(story) == maxStory {
			return &stream.TooLargeError{What: "story", Size: maxStory + 1, Limit: maxStory}
		}
		inside[rec.ID] = !rec.ID.IsZero()
		story = append(story, rec.Header)
		return nil
	})
	return story, err
}
