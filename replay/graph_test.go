package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// happened is an event as a test of causation writes it: "orders/7 PLACED", by which
// command and cause.
type happened struct {
	id, command, cause byte
	stream, typ        string
}

func identity(n byte) (id stream.EventID) {
	if n > 0 {
		id[0], id[15] = n, n
	}
	return id
}

// tell appends what happened, each on its own.
func tell(t testing.TB, log stream.Store, story byte, list ...happened) {
	t.Helper()
	for _, h := range list {
		id, err := stream.ParseID(h.stream)
		if err != nil {
			t.Fatal(err)
		}
		depth := uint32(0)
		if h.cause > 0 {
			depth = 1
		}
		rec := stream.Record{Header: stream.Header{ID: identity(h.id), CausedBy: identity(h.cause), Correlation: identity(story), Type: h.typ, Schema: 1, Depth: depth}, Data: []byte(`{}`)}
		rec.Command = identity(h.command)
		if _, err := log.Append(context.Background(), id, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
	}
}

// theStory is a story whose commands reach several streams, told in an order that is
// not that of streams; and events of another story among its own.
func theStory(t testing.TB) *memlog.Log {
	log := memlog.New()
	t.Cleanup(func() { _ = log.Close() })
	tell(t, log, 200, happened{1, 101, 0, "orders/7", "PLACED"})
	tell(t, log, 201, happened{50, 150, 0, "orders/8", "PLACED"})
	tell(t, log, 200,
		happened{2, 102, 1, "stock/pen", "RESERVED"},
		happened{3, 103, 1, "payments/7", "TAKEN"},
		happened{4, 104, 3, `mail/"ann" <a@b>`, "SENT"})
	tell(t, log, 201, happened{51, 151, 50, "stock/pen", "RESERVED"})
	tell(t, log, 200, happened{5, 105, 3, "orders/7", "PAID"}, happened{6, 106, 5, "orders/7", "CLOSED"})
	return log
}

func trace(t testing.TB, log stream.Log, id byte) *replay.Graph {
	t.Helper()
	g, err := replay.Trace(context.Background(), log, identity(id))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const wholeTree = `orders/7 1 PLACED
├─ payments/7 1 TAKEN
│  ├─ mail/"ann" <a@b> 1 SENT
│  └─ orders/7 2 PAID
│     └─ orders/7 3 CLOSED
└─ stock/pen 1 RESERVED
`

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTraceTellsTheWholeStoryFromAnyOfItsEvents(t *testing.T) {
	log := theStory(t)
	for _, from := range []byte{1, 2, 3, 4, 5, 6} {
		wantText(t, fmt.Sprintf("from event %d", from), trace(t, log, from).Tree(), wholeTree)
	}
	g := trace(t, log, 5)
	wantText(t, "back", g.Back(identity(5)).Tree(), "orders/7 1 PLACED\n└─ payments/7 1 TAKEN\n   └─ orders/7 2 PAID\n")
	wantText(t, "forward", g.Forward(identity(5)).Tree(), "orders/7 2 PAID (its cause is not here)\n└─ orders/7 3 CLOSED\n")
	if n := len(g.Back(identity(99)).Events()) + len(g.Forward(identity(99)).Events()); n != 0 {
		t.Errorf("of an event that is not there came %d", n)
	}
	var order []string
	for _, e := range g.Events() {
		order = append(order, e.Type)
	}
	wantList(t, order, "PLACED", "TAKEN", "SENT", "PAID", "CLOSED", "RESERVED")
}

func TestTraceForms(t *testing.T) {
	log := theStory(t)
	tell(t, log, 200, happened{7, 106, 5, "stock/pen", "TAKEN_OUT"}) // of the command that closed the order
	g := trace(t, log, 1).Forward(identity(3))
	wantText(t, "tree", g.Tree(), `payments/7 1 TAKEN (its cause is not here)
├─ mail/"ann" <a@b> 1 SENT
└─ orders/7 2 PAID
   └─ together
      ├─ orders/7 3 CLOSED
      └─ stock/pen 3 TAKEN_OUT
`)
	wantText(t, "DOT", g.DOT(), `digraph story {
  rankdir=LR; node [shape=box];
  e0 [label="payments/7 1 TAKEN (its cause is not here)"];
  e1 [label="mail/\"ann\" <a@b> 1 SENT"];
  e2 [label="orders/7 2 PAID"];
  subgraph cluster_4 {
    e3 [label="orders/7 3 CLOSED"];
    e4 [label="stock/pen 3 TAKEN_OUT"];
  }
  e0 -> e1;
  e0 -> e2;
  e2 -> e3;
  e2 -> e4;
}
`)
	wantText(t, "Mermaid", g.Mermaid(), `flowchart LR
  e0["payments/7 1 TAKEN (its cause is not here)"]
  e1["mail/#quot;ann#quot; #lt;a@b#gt; 1 SENT"]
  e2["orders/7 2 PAID"]
  subgraph c4 [together]
    e3["orders/7 3 CLOSED"]
    e4["stock/pen 3 TAKEN_OUT"]
  end
  e0 --> e1
  e0 --> e2
  e2 --> e3
  e2 --> e4
`)
	data, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "JSON", string(data), `{"events":[`+
		`{"stream":"payments/7","version":1,"type":"TAKEN","command":1,"lost":true},`+
		`{"stream":"mail/\"ann\" \u003ca@b\u003e","version":1,"type":"SENT","command":2,"cause":0},`+
		`{"stream":"orders/7","version":2,"type":"PAID","command":3,"cause":0},`+
		`{"stream":"orders/7","version":3,"type":"CLOSED","command":4,"cause":2},`+
		`{"stream":"stock/pen","version":3,"type":"TAKEN_OUT","command":4,"cause":2}]}`)
}

// Breaks when: uncircle is left out, so that what is in a circle is in no graph.
func TestTraceOfWhatCanNotBe(t *testing.T) {
	t.Run("events that each led to the other are all shown", func(t *testing.T) {
		log := memlog.New()
		defer func() { _ = log.Close() }()
		tell(t, log, 200, happened{1, 101, 2, "a/1", "A"}, happened{2, 102, 1, "b/1", "B"}, happened{3, 103, 3, "c/1", "C"}, happened{4, 104, 2, "d/1", "D"})
		wantText(t, "tree", trace(t, log, 2).Tree(), `a/1 1 A (its cause is not here)
└─ b/1 1 B
   └─ d/1 1 D
c/1 1 C (its cause is not here)
`)
	})
	t.Run("an event that is not there is an error", func(t *testing.T) {
		for _, id := range []byte{0, 99} {
			_, err := replay.Trace(t.Context(), theStory(t), identity(id))
			var invalid *stream.InvalidError
			if !errors.As(err, &invalid) {
				t.Errorf("got %v, want an *InvalidError", err)
			}
		}
	})
	t.Run("an event without a story is shown with what came of it", func(t *testing.T) {
		log := memlog.New()
		defer func() { _ = log.Close() }()
		tell(t, log, 0, happened{1, 0, 0, "a/1", "A"}, happened{2, 0, 1, "b/1", "B"}, happened{9, 0, 0, "a/2", "A"})
		wantText(t, "tree", trace(t, log, 1).Tree(), "a/1 1 A\n└─ b/1 1 B\n")
	})
	t.Run("what was caused by a part of a retired event was caused by that event", func(t *testing.T) {
		log := memlog.New()
		defer func() { _ = log.Close() }()
		tell(t, log, 200, happened{1, 101, 0, "a/1", "OLD"})
		rec := stream.Record{Header: stream.Header{ID: identity(2), Command: identity(102), CausedBy: stream.DeriveID(identity(1), "OLD", 3), Correlation: identity(200), Type: "B"}, Data: []byte(`{}`)}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "b", Key: "1"}, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
		wantText(t, "tree", trace(t, log, 1).Tree(), "a/1 1 OLD\n└─ b/1 1 B\n")
	})
	t.Run("a chain of any length is drawn so wide and no wider", func(t *testing.T) {
		log := memlog.New()
		defer func() { _ = log.Close() }()
		for i := range byte(150) {
			tell(t, log, 200, happened{i + 1, i + 1, i, "a/1", "A"})
		}
		g := trace(t, log, 1)
		lines := strings.Split(strings.TrimSpace(g.Tree()), "\n")
		if last := lines[len(lines)-1]; len(lines) != 102 || !strings.HasSuffix(last, "└─ … and 49 more") || len(g.Events()) != 150 {
			t.Errorf("got %d lines, the last %q", len(lines), last)
		}
	})
}

func TestTraceBeginsWhereTheLogDoes(t *testing.T) {
	log := theStory(t)
	if _, err := log.Truncate(t.Context(), stream.At(1)); err != nil {
		t.Fatal(err)
	}
	wantText(t, "tree", trace(t, log, 6).Tree(), `payments/7 1 TAKEN (its cause is not here)
├─ mail/"ann" <a@b> 1 SENT
└─ orders/7 2 PAID
   └─ orders/7 3 CLOSED
stock/pen 1 RESERVED (its cause is not here)
`)
}

func TestFlowsCountByTypeAndHop(t *testing.T) {
	log := theStory(t)
	flows, err := replay.Flows(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	// The test's events are all one or no event deep, whatever led to them.
	wantText(t, "flows", flows.String(), `outside -> orders/PLACED@0 2
orders/PLACED@0 -> payments/TAKEN@1 1
orders/PLACED@0 -> stock/RESERVED@1 2
orders/PAID@1 -> orders/CLOSED@2 1
payments/TAKEN@1 -> mail/SENT@2 1
payments/TAKEN@1 -> orders/PAID@2 1
`)
	wantText(t, "Mermaid", flows[:2].Mermaid(), "sankey-beta\n\noutside,orders/PLACED@0,2\norders/PLACED@0,payments/TAKEN@1,1\n")
	wantText(t, "DOT", flows[:2].DOT(), `digraph flows {
  rankdir=LR; node [shape=box];
  "outside" -> "orders/PLACED@0" [label=2, penwidth=10.0];
  "orders/PLACED@0" -> "payments/TAKEN@1" [label=1, penwidth=5.5];
}
`)
	data, err := json.Marshal(flows[:1])
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "JSON", string(data), `[{"from":"outside","to":"orders/PLACED@0","count":2}]`)
	for _, f := range flows { // or the diagram could not be drawn
		if f.From.Hop >= f.To.Hop && f.From != (replay.FlowKind{}) {
			t.Errorf("%s flows back to %s", f.From, f.To)
		}
	}
	if !slices.IsSortedFunc(flows, func(a, b replay.Flow) int { return int(a.From.Hop) - int(b.From.Hop) }) {
		t.Error("not by hop")
	}
}
