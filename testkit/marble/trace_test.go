package marble_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/thaw-go/thaw/testkit/marble"
)

// sources is the first page of the lessons.
func sources(t testing.TB) marble.Trace {
	trace := marble.Trace{Title: "The three sources", Tick: ms, Names: []marble.Name{
		{Letter: "a", Text: `EMAIL_SET {"Email":"ann@old"}`},
		{Letter: "b", Text: `EMAIL_SET {"Email":"ann@new"}`},
	}}
	for _, l := range [][2]string{
		{"log", "ab ^    - c - [de] - |"},
		{"cold", "        (ab|)"},
		{"cold+hot", "    (ab~)- c - [de] - |"},
		{"hot", "         -    - c - [de] - |"},
	} {
		trace.Lanes = append(trace.Lanes, named(l[0], parse(t, l[1])))
	}
	trace.Lanes[0].Points[0].Note = "position 1"
	return trace
}

func TestTraceAsText(t *testing.T) {
	sameText(t, sources(t).Text(), `
The three sources
  log       a b ^     - c - [de] - |
  cold          (ab|)
  cold+hot      (ab~) - c - [de] - |
  hot           -     - c - [de] - |

  a  EMAIL_SET {"Email":"ann@old"}
  b  EMAIL_SET {"Email":"ann@new"}
`)
}

func TestLongStretchesOfNothingAreJumps(t *testing.T) {
	sameText(t, marble.Trace{Lanes: []marble.Lane{
		named("log", parse(t, "^a 10s b")),
		named("out", parse(t, "-a 1h c|")),
		named("off", parse(t, "-!4s")),
	}}.Text(), `
  log  ^ a 4s 6s b
  out  - a 4s 6s - 59m49s999ms c |
  off  - ! 4s
`)
}

// Breaks when: a field is left out.
func TestJSONIsTheSameTrace(t *testing.T) {
	trace := sources(t)
	trace.Lanes = append(trace.Lanes, named("sub", parse(t, "^a'[bc]*%^!")), marble.Lane{Name: "nothing"})
	trace.Lanes[1].Points[0].Value = sent{"ann", 1}
	trace.Lanes[2].Points = append(trace.Lanes[2].Points, marble.Point{At: time.Second, Kind: marble.Failed, Value: errBroken})
	data, err := trace.JSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := marble.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.JSON()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("read and written again, it is\n%s\ninstead of\n%s\nand the error %v", again, data, err)
	}
	if back.Text() != trace.Text() {
		t.Errorf("its text is\n%s\ninstead of\n%s", back.Text(), trace.Text())
	}
	for i := range trace.Lanes {
		for j := range trace.Lanes[i].Points {
			trace.Lanes[i].Points[j].Value, back.Lanes[i].Points[j].Value = nil, nil
		}
	}
	if !reflect.DeepEqual(back, trace) {
		t.Errorf("got %+v\nwant %+v", back, trace)
	}
}

// The form is a promise to the programs that read it: this file is not changed.
func TestJSONFormat(t *testing.T) {
	trace := marble.Trace{Title: "t", Tick: ms, Names: []marble.Name{{Letter: "a", Text: "A"}}, Lanes: []marble.Lane{
		named("log", parse(t, "a'^#")),
	}}
	trace.Lanes[0].Points[0].Note = "position 1"
	trace.Lanes[0].Points[2].Value = errBroken
	data, err := trace.JSON()
	if err != nil {
		t.Fatal(err)
	}
	sameText(t, string(data), `
{
  "version": 1,
  "title": "t",
  "tick": 1000000,
  "lanes": [
    {
      "name": "log",
      "end": 2000000,
      "points": [
        {
          "at": -1000000,
          "kind": "event",
          "letter": "a",
          "again": true,
          "note": "position 1"
        },
        {
          "at": 0,
          "kind": "subscribe"
        },
        {
          "at": 1000000,
          "kind": "failed",
          "value": "broken pipe"
        }
      ]
    }
  ],
  "legend": [
    {
      "letter": "a",
      "text": "A"
    }
  ]
}`)
}

func TestWhatIsNoTraceIsRefused(t *testing.T) {
	for data, problem := range map[string]string{
		`[]`:            "cannot unmarshal",
		`{}`:            "version 0, expected 1",
		`{"version":2}`: "version 2, expected 1",
		`{"version":1,"lanes":[{"name":"log","points":[{"kind":"happy"}]}]}`:                                `lane "log", point 1: there is no kind "happy"`,
		`{"version":1,"lanes":[{"points":[{"kind":""}]}]}`:                                                  `there is no kind ""`,
		`{"version":1,"lanes":[{"points":[{"kind":"event"}]}]}`:                                             `expected a letter, found ""`,
		`{"version":1,"lanes":[{"points":[{"kind":"event","letter":"ab"}]}]}`:                               `expected a letter, found "ab"`,
		`{"version":1,"lanes":[{"points":[{"kind":"crash","letter":"a"}]}]}`:                                "only events",
		`{"version":1,"lanes":[{"points":[{"kind":"event","letter":"a","append":-1}]}]}`:                    "no append -1",
		`{"version":1,"lanes":[{"points":[{"kind":"event","letter":"a","at":9223372036854775807}]}]}`:       "more than",
		`{"version":1,"lanes":[{"points":[{"kind":"event","letter":"a","at":2},{"kind":"crash","at":1}]}]}`: "point 2: it is earlier",
		`{"version":1,"lanes":[{"end":-9223372036854775808}]}`:                                              "more than",
		`{"version":1,"tick":9223372036854775807}`:                                                          "more than",
		`{"version":1,"legend":[{"letter":""}]}`:                                                            "line 1: expected a letter",
		`{"version":1} {}`:                                                                                  "after top-level value",
	} {
		if _, err := marble.ParseJSON([]byte(data)); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s\ngot the error %v, want one with %q", data, err, problem)
		}
	}
	if _, err := (marble.Trace{Lanes: []marble.Lane{{Points: []marble.Point{{}}}}}).JSON(); err == nil {
		t.Error("a point of no kind is written")
	}
}

func FuzzParseJSON(f *testing.F) {
	data, err := sources(f).JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"tick":-5,"lanes":[{"end":-3,"points":[{"kind":"event","letter":"a","at":-7,"again":true,"append":4,"value":""}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		trace, err := marble.ParseJSON(data)
		if err != nil {
			return
		}
		written, err := trace.JSON()
		if err != nil {
			t.Fatalf("it was read and can not be written: %v", err)
		}
		back, err := marble.ParseJSON(written)
		if err != nil || !reflect.DeepEqual(back, trace) {
			t.Fatalf("got %+v, %v\nwant %+v", back, err, trace)
		}
		trace.Text()
		trace.Mermaid()
		wellFormed(t, trace.SVG())
	})
}

// wellFormed fails unless data is XML; it returns its text.
func wellFormed(t testing.TB, data []byte) string {
	t.Helper()
	var text strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v\n%s", err, data)
		}
		if chars, ok := token.(xml.CharData); ok {
			text.Write(chars)
		}
	}
}

// Breaks when: a text is not escaped; something is drawn in the order of a map.
func TestPicture(t *testing.T) {
	trace := sources(t)
	trace.Title = `<script>"a" & 'b'` + "\x00\xff\n"
	trace.Names[0].Text = "</svg>"
	trace.Lanes = append(trace.Lanes, named("<sub>", parse(t, "^a'b[cd] 5s *%^!-^#")))
	picture := trace.SVG()
	text := wellFormed(t, picture)
	for _, part := range []string{`<script>"a" & 'b'`, "</svg>", "<sub>", "a (position 1) at -2ms: </svg>", "crash at +5s5ms", "prefers-color-scheme"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in the picture", part)
		}
	}
	for range 10 {
		if !bytes.Equal(trace.SVG(), picture) {
			t.Fatal("the same trace makes another picture")
		}
	}
	for _, class := range []string{"marble", "marble again", "atomic", "caught", "cut", "bad", "stored", "start", "gone", "history"} {
		if !bytes.Contains(picture, []byte(`class="`+class+`"`)) {
			t.Errorf("nothing in the picture has the class %s", class)
		}
	}
	if empty := (marble.Trace{}).SVG(); wellFormed(t, empty) == "" {
		t.Error("the picture of an empty trace is empty")
	}
}

// What comes at one instant begins at the line of its time, and where nobody has
// subscribed yet there are only dots.
//
// Breaks when: place centres an instant on its column, or line begins with a line.
func TestPictureOfWhatBeginsLater(t *testing.T) {
	late := marble.Lane{Points: []marble.Point{{At: time.Millisecond, Kind: marble.Subscribe}}}
	picture := string(marble.Trace{Lanes: []marble.Lane{parse(t, "(ab) - c"), late, parse(t, "^ a")}}.SVG())
	for _, part := range []string{
		`<path class="grid" d="M53 24V170"/>`, `<circle class="marble" cx="53" cy="45" r="13"/>`, `<circle class="marble" cx="86" cy="45" r="13"/>`,
		`<path class="gone" d="M36 95H127"/>`, `<path class="line" d="M36 145H53"/>`,
	} {
		if !strings.Contains(picture, part) {
			t.Errorf("%s is not in\n%s", part, picture)
		}
	}
}

func TestPictureOfManyAtOnce(t *testing.T) {
	picture := marble.Trace{Lanes: []marble.Lane{parse(t, "("+strings.Repeat("a", 5000)+")")}}.SVG()
	if text := wellFormed(t, picture); !strings.Contains(text, "+4976") || len(picture) > 20_000 {
		t.Errorf("5000 events at once are drawn in %d bytes", len(picture))
	}
}

func TestMermaid(t *testing.T) {
	trace := marble.Trace{Title: "At least; once", Lanes: []marble.Lane{
		named("log", parse(t, "^[ab]")), named("out #1", parse(t, "-(a~)b'#")),
	}}
	sameText(t, trace.Mermaid(), `
sequenceDiagram
    title At least#59; once
    participant L1 as log
    participant L2 as out #35;1
    Note over L1: +0s ^ subscribe
    Note over L1: +1ms [ab]
    L1->>L2: +1ms a
    Note over L2: +1ms ~ caught up
    L1-->>L2: +2ms b'
    Note over L2: +3ms #35; failed
`)
}

// Breaks when: letters are counted by value only if it is comparable.
func TestNames(t *testing.T) {
	var n marble.Names
	for i, c := range []struct {
		value any
		want  string
	}{
		{sent{"ann", 1}, "a"},
		{sent{"bob", 1}, "b"},
		{sent{"ann", 1}, "a"},
		{&sent{"ann", 1}, "c"},
		{[]int{1}, "d"},
		{[]int{1}, "d"},
		{math.NaN(), "e"},
		{math.NaN(), "e"},
		{errBroken, "f"},
		{errors.New("broken pipe"), "f"},
		{nil, "g"},
		{nil, "g"},
		{func() {}, "h"},
		{func() {}, "i"},
	} {
		if got := n.Of(c.value, "text of "+c.want); got != c.want {
			t.Errorf("value %d has the letter %s, want %s", i+1, got, c.want)
		}
	}
	legend := n.Legend()
	if len(legend) != 9 || legend[1] != (marble.Name{Letter: "b", Text: "text of b"}) {
		t.Errorf("got the legend %v", legend)
	}
}

func TestNamesGivenByHandAreNotGivenAgain(t *testing.T) {
	var n marble.Names
	n.Set("a", 1, "one")
	n.Set("c", 3, "three")
	if got := n.Of(1, "") + n.Of(2, "") + n.Of(3, "") + n.Of(4, ""); got != "abcd" {
		t.Errorf("got %s, want abcd", got)
	}
}

func TestManyNamesAreDifferentLetters(t *testing.T) {
	var n marble.Names
	seen := map[string]bool{}
	for i := range 20_000 {
		letter := n.Of(i, "")
		runes := []rune(letter)
		if seen[letter] || len(runes) != 1 || !unicode.IsLetter(runes[0]) {
			t.Fatalf("value %d has the letter %q", i, letter)
		}
		seen[letter] = true
	}
	r := rand.IntN(20_000)
	if a, b := n.Of(r, ""), n.Of(r, ""); a != b {
		t.Errorf("one value has the letters %s and %s", a, b)
	}
}
