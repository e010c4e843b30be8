package badgerlog_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// check opens the log, holds it against everything that was said of it, and
// sends again what is in doubt.
func (c *crashes) check(verify bool) {
	c.t.Helper()
	c.total.checks++
	log, err := badgerlog.Open(c.dir, asOptions(c.options))
	if err != nil {
		c.t.Fatalf("open after a crash: %v", err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			c.t.Errorf("close: %v", err)
		}
	}()
	w := c.compare(log, verify)
	c.sendAgain(log, w)
	c.claimAgain(log, w)
	head, err := log.Head(c.t.Context())
	if err != nil {
		c.t.Error(err)
	}
	c.head = head.Position(0)
}

// compare holds the log against everything that was said of it.
func (c *crashes) compare(log *badgerlog.Log, verify bool) *walked {
	c.t.Helper()
	w := c.walk(log)
	c.checkAcknowledged(w)
	c.checkStreams(log, w)
	c.checkTags(log, w)
	for name, least := range c.places {
		c.checkConsumer(log, name, least, w.head)
	}
	if verify {
		c.total.verifications++
		if err := log.Verify(c.t.Context(), nil); err != nil {
			c.t.Errorf("verify: %v", err)
		}
	}
	return w
}

// walked is what a log holds, event by event.
type walked struct {
	c        *crashes
	cut      stream.Position
	head     stream.Position
	versions map[stream.ID]stream.Version
	streams  map[stream.ID][]stream.Position
	groups   map[stream.EventID]group
	tags     map[string][]stream.Position

	now  stream.EventID // the group that the last event belongs to
	want int            // the index of the one that follows it there; 0: it was the last
}

// group are events that were to be stored together.
type group struct {
	at    stream.Position // of the first that is left
	whole bool            // it is the first of all
}

// walk reads the whole log.
func (c *crashes) walk(log *badgerlog.Log) *walked {
	c.t.Helper()
	s, err := log.Stats(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	if s.Cut < c.cut.acknowledged || s.Cut > max(c.cut.acknowledged, c.cut.asked) {
		c.t.Errorf("history is gone up to %d, expected between %d, which was acknowledged, and %d, which was asked for", s.Cut, c.cut.acknowledged, c.cut.asked)
	}
	c.cut.acknowledged = s.Cut
	w := &walked{
		c: c, cut: s.Cut, head: s.Cut, versions: map[stream.ID]stream.Version{},
		streams: map[stream.ID][]stream.Position{}, groups: map[stream.EventID]group{}, tags: map[string][]stream.Position{},
	}
	err = log.Read(c.t.Context(), stream.Query{From: stream.At(s.Cut)}, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			if err := w.add(&records[i]); err != nil {
				return fmt.Errorf("position %d: %w", records[i].Position, err)
			}
		}
		return nil
	})
	if err == nil && w.want > 0 {
		err = fmt.Errorf("the log ends before event %d of %s", w.want, w.now)
	}
	if err != nil || w.head != s.Head {
		c.t.Errorf("read up to %d of %d: %v", w.head, s.Head, err)
	}
	var gone *stream.TruncatedError
	err = log.Read(c.t.Context(), stream.Query{}, func([]stream.Record, stream.Mark) error { return errStop })
	if w.cut > 0 && !errors.As(err, &gone) {
		c.t.Errorf("a read from the beginning of a log without its first %d events: got %v, want a TruncatedError", w.cut, err)
	}
	c.total.read += int(w.head - w.cut)
	return w
}

// add checks an event against the one before it, and against what a process
// sends.
func (w *walked) add(r *stream.Record) error {
	if r.Position != w.head+1 {
		return fmt.Errorf("it follows %d", w.head)
	}
	w.head++
	if last, ok := w.versions[r.Stream]; ok && r.Version != last+1 || r.Version == 0 {
		return fmt.Errorf("%s has version %d after %d", r.Stream, r.Version, last)
	}
	w.versions[r.Stream] = r.Version
	w.streams[r.Stream] = append(w.streams[r.Stream], r.Position)
	var name string
	var i, n int
	if _, err := fmt.Sscanf(string(r.Data[:min(len(r.Data), 64)]), "%s %d of %d", &name, &i, &n); err != nil {
		return fmt.Errorf("its payload begins with %.64q: %w", r.Data, err)
	}
	id, err := stream.ParseEventID(name)
	if err != nil {
		return err
	}
	if err := w.join(id, i, n); err != nil {
		return err
	}
	command := id
	if r.Stream.Topic == "imported" {
		command = stream.DeriveID(id, "append", i/3)
	}
	want := crashRecord(id, command, i, n)
	if r.Command != command || r.ID != want.ID || r.Type != want.Type || r.Schema != want.Schema || string(r.Data) != string(want.Data) {
		return fmt.Errorf("it is not what was sent as event %d of %s", i, id)
	}
	if err := w.addTags(r); err != nil {
		return err
	}
	if told, ok := w.c.stored[r.Position]; ok && told != (toldOf(r, n)) {
		return fmt.Errorf("it is %+v, acknowledged was %+v", toldOf(r, n), told)
	}
	if told, ok := w.c.seen[r.Position]; ok && told != toldOf(r, 0) {
		return fmt.Errorf("it is %+v, a subscriber was handed %+v", toldOf(r, 0), told)
	}
	return nil
}

func toldOf(r *stream.Record, n int) told { return told{r.Stream, r.Version, r.Command, n} }

// join checks that an event goes on with its group, or begins one that was not
// there before. Of the first group a truncation may have taken the beginning.
func (w *walked) join(id stream.EventID, i, n int) error {
	first := w.head == w.cut+1
	switch {
	case w.want > 0 && (id != w.now || i != w.want):
		return fmt.Errorf("event %d of %s was expected, found %d of %s", w.want, w.now, i, id)
	case w.want == 0 && i > 0 && !(first && w.cut > 0):
		return fmt.Errorf("it is event %d of %s, without those before", i, id)
	case w.want == 0:
		if g, ok := w.groups[id]; ok {
			return fmt.Errorf("command %s took effect at %d already", id, g.at)
		}
		w.groups[id] = group{at: w.head, whole: i == 0}
	}
	w.now, w.want = id, i+1
	if w.want == n {
		w.want = 0
	}
	return nil
}

// checkAcknowledged checks that what was acknowledged, or seen, is there, and
// that nothing is that was refused. What was truncated is of no interest any more.
func (c *crashes) checkAcknowledged(w *walked) {
	c.t.Helper()
	for what, places := range map[string]map[stream.Position]told{"acknowledged": c.stored, "seen by a subscriber": c.seen} {
		gone := 0
		for at := range places {
			if at <= w.cut {
				delete(places, at)
			} else if at > w.head {
				gone++
			}
		}
		if gone > 0 {
			c.t.Errorf("%d events that were %s are gone: the log ends at %d", gone, what, w.head)
		}
	}
	for id, m := range c.imports {
		if g, ok := w.groups[id]; ok && g.at > m.head || m.head < w.cut {
			continue
		}
		c.t.Errorf("an import of %d events, begun at %d, was acknowledged and is not there", m.n, m.head)
	}
	for id := range c.refused {
		if g, ok := w.groups[id]; ok {
			c.t.Errorf("an append that was refused stands at %d", g.at)
		}
	}
	clear(c.refused)
}

// checkStreams compares each stream's own entries with what the log says of it.
func (c *crashes) checkStreams(log *badgerlog.Log, w *walked) {
	c.t.Helper()
	for id, want := range w.streams {
		var got []stream.Position
		q := stream.Query{From: stream.At(w.cut), Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}
		err := log.Read(c.t.Context(), q, func(records []stream.Record, _ stream.Mark) error {
			for i := range records {
				got = append(got, records[i].Position)
			}
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			c.t.Errorf("%s: %d events under its own key, %d in the log: %v", id, len(got), len(want), err)
		}
	}
}

// checkConsumer checks that a consumer is neither behind what was acknowledged
// nor past the head, and that what it remembers was saved with its place.
func (c *crashes) checkConsumer(log *badgerlog.Log, name string, least, head stream.Position) {
	c.t.Helper()
	at, _, err := log.Cursor(c.t.Context(), name)
	if err != nil || at.Position(0) < least || at.Position(0) > head {
		c.t.Errorf("%s is at %s, expected between %d, which was acknowledged, and the head, %d: %v", name, at, least, head, err)
	}
	c.places[name] = at.Position(0)
	if name == "cautious" {
		return
	}
	value, _, err := log.State(c.t.Context(), name, "at")
	if err != nil || string(value) != at.String() {
		c.t.Errorf("%s, at %s, remembers %q: %v", name, at, value, err)
	}
	err = log.States(c.t.Context(), name, "turn/", func(key string, value []byte) error {
		if place, err := stream.ParseCursor(string(value)); err != nil || !at.Reached(place) {
			return fmt.Errorf("%s is %q: %v", key, value, err)
		}
		return nil
	})
	if err != nil {
		c.t.Errorf("%s, at %s, remembers values of a later place: %v", name, at, err)
	}
}

// sendAgain sends what was neither acknowledged nor refused: what took effect
// does not do so twice, the rest does now.
func (c *crashes) sendAgain(log *badgerlog.Log, w *walked) {
	c.t.Helper()
	for command, s := range c.doubt {
		g, there := w.groups[command]
		if there && !g.whole {
			continue // its beginning was truncated, so it would take effect again
		}
		c.total.doubts++
		stored, err := log.Append(c.t.Context(), s.id, stream.AnyVersion, crashRecords(command, s.n)...)
		if err != nil || len(stored) != s.n || there && stored[0].Position != g.at || !there && stored[0].Position <= w.head {
			c.t.Errorf("command %s again, found at %d: got %d events: %v", command, g.at, len(stored), err)
			continue
		}
		if there {
			c.total.doubled++
		}
		c.stored[stored[0].Position] = toldOf(&stored[0], s.n)
	}
	for id, m := range c.doubtIn {
		if m.head < w.cut {
			continue // part of it may be gone
		}
		head, err := log.Head(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		done, err := log.Import(c.t.Context(), crashImport(id, m.n), badgerlog.ImportOptions{})
		want := badgerlog.Imported{Events: uint64(m.n)}
		if _, there := w.groups[id]; there {
			want = badgerlog.Imported{Skipped: uint64(m.n)}
		} else {
			m.head = head.Position(0)
		}
		if err != nil || done != want {
			c.t.Errorf("an import again: got %+v, want %+v: %v", done, want, err)
		}
		c.imports[id] = m
	}
	clear(c.doubt)
	clear(c.doubtIn)
}
