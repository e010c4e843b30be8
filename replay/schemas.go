package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/thaw-go/thaw/stream"
)

// StoredSchema is how often a log has events of one type in one schema.
type StoredSchema struct {
	Topic  string        // whose events they are
	Type   string        // the stored name
	Schema uint32        // the version of the payload's shape
	Count  uint64        // how many there are
	First  stream.Cursor // just after the first of them
	Last   stream.Cursor // just after the last of them
}

// SchemaReport says which versions are still in a log, and of what topics can read,
// what nothing there needs.
type SchemaReport struct {
	At       stream.Cursor  // the log's head when it was read
	Stored   []StoredSchema // by topic, type and schema
	Unneeded []string       // upcasters and retired names, as sentences
	Unread   []string       // what is stored and the topics can not read, as sentences
}

// Schemas reads the headers of all events that a log has and counts them by topic,
// type and schema. Of the topics that it is given it says which upcasters and retired
// names no event needs any more; backups and other logs may still need them. It takes
// memory for each schema, not for each event, and returns the log's errors.
func Schemas(ctx context.Context, log stream.Log, topics ...stream.AnyTopic) (*SchemaReport, error) {
	type key struct {
		topic, typ string
		schema     uint32
	}
	found := map[key]*StoredSchema{}
	head, err := everything(ctx, log, func(rec *stream.Record) error {
		k := key{rec.Stream.Topic, rec.Type, max(rec.Schema, 1)}
		s, ok := found[k]
		if !ok {
			s = &StoredSchema{Topic: k.topic, Type: k.typ, Schema: k.schema, First: rec.Cursor()}
			found[k] = s
		}
		s.Count++
		s.Last = rec.Cursor()
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := &SchemaReport{At: head}
	for _, s := range found {
		r.Stored = append(r.Stored, *s)
	}
	slices.SortFunc(r.Stored, func(a, b StoredSchema) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Schema, b.Schema))
	})
	for _, t := range topics {
		byTopic := map[string][]stream.Schema{}
		for _, s := range t.Schemas() {
			byTopic[s.Topic] = append(byTopic[s.Topic], s)
		}
		for _, topic := range slices.Sorted(maps.Keys(byTopic)) {
			r.judge(topic, byTopic[topic])
		}
	}
	return r, nil
}

// judge compares what is stored of a topic with what the topic can read.
func (r *SchemaReport) judge(topic string, known []stream.Schema) {
	readable := map[string]stream.Schema{}
	for _, k := range known {
		readable[k.Type] = k
	}
	oldest := map[string]uint32{} // by type: the oldest schema from which it is reached
	for _, s := range r.Stored {
		if s.Topic != topic {
			continue
		}
		k, ok := readable[s.Type]
		if !ok {
			r.Unread = append(r.Unread, fmt.Sprintf("topic %s has %d events of %s, which it can not read", topic, s.Count, s.Type))
			continue
		}
		if s.Schema > k.Newest && !k.Retired {
			r.Unread = append(r.Unread, fmt.Sprintf("topic %s has %d events of %s in schema %d; the newest known is %d", topic, s.Count, s.Type, s.Schema, k.Newest))
		}
		if o, ok := oldest[s.Type]; !ok || s.Schema < o {
			oldest[s.Type] = s.Schema
		}
		reach(readable, s.Type, oldest)
	}
	for _, k := range known {
		first, ok := oldest[k.Type]
		last := k.Newest - 1
		if ok {
			last = min(first, k.Newest) - 1
		}
		if k.Retired && !ok {
			r.Unneeded = append(r.Unneeded, fmt.Sprintf("topic %s: retired %s: no event has this name", topic, k.Type))
		} else if last > 0 {
			r.Unneeded = append(r.Unneeded, fmt.Sprintf("topic %s: upcasters of %s from %s", topic, k.Type, schemas(last)))
		}
	}
}

// reach notes that everything that comes of a retired name may come in any schema.
func reach(readable map[string]stream.Schema, name string, oldest map[string]uint32) {
	for _, into := range readable[name].Into {
		if oldest[into] != 1 {
			oldest[into] = 1
			reach(readable, into, oldest)
		}
	}
}

func schemas(last uint32) string {
	if last == 1 {
		return "schema 1"
	}
	return fmt.Sprintf("schemas 1 to %d", last)
}

// String is the report as a table, with the sentences below it.
func (r *SchemaReport) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "topic\ttype\tschema\tevents\tfirst\tlast")
	for _, s := range r.Stored {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\n", s.Topic, s.Type, s.Schema, s.Count, s.First, s.Last)
	}
	_ = w.Flush() // a strings.Builder takes everything
	for _, line := range r.Unread {
		fmt.Fprintf(&b, "not read: %s\n", line)
	}
	for _, line := range r.Unneeded {
		fmt.Fprintf(&b, "not needed: %s\n", line)
	}
	return b.String()
}
