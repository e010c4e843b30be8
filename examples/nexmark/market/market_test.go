package market

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the digests anew")

// TestAnswersStayAsTheyAre: every query has answers, the same at each run, and the
// same as ever.
// Breaks when: an answer, or the order of answers, depends on which goroutine runs
// first; or the generator takes one more random number.
func TestAnswersStayAsTheyAre(t *testing.T) {
	events := Generate(50_000, time.Millisecond, 1)
	var got strings.Builder
	for _, q := range Queries() {
		rows, err := q.Rows(t.Context(), events)
		if err != nil || len(rows) == 0 {
			t.Fatalf("query %d: got %d answers, %v", q.Number, len(rows), err)
		}
		again, err := q.Rows(t.Context(), events)
		if diff := cmp.Diff(rows, again); diff != "" || err != nil {
			t.Errorf("query %d: the second run gives something else: %v\n%s", q.Number, err, diff)
		}
		n, err := q.Count(t.Context(), events)
		if n != len(rows) || err != nil {
			t.Errorf("query %d: counted %d, %v, want %d", q.Number, n, err, len(rows))
		}
		fmt.Fprintf(&got, "%d %6d %x\n", q.Number, len(rows), sha256.Sum256([]byte(strings.Join(rows, "\n"))))
	}
	const golden = "testdata/digests.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the answers are others than before (-want +got)\n%s", diff)
	}
}

// TestGenerator: what the queries rely on is so.
func TestGenerator(t *testing.T) {
	people, sold, n := map[int]bool{}, map[int]bool{}, 0
	last := Began
	for e, err := range Generate(5_000, time.Millisecond, 2).All(t.Context()) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.At.Before(last):
			t.Errorf("event %d is at %s, after one at %s", n, e.At, last)
		case e.Person != nil:
			people[e.Person.ID] = true
		case e.Auction != nil:
			sold[e.Auction.ID] = true
			if !people[e.Auction.Seller] || !e.Auction.Expires.After(e.At) {
				t.Errorf("event %d: auction %v is by nobody or over", n, *e.Auction)
			}
		case !sold[e.Bid.Auction] || !people[e.Bid.Bidder] || e.Bid.Price < 100:
			t.Errorf("event %d: bid %v is by nobody or for nothing", n, e.Bid)
		}
		last, n = e.At, n+1
	}
	if n != 5_000 || len(people) != 100 || len(sold) != 300 {
		t.Errorf("got %d events, %d people, %d auctions, want 5000, 100, 300", n, len(people), len(sold))
	}
}
