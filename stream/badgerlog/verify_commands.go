package badgerlog

import (
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// walkCommands adds up what the index of commands says. Those that are forgotten by
// now may be there or not, and are left out: by the clock, or by the log's last event
// if that is ahead of it, as a command of a time that has passed may have taken
// effect anew. Entries that the database forgets while this goes on are seen, as the
// walk has been given all that were there when it began.
func (v *verification) walkCommands() error {
	if err := v.section.fault.at("db.iterate"); err != nil {
		return storageError("verify the effects of commands", err)
	}
	it := v.section.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{commandPrefix}, AllVersions: true})
	defer it.Close()
	v.now = time.Now()
	last, err := v.lastTime()
	if err != nil {
		return err
	}
	if last.After(v.now) {
		v.now = last
	}
	var before []byte
	for it.Rewind(); it.Valid(); it.Next() {
		if err := v.log.mayWork(v.ctx); err != nil {
			return err
		}
		item := it.Item()
		if string(item.Key()) == string(before) {
			continue // an older version
		}
		before = item.KeyCopy(before)
		if item.IsDeletedOrExpired() && item.ExpiresAt() == 0 {
			continue // it was deleted
		}
		err := v.section.fault.at("db.value")
		if err == nil {
			err = item.Value(func(value []byte) error { return v.addCommand(item, value) })
		}
		if err != nil {
			v.found(0, 0, "effect of the command under key %x: %w", item.Key(), err)
		}
	}
	return nil
}

func (v *verification) addCommand(item *badger.Item, value []byte) error {
	key := item.Key()
	if len(key) < 18 {
		return errShort
	}
	e, err := decodeEffect(string(key[1:len(key)-17]), value)
	if err != nil {
		return err
	}
	if want := e.expiry(); item.ExpiresAt() != want {
		return fmt.Errorf("expected it to be forgotten at second %d (0: never), found %d", want, item.ExpiresAt())
	}
	if e.known(v.now) {
		v.commandsIn.add(v.hashEffect(key, &e))
	}
	return nil
}

// lastTime is the time of the log's last event; zero if there is none that can be
// read, which walkLog says.
func (v *verification) lastTime() (time.Time, error) {
	if err := v.section.fault.at("db.iterate"); err != nil {
		return time.Time{}, storageError("find the log's last event", err)
	}
	key := floorKey(v.section.txn, []byte{blockPrefix}, blockKey(1<<64-1))
	if key == nil {
		return time.Time{}, nil
	}
	value, err := v.section.get(key)
	if err != nil {
		return time.Time{}, err
	}
	at, err := lastTime(value)
	if err != nil {
		return time.Time{}, nil
	}
	return at, nil
}
