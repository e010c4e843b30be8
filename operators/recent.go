package operators

import (
	"context"
	"slices"
)

// recent keeps something for each of so many keys, and knows which was used
// longest ago. The cells lie in one slice and name one another by index: nothing
// is allocated for a key but its share of the slice and of the map.
type recent[Key comparable, S any] struct {
	most           int
	index          map[Key]int32
	cells          []recentCell[Key, S]
	newest, oldest int32 // by use; none if there are no cells
	births         uint64
}

type recentCell[Key comparable, S any] struct {
	key          Key
	state        S
	newer, older int32
	born         uint64 // its place among all keys, by first appearance
}

const none int32 = -1

func newRecent[Key comparable, S any](most int) *recent[Key, S] {
	return &recent[Key, S]{most: min(most, 1<<31-1), index: map[Key]int32{}, newest: none, oldest: none}
}

// use finds a key and makes it the one that was used last.
func (r *recent[Key, S]) use(key Key) (at int32, ok bool) {
	at, ok = r.index[key]
	if ok && at != r.newest {
		r.unlink(at)
		r.link(at)
	}
	return at, ok
}

// add adds a key that is not there. When full it takes the oldest one's place, and
// returns that.
func (r *recent[Key, S]) add(key Key, state S) (at int32, old Keyed[Key, S], full bool) {
	r.births++
	cell := recentCell[Key, S]{key: key, state: state, born: r.births}
	if full = len(r.cells) == r.most; full {
		at = r.oldest
		old = Keyed[Key, S]{r.cells[at].key, r.cells[at].state}
		delete(r.index, old.Key)
		r.unlink(at)
		r.cells[at] = cell
	} else {
		at = int32(len(r.cells))
		r.cells = append(r.cells, cell)
	}
	r.index[key] = at
	r.link(at)
	return at, old, full
}

func (r *recent[Key, S]) link(at int32) {
	c := &r.cells[at]
	c.newer, c.older = none, r.newest
	if r.newest == none {
		r.oldest = at
	} else {
		r.cells[r.newest].newer = at
	}
	r.newest = at
}

func (r *recent[Key, S]) unlink(at int32) {
	c := &r.cells[at]
	if c.newer == none {
		r.newest = c.older
	} else {
		r.cells[c.newer].older = c.older
	}
	if c.older == none {
		r.oldest = c.newer
	} else {
		r.cells[c.older].newer = c.newer
	}
}

// inOrder emits what there is in the order of the keys' first appearance.
func (r *recent[Key, S]) inOrder(ctx context.Context, emit func(Keyed[Key, S]) error) error {
	slices.SortFunc(r.cells, func(a, b recentCell[Key, S]) int { return int(int64(a.born) - int64(b.born)) })
	for i := range r.cells {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := emit(Keyed[Key, S]{r.cells[i].key, r.cells[i].state}); err != nil {
			return err
		}
	}
	return nil
}
