package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// writing is when an event was appended in a diagram, by which scene, and by whom.
type writing struct {
	at     time.Duration
	scene  int
	script bool // by the script, not by the process
	group  int
}

// note takes down what outlives a crash.
func (s *stage) note(ctx context.Context, op *Op, do func(context.Context) error) error {
	switch op.Kind {
	case OpAppend:
		s.did("append to %s", op.Stream)
	case OpSaveCursor:
		s.did("cursor of %s at %s", op.Consumer, op.At)
	case OpCheckpoint:
		s.did("checkpoint of %s at %s", op.Consumer, op.At)
	}
	err := do(ctx)
	if op.Kind == OpAppend && err == nil {
		s.wrote(op.Records, false)
	}
	return err
}

func (s *stage) did(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over && !s.world.crashed.Load() {
		s.steps = append(s.steps, fmt.Sprintf(format, args...))
	}
}

// wrote remembers who appended events, unless that is known.
func (s *stage) wrote(records []stream.Record, script bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		if _, known := s.written[r.Position]; !known {
			group := 0
			if len(records) > 1 {
				group = int(records[0].Position)
			}
			s.written[r.Position] = writing{at: s.now(), scene: s.scene(), script: script, group: group}
		}
	}
}

// stored is the whole log.
func (s *stage) stored() (list []stream.Record, err error) {
	err = s.world.raw.Read(context.Background(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			r.Data = append([]byte(nil), r.Data...)
			list = append(list, r)
		}
		return nil
	})
	return list, err
}

// writing is when an event was appended: at the crash, if its append came to no end.
func (s *stage) writing(p stream.Position) writing {
	if w, known := s.written[p]; known {
		return w
	}
	return writing{at: s.crashed, scene: s.crashScene}
}

// appended is what the process appended in some scenes.
func (s *stage) appended(records []stream.Record, from, to int) (list []marble.Point) {
	for _, r := range records {
		if w := s.writing(r.Position); !w.script && w.scene >= from && w.scene < to {
			list = append(list, marble.Point{At: w.at, Kind: marble.Event, Value: logged(r), Note: fmt.Sprintf("position %d", r.Position)})
		}
	}
	return list
}

// lane is the log as it was written.
func (s *stage) lane(records []stream.Record) marble.Lane {
	lane := marble.Lane{Name: "log", Points: []marble.Point{}}
	begun := false
	for _, r := range records {
		w := s.writing(r.Position)
		if !begun && r.Position > s.history {
			begun = true
			lane.Points = append(lane.Points, marble.Point{Kind: marble.Subscribe})
		}
		lane.Points = append(lane.Points, marble.Point{At: w.at, Kind: marble.Event, Append: w.group, Value: logged(r)})
	}
	if !begun {
		lane.Points = append(lane.Points, marble.Point{Kind: marble.Subscribe})
	}
	lane.End = s.until + stageTick
	return lane
}

// logEntry is an event of a log as specifications compare and show it.
type logEntry struct {
	Stream stream.ID
	Type   string
	Data   any // as its JSON has it, or else its bytes as text
}

func logged(r stream.Record) logEntry {
	e := logEntry{Stream: r.Stream, Type: r.Type}
	d := json.NewDecoder(bytes.NewReader(r.Data))
	d.UseNumber() // a float64 takes some whole numbers for one another
	if !json.Valid(r.Data) || d.Decode(&e.Data) != nil {
		e.Data = string(r.Data)
	}
	return e
}

// loggedOf are the events of happenings.
func loggedOf(happenings []Happening) (list []any, err error) {
	for _, h := range happenings {
		if h.err != nil {
			return nil, h.err
		}
		for _, r := range h.records {
			r.Stream = h.id
			list = append(list, logged(r))
		}
	}
	return list, nil
}

func (e logEntry) String() string {
	text, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Sprintf("%s %s %v", e.Stream, e.Type, e.Data)
	}
	return fmt.Sprintf("%s %s %s", e.Stream, e.Type, text)
}

// textOf is what a legend says of a value.
func textOf(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return value.Show(v)
}
