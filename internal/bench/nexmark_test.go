package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/examples/nexmark/market"
)

// bestBids is what each auction was sold for.
const bestBids = `SELECT a.id, a.seller, a.category, a.expires, max(b.price) AS price
	FROM auction a JOIN bid b ON b.auction = a.id AND b.at BETWEEN a.at AND a.expires GROUP BY a.id`

// nexmarkSQL is the queries in SQL. Times are milliseconds.
var nexmarkSQL = map[int]string{
	1: `SELECT auction, bidder, price * 908 / 1000 FROM bid`,
	2: `SELECT auction, price FROM bid WHERE auction % 123 = 0`,
	3: `SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id
		WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`,
	4: `SELECT category, sum(price) / count(*) FROM (` + bestBids + `) GROUP BY category`,
	5: `WITH hop(n) AS (VALUES (0), (1), (2), (3), (4)),
		counts AS (SELECT (b.at / 2000 - hop.n) * 2000 AS opened, b.auction, count(*) AS n
			FROM bid b, hop GROUP BY opened, b.auction)
		SELECT opened, auction, n FROM (SELECT *, max(n) OVER (PARTITION BY opened) AS most FROM counts) WHERE n = most`,
	6: `SELECT seller, sum(price) / count(*) FROM
		(SELECT *, row_number() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) AS place FROM (` + bestBids + `))
		WHERE place <= 10 GROUP BY seller`,
	7: `SELECT opened, auction, bidder, price FROM
		(SELECT at / 10000 * 10000 AS opened, *, max(price) OVER (PARTITION BY at / 10000) AS most FROM bid) WHERE price = most`,
	8: `SELECT p.at / 10000 * 10000, p.id, p.name, count(*) FROM person p
		JOIN auction a ON a.seller = p.id AND a.at / 10000 = p.at / 10000 GROUP BY p.id`,
}

// TestNexmarkAnswersWhatSQLDoes runs the queries over events, and as SQL over the
// same events in SQLite.
// Breaks when: a window includes its end, a join loses what was there first, or ties
// are dropped.
func TestNexmarkAnswersWhatSQLDoes(t *testing.T) {
	events := market.Generate(60_000, time.Millisecond, 7)
	db := nexmarkTables(t, events)
	for _, q := range market.Queries() {
		t.Run(fmt.Sprint(q.Number, " ", q.Name), func(t *testing.T) {
			if q.Number == 0 {
				n, err := q.Count(t.Context(), events)
				var want int
				row := db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM person) + (SELECT count(*) FROM auction) + (SELECT count(*) FROM bid)`)
				if scan := row.Scan(&want); scan != nil || err != nil || n != want {
					t.Errorf("got %d events, %v, want %d, %v", n, err, want, scan)
				}
				return
			}
			got, err := q.Rows(t.Context(), events)
			if err != nil {
				t.Fatal(err)
			}
			want := nexmarkRows(t, db, nexmarkSQL[q.Number])
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("%d answers, SQL has %d (-want +got)\n%s", len(got), len(want), diff)
			}
		})
	}
}

// nexmarkTables puts events into tables.
func nexmarkTables(t *testing.T, events market.Events) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	for _, table := range []string{
		`CREATE TABLE person (at INTEGER, id INTEGER PRIMARY KEY, name TEXT, city TEXT, state TEXT)`,
		`CREATE TABLE auction (at INTEGER, id INTEGER PRIMARY KEY, seller INTEGER, category INTEGER, expires INTEGER)`,
		`CREATE TABLE bid (at INTEGER, auction INTEGER, bidder INTEGER, price INTEGER)`,
		`CREATE INDEX bids ON bid (auction)`,
	} {
		if _, err := db.ExecContext(ctx, table); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range events.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if err := nexmarkInsert(ctx, tx, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return db
}

func nexmarkInsert(ctx context.Context, tx *sql.Tx, e market.Event) (err error) {
	at := e.At.UnixMilli()
	switch p, a, b := e.Person, e.Auction, e.Bid; {
	case p != nil:
		_, err = tx.ExecContext(ctx, `INSERT INTO person VALUES (?, ?, ?, ?, ?)`, at, p.ID, p.Name, p.City, p.State)
	case a != nil:
		// A fraction of a millisecond lets in no further bid: they come at whole ones.
		_, err = tx.ExecContext(ctx, `INSERT INTO auction VALUES (?, ?, ?, ?, ?)`, at, a.ID, a.Seller, a.Category, a.Expires.UnixMilli())
	default:
		_, err = tx.ExecContext(ctx, `INSERT INTO bid VALUES (?, ?, ?, ?)`, at, b.Auction, b.Bidder, b.Price)
	}
	return err
}

// nexmarkRows is a query's rows as the answers' text has them.
func nexmarkRows(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintln(values...) // with spaces between all values
		list = append(list, "{"+text[:len(text)-1]+"}")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
