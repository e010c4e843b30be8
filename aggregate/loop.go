package aggregate

import (
	"context"
	"fmt"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// maxTraced bounds how many events of a story are kept in memory while its cycle is
// looked for; of a longer one the latest count.
const maxTraced = 100_000

// link is an event of a chain, as far as it is told.
type link struct {
	id, causedBy, command stream.EventID
	stream                stream.ID
	typ                   string
}

func (l link) String() string { return l.stream.String() + " " + l.typ }

// loop is the error of an event at which a chain has become too long.
func (s *sagaRun[E, S]) loop(ctx context.Context, t *trigger[E]) error {
	e := t.event
	failed := &LoopError{Saga: s.name, Depth: e.Depth, Limit: s.saga.MaxDepth}
	last := link{e.ID, e.CausedBy, e.Command, e.Stream, e.Type}
	chain, err := s.chain(ctx, &e.Header, last)
	if err != nil {
		failed.Cycle = []string{last.String()}
		return fmt.Errorf("%w; what led to it could not be read: %w", failed, err)
	}
	failed.Cycle = s.told(cycle(chain), t.instance)
	return failed
}

// chain is the events that led to one another up to the last, which comes first.
func (s *sagaRun[E, S]) chain(ctx context.Context, h *stream.Header, last link) ([]link, error) {
	story := map[stream.EventID]link{}
	log, ok := s.log.(stream.Log)
	if !ok {
		return []link{last}, nil
	}
	err := log.Read(ctx, stream.Query{To: h.Cursor()}, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			r := &records[i]
			if r.Correlation != h.Correlation {
				continue
			}
			if len(story) == maxTraced {
				clear(story)
			}
			story[r.ID] = link{r.ID, r.CausedBy, r.Command, r.Stream, r.Type}
		}
		return nil
	})
	chain := []link{last}
	for at, ok := story[last.causedBy]; ok && len(chain) <= int(h.Depth); at, ok = story[at.causedBy] {
		chain = append(chain, at)
	}
	return chain, err
}

// cycle is the part of a chain that lies between its last event and the one before it
// that is most like it, in the order in which it happened; the end of the chain if
// there is none.
func cycle(chain []link) []link {
	end := min(len(chain), 10)
	same := func(like func(l link) bool) bool {
		i := slices.IndexFunc(chain[1:], like)
		if i >= 0 {
			end = i + 2
		}
		return i >= 0
	}
	last := chain[0]
	_ = same(func(l link) bool { return l.stream == last.stream && l.typ == last.typ }) ||
		same(func(l link) bool { return l.stream.Topic == last.stream.Topic && l.typ == last.typ })
	part := slices.Clone(chain[:end])
	slices.Reverse(part)
	return part
}

// told is a chain in words. Between two events stands the saga if the command was its
// own: then its ID derives from the first.
func (s *sagaRun[E, S]) told(chain []link, instance string) (words []string) {
	for i, l := range chain {
		if i > 0 && s.sent(chain[i-1], l, instance) {
			words = append(words, "saga "+s.name)
		}
		words = append(words, l.String())
	}
	return words
}

func (s *sagaRun[E, S]) sent(cause, l link, instance string) bool {
	for _, of := range [...]string{instance, cause.stream.Key} {
		for i := range s.saga.MaxEffects {
			if s.derive(cause.id, of, "command", i) == l.command {
				return true
			}
		}
	}
	return false
}
