package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteStore is SQLite, a row per event. These settings are its best: sqlite.org
// has WAL as the journal with the fewest syncs, one for each commit; FULL is the
// least with which a commit in it survives loss of power, and NORMAL never syncs
// on commit. It has one writer at a time, so one connection spares waiting for
// locks, and callers who come together share a transaction. Checkpoints are rarer
// than by default (1000 pages), and the cache is larger than the 2 MB it has.
type sqliteStore struct {
	db     *sql.DB
	insert *sql.Stmt
	events *pool
}

func openSQLite(dir string, l load, events *pool) (store, error) {
	mode := "NORMAL"
	if l.durable {
		mode = "FULL"
	}
	pragmas := url.Values{"_pragma": {
		"journal_mode(WAL)", "synchronous(" + mode + ")", "cache_size(-65536)", "wal_autocheckpoint(10000)",
	}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "events.db")+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	db.SetMaxOpenConns(1)
	s := &sqliteStore{db: db, events: events}
	if _, err = db.Exec("CREATE TABLE events(position INTEGER PRIMARY KEY, event BLOB NOT NULL)"); err == nil {
		s.insert, err = db.Prepare("INSERT INTO events(position, event) VALUES(?, ?)")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite: %w", err), db.Close())
	}
	if l.callers > 1 {
		return newGrouped(s), nil
	}
	return s, nil
}

func (s *sqliteStore) put(first, n int) error {
	if n == 1 {
		_, err := s.insert.Exec(first, s.events.frame(first))
		return err
	}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = first + i
	}
	return s.putEach(numbers)
}

func (s *sqliteStore) putEach(numbers []int) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	insert := tx.Stmt(s.insert)
	for _, i := range numbers {
		if _, err := insert.Exec(i, s.events.frame(i)); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (s *sqliteStore) close() error { return closeAll(s.insert.Close, s.db.Close) }
