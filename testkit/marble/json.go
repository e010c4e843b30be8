package marble

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

// version is of the JSON form. It changes if a reader of the old form would
// misunderstand the new one.
const version = 1

// jsonTrace is the JSON form of a trace; times are in nanoseconds.
type jsonTrace struct {
	Version int        `json:"version"`
	Title   string     `json:"title,omitempty"`
	Tick    int64      `json:"tick"`
	Lanes   []jsonLane `json:"lanes"`
	Legend  []jsonName `json:"legend"`
}

type jsonLane struct {
	Name   string      `json:"name"`
	End    int64       `json:"end"`
	Points []jsonPoint `json:"points"`
}

type jsonPoint struct {
	At     int64   `json:"at"`
	Kind   string  `json:"kind"`
	Letter string  `json:"letter,omitempty"`
	Again  bool    `json:"again,omitempty"`
	Append int     `json:"append,omitempty"`
	Value  *string `json:"value,omitempty"`
	Note   string  `json:"note,omitempty"`
}

type jsonName struct {
	Letter string `json:"letter"`
	Text   string `json:"text"`
}

// shown is a value of which only the text is left.
type shown string

// show is the text of a point's value: an error's own, or the value in Go's
// syntax.
func show(v any) string {
	switch v := v.(type) {
	case shown:
		return string(v)
	case error:
		return errorText(v)
	}
	return value.Show(v)
}

// JSON is the trace as data, for programs that draw or inspect it:
//
//	{
//	  "version": 1,
//	  "title": "…",
//	  "tick": 1000000,
//	  "lanes": [{
//	    "name": "log",
//	    "end": 7000000,
//	    "points": [{
//	      "at": -2000000, "kind": "event", "letter": "a", "again": true,
//	      "append": 1, "value": "EmailSet{…}", "note": "position 1"
//	    }, {
//	      "at": 0, "kind": "subscribe"
//	    }]
//	  }],
//	  "legend": [{"letter": "a", "text": "…"}]
//	}
//
// Times are in nanoseconds since the first ^. A kind is one of event, subscribe,
// caught up, complete, failed, unsubscribe, checkpoint and crash. What is empty,
// false or 0 may be missing. A value is its text. Readers ignore fields that
// they do not know; the version changes only with the meaning of those above.
//
// It returns an error if the trace has a point of no known kind.
func (t Trace) JSON() ([]byte, error) {
	j := jsonTrace{Version: version, Title: t.Title, Tick: int64(t.Tick), Lanes: []jsonLane{}, Legend: []jsonName{}}
	for _, l := range t.Lanes {
		lane := jsonLane{Name: l.Name, End: int64(l.End), Points: []jsonPoint{}}
		for i, p := range l.ordered().Points {
			if p.Kind.name() == "" {
				return nil, fmt.Errorf("marble: trace as JSON: lane %q, point %d: no kind has the number %d", l.Name, i+1, p.Kind)
			}
			point := jsonPoint{At: int64(p.At), Kind: p.Kind.name(), Letter: p.Name, Again: p.Again, Append: p.Append, Note: p.Note}
			if p.Value != nil {
				text := show(p.Value)
				point.Value = &text
			}
			lane.Points = append(lane.Points, point)
		}
		j.Lanes = append(j.Lanes, lane)
	}
	for _, n := range t.Names {
		j.Legend = append(j.Legend, jsonName(n))
	}
	return json.MarshalIndent(j, "", "  ")
}

// ParseJSON is the inverse of [Trace.JSON], but that of values only the texts
// are left. It returns an error that says where the data is not a trace.
func ParseJSON(data []byte) (Trace, error) {
	var j jsonTrace
	if err := json.Unmarshal(data, &j); err != nil {
		return Trace{}, fmt.Errorf("marble: trace from JSON: %w", err)
	}
	if j.Version != version {
		return Trace{}, fmt.Errorf("marble: trace from JSON: it has version %d, expected %d", j.Version, version)
	}
	if err := span("tick", j.Tick); err != nil {
		return Trace{}, err
	}
	t := Trace{Title: j.Title, Tick: time.Duration(j.Tick)}
	for _, lane := range j.Lanes {
		l, err := lane.parse()
		if err != nil {
			return Trace{}, err
		}
		t.Lanes = append(t.Lanes, l)
	}
	for i, n := range j.Legend {
		if !isLetter(n.Letter) {
			return Trace{}, fmt.Errorf("marble: trace from JSON: legend, line %d: expected a letter, found %q", i+1, n.Letter)
		}
		t.Names = append(t.Names, Name(n))
	}
	return t, nil
}

func (j jsonLane) parse() (Lane, error) {
	l := Lane{Name: j.Name, End: time.Duration(j.End)}
	if err := span("end", j.End); err != nil {
		return Lane{}, fmt.Errorf("%w in lane %q", err, j.Name)
	}
	for i, p := range j.Points {
		point, problem := p.parse()
		if problem == "" && i > 0 && p.At < j.Points[i-1].At {
			problem = "it is earlier than the one before it"
		}
		if problem != "" {
			return Lane{}, fmt.Errorf("marble: trace from JSON: lane %q, point %d: %s", j.Name, i+1, problem)
		}
		l.Points = append(l.Points, point)
	}
	return l, nil
}

func (j jsonPoint) parse() (p Point, problem string) {
	kind := slices.Index(kindNames[:], j.Kind)
	switch {
	case kind <= 0:
		return p, fmt.Sprintf("there is no kind %q", j.Kind)
	case Kind(kind) == Event && !isLetter(j.Letter):
		return p, fmt.Sprintf("expected a letter, found %q", j.Letter)
	case Kind(kind) != Event && (j.Letter != "" || j.Again || j.Append != 0):
		return p, "only events have a letter, are delivered again or appended"
	case j.Append < 0:
		return p, fmt.Sprintf("there is no append %d", j.Append)
	}
	if err := span("at", j.At); err != nil {
		return p, err.Error()
	}
	p = Point{At: time.Duration(j.At), Kind: Kind(kind), Name: j.Letter, Again: j.Again, Append: j.Append, Note: j.Note}
	if j.Value != nil {
		p.Value = shown(*j.Value)
	}
	return p, ""
}

// span refuses times with which one can not calculate.
func span(of string, t int64) error {
	if t > int64(longestTime) || t < -int64(longestTime) {
		return fmt.Errorf("marble: trace from JSON: %s is %d ns, more than %v", of, t, longestTime)
	}
	return nil
}

func isLetter(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && n == len(s) && unicode.IsLetter(r)
}

var kindNames = [...]string{
	Event: "event", Subscribe: "subscribe", CaughtUp: "caught up", Complete: "complete",
	Failed: "failed", Unsubscribe: "unsubscribe", Checkpoint: "checkpoint", Crash: "crash",
}

// name is empty for a kind that there is not.
func (k Kind) name() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// String is the kind in words.
func (k Kind) String() string {
	if name := k.name(); name != "" {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
