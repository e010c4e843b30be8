package badgerlog

import (
	"github.com/thaw-go/thaw/stream"
)

// generation is what was journaled since the database was last written to, and
// will be written to it in one transaction. The writer fills the active one. A
// sealed one is only read, until the database has it: then memory's settle empties
// all of it but the commands.
type generation struct {
	end      uint64          // the number of its last journal record
	last     stream.Position // of its last event, or of the one before it
	runs     []run           // its events, in the log's order
	touched  []*streamHead   // the streams that they belong to
	commands map[commandID]effect
	tagged   tagIndex
	changes  map[string][]byte // what consumers remember, by database key; nil: forget it

	events, bytes int
	eventBytes    int // of bytes, those of events
	streams       int // how many of them are new
	weight        weight

	done chan struct{} // closed when the database has it, or has failed
	err  error         // set before done is closed
}

// commandID is a command as its topic knows it.
type commandID struct {
	topic string
	id    stream.EventID
}

// Limits on a generation: what one transaction of Badger's takes (15 % of its
// memory table in bytes, and one entry for each 96 of those), and how much
// memory waits for the database.
const (
	maxGenerationEvents  = 32 << 10
	maxGenerationBytes   = 16 << 20
	maxGenerationEntries = 20_000
	maxGenerationKeys    = 1800 << 10
)

func newGeneration(after stream.Position) *generation {
	return &generation{
		last:     after,
		commands: map[commandID]effect{},
		tagged:   tagIndex{},
		changes:  map[string][]byte{},
		done:     make(chan struct{}),
	}
}

func (g *generation) empty() bool { return len(g.runs) == 0 && len(g.changes) == 0 }

// takes reports whether commits can be added together; any single one can to an
// empty generation.
func (g *generation) takes(mostEvents int, commits []*commit) bool {
	if g.empty() && len(commits) == 1 {
		return true
	}
	events, bytes, entries, keys := g.events, g.bytes, g.weight.entries, g.weight.keys
	for _, c := range commits {
		w := c.weigh()
		events, bytes = events+len(c.records), bytes+c.bytes()
		entries, keys = entries+w.entries, keys+w.keys
	}
	return events <= mostEvents && bytes <= maxGenerationBytes && entries <= maxGenerationEntries && keys <= maxGenerationKeys
}

// add makes a commit part of the generation, and its events what their streams
// have that is not in the database yet.
func (g *generation) add(c *commit, seq uint64) {
	w := c.weighOthers()
	g.weight.entries, g.weight.keys = g.weight.entries+w.entries, g.weight.keys+w.keys
	g.end, g.events, g.bytes = seq, g.events+len(c.records), g.bytes+c.bytes()
	g.streams, g.eventBytes = g.streams+c.streams, g.eventBytes+c.all.size()
	if len(c.records) > 0 {
		g.runs = append(g.runs, c.all)
		g.last = c.all.last().Position
	}
	for i, part := range c.parts {
		head := c.heads[i]
		if head.generation != g {
			head.generation = g
			g.touched = append(g.touched, head)
			g.weight.addStream(head.id)
		}
		if len(head.unstored) == 0 {
			head.holders.Add(1)
		}
		head.unstored = append(head.unstored, part)
	}
	for id, e := range c.commands {
		g.commands[id] = e
	}
	for tag, list := range c.tagged {
		for _, t := range list {
			if g.tagged.add(tag, t.topic, t.at...) {
				g.weight.addTag(tag, t.topic)
			}
		}
	}
	for _, change := range c.changes {
		g.changes[string(change.key)] = change.value
	}
}
