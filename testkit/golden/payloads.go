package golden

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// What the files of a payload end with, after its type and schema.
const (
	payloadEnding = ".payload" // what was stored
	decodedEnding = ".decoded" // what is read
)

// Payloads fails the test unless everything that a topic has ever stored can still be
// read as it was meant. It keeps, in testdata/dir, one payload of each event type in
// each of its schemas, and beside it what today's topic decodes it to, upcast and
// through names that were retired. examples are one event of each type of the
// catalogue, with every field filled. It fails
//
//   - if a type's payload has another shape than the recorded one of its schema: what
//     is in logs does not change with the Go type, so the change needs an upcaster,
//   - if a recorded payload can not be decoded any more, or decodes to something else,
//   - if a type has no example, an example leaves a field empty, in which a change
//     would not be seen, or a schema or a name that was once written has no payload.
//
// With -update it writes what is missing, and what payloads decode to; a payload that
// was recorded is never changed. The shape of JSON is its fields and the kinds of
// their values, so an example may get other values; payloads of other codecs must
// stay the same bytes.
func Payloads[E any](t testing.TB, topic *stream.Topic[E], dir string, examples ...any) {
	t.Helper()
	if !filepath.IsLocal(dir) {
		t.Errorf("golden: %q is not the name of a directory below testdata", dir)
		return
	}
	p := &payloads[E]{t: t, topic: topic, dir: dir, seen: map[string]bool{}}
	for _, example := range examples {
		if e, ok := example.(E); ok {
			p.example(e)
		} else {
			t.Errorf("golden: topic %s: the example is a %T, which is no event of it", topic.Name(), example)
		}
	}
	for _, name := range topic.Types() {
		if !p.seen[name] {
			t.Errorf("golden: topic %s: there is no example of %s", topic.Name(), name)
		}
	}
	for _, s := range topic.Schemas() {
		if s.Retired && len(p.files(url.QueryEscape(s.Type)+"@*")) == 0 {
			t.Errorf("golden: no payload of %s is recorded, which was retired: take one from a log, or write it by hand, to %s", s.Type, slashed(p.path(s.Type, s.Newest)))
		}
	}
	if p.reshaped && updating() {
		return // what is lost must not become what is wanted
	}
	p.decodeAll()
}

type payloads[E any] struct {
	t     testing.TB
	topic *stream.Topic[E]
	dir   string          // below testdata
	seen  map[string]bool // types that have an example

	reshaped bool // a payload has another shape than the recorded one
}

// path is a payload's file.
func (p *payloads[E]) path(typ string, schema uint32) string {
	return filepath.Join("testdata", filepath.FromSlash(p.dir), fmt.Sprintf("%s@%d%s", url.QueryEscape(typ), schema, payloadEnding))
}

// example compares an event of today with what was recorded of its type.
func (p *payloads[E]) example(example E) {
	p.t.Helper()
	rec, err := p.topic.Encode(example)
	if err != nil {
		p.t.Errorf("golden: an example can not be stored: %v", err)
		return
	}
	if p.seen[rec.Type] {
		p.t.Errorf("golden: topic %s: %s has two examples", p.topic.Name(), rec.Type)
		return
	}
	p.seen[rec.Type] = true
	for _, field := range empty(example) {
		p.t.Errorf("golden: the example of %s leaves %s empty: a change of it would not be seen", rec.Type, field)
	}
	for schema := uint32(1); schema < rec.Schema; schema++ {
		if _, err := os.Stat(p.path(rec.Type, schema)); err != nil {
			p.t.Errorf("golden: no payload of %s in schema %d is recorded, which was once written: take one from a log, or write it by hand, to %s", rec.Type, schema, slashed(p.path(rec.Type, schema)))
		}
	}
	p.compare(&rec)
}

func (p *payloads[E]) compare(rec *stream.Record) {
	p.t.Helper()
	path := p.path(rec.Type, rec.Schema)
	recorded, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && updating():
		if err := write(path, string(rec.Data)); err != nil {
			p.t.Errorf("golden: %v", err)
		}
	case errors.Is(err, fs.ErrNotExist):
		p.t.Errorf("golden: there is no %s yet: if %s is new in schema %d, run the test with -update to record it\n%s", slashed(path), rec.Type, rec.Schema, excerpt(string(rec.Data)))
	case err != nil:
		p.t.Errorf("golden: %v", err)
	default:
		if diff := reshaped(recorded, rec.Data); diff != "" {
			p.reshaped = true
			p.t.Errorf("golden: %s has another shape than %s, and its schema is still %d (- stored, + now)\n%sWhat is in logs stays as it is: add an upcaster to Upcasters[%q] that makes the one of the other, which makes its schema %d, and then run the test with -update",
				rec.Type, slashed(path), rec.Schema, diff, rec.Type, rec.Schema+1)
		}
	}
}

// decodeAll reads every payload that was ever recorded, and compares what comes of it.
func (p *payloads[E]) decodeAll() {
	p.t.Helper()
	for _, path := range p.files("*") {
		rec, err := p.read(path)
		if err != nil {
			p.t.Errorf("golden: %v", err)
			continue
		}
		text, err := p.decoded(rec)
		if err != nil {
			p.t.Errorf("golden: %s can not be read any more: %v", slashed(path), err)
			continue
		}
		name := strings.TrimSuffix(filepath.Base(path), payloadEnding) + decodedEnding
		check(p.t, p.dir+"/"+name, text)
	}
}

// files are the recorded payloads whose names match, in order.
func (p *payloads[E]) files(pattern string) []string {
	files, err := filepath.Glob(filepath.Join("testdata", filepath.FromSlash(p.dir), pattern+payloadEnding))
	if err != nil {
		p.t.Errorf("golden: %v", err)
	}
	slices.Sort(files)
	return files
}

// read is a recorded payload as a log would hand it over.
func (p *payloads[E]) read(path string) (*stream.Record, error) {
	base := strings.TrimSuffix(filepath.Base(path), payloadEnding)
	escaped, number, ok := strings.Cut(base, "@")
	schema, err := strconv.ParseUint(number, 10, 32)
	typ, bad := url.QueryUnescape(escaped)
	if !ok || err != nil || bad != nil || schema == 0 {
		return nil, fmt.Errorf("%s: expected a name like TYPE@1%s", slashed(path), payloadEnding)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	at := stream.ID{Topic: p.topic.Name(), Key: "example"}
	return &stream.Record{Header: stream.Header{Stream: at, Version: 1, Position: 1, Type: typ, Schema: uint32(schema)}, Data: data}, nil
}

// decoded is what today's topic makes of a payload, as text.
func (p *payloads[E]) decoded(rec *stream.Record) (string, error) {
	selected := stream.Query{Match: p.topic.Match("")}
	if !selected.Accepts(rec.Stream.Topic, rec.Stream.Key, rec.Type, nil) {
		return "(not read)\n", nil
	}
	events, err := p.topic.DecodeAll(rec, nil)
	if err != nil {
		return "", err
	}
	if len(events) == 0 {
		return "(dropped)\n", nil
	}
	var b strings.Builder
	for i := range events {
		fmt.Fprintf(&b, "%s %s\n", events[i].Type, shownData(events[i].Data))
	}
	return b.String(), nil
}

// shownData is a payload as JSON, which does not change when a Go type is renamed, or
// as Go writes it if it is no JSON.
func shownData(data any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(data); err != nil {
		return value.Show(data)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func slashed(path string) string { return filepath.ToSlash(path) }
