package lessons

import (
	"context"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/golden"
	"github.com/thaw-go/thaw/testkit/marble"
)

// day is how long a tick of the diagrams is.
const day = 24 * time.Hour

// letters are the lines of the notebook, as the diagrams call them.
var letters = testkit.Values[*stream.Event[Event]]{
	"a": Books.Event("dune", Lent{To: "Tim"}),
	"b": Books.Event("momo", Lent{To: "Mia"}),
	"c": Books.Event("dune", Returned{}),
	"d": Books.Event("dune", Lent{To: "Mia"}),
	"e": Books.Event("momo", Returned{}),
	"f": Books.Event("momo", Lent{To: "Tim"}),
	"r": Books.Event("dune", Reserved{By: "Mia"}),
	"s": Books.Event("momo", Reserved{By: "Tim"}),
	"h": Books.Event("dune", Held{For: "Mia"}),
	"i": Books.Event("momo", Held{For: "Tim"}),
	"j": Books.Event("emma", Held{For: "Mia"}),
}

// draw plays a diagram and keeps the picture of what happened in testdata.
func draw(t *testing.T, name, title string, diagram func(b *testkit.Board)) {
	t.Helper()
	trace := play(t, diagram)
	trace.Title = title
	golden.Check(t, name, trace)
}

// play plays a diagram, in which a tick is a day, and fails the test unless what
// happens is what the diagram says. It is always played in memory: a log on disk
// looks after itself many times a second, for all those days.
func play(t *testing.T, diagram func(b *testkit.Board)) marble.Trace {
	t.Helper()
	return testkit.Marbles(t, func(b *testkit.Board) {
		b.On(testkit.InMemory)
		b.Tick(day)
		diagram(b)
	})
}

// happened is what happened to a book, for the specifications.
func happened(book string, events ...Event) testkit.Happening {
	return testkit.Happened(Books, book, events...)
}

// write writes lines about one book into the notebook.
func write(t *testing.T, log stream.Store, book string, events ...Event) {
	t.Helper()
	var records []stream.Record
	for _, e := range events {
		record, err := Books.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	if _, err := log.Append(t.Context(), stream.ID{Topic: Books.Name(), Key: book}, stream.AnyVersion, records...); err != nil {
		t.Fatal(err)
	}
}

// runner is a saga or an adapter that can be run.
type runner interface {
	Run(context.Context) error
	Online(context.Context) error
	WaitFor(context.Context, stream.Cursor) error
}

// during lets a saga or an adapter work while something happens, and until it has
// done all that follows from that. Then it is stopped.
func during(t *testing.T, log stream.Log, r runner, happen func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	defer func() { stop(); <-ended }()
	if err := r.Online(ctx); err != nil {
		t.Fatal(err)
	}
	happen()
	head, err := log.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitFor(ctx, head); err != nil {
		t.Fatal(err)
	}
}
