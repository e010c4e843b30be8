package operators

import (
	"cmp"
	"slices"
)

// aligned is one run of [Window]. The windows of one span of time are one pane,
// whatever their keys, as they open and close together.
type aligned[T, S any, Key comparable] struct {
	timeline[T, Key]
	size, every int64
	most        int
	seed        S
	f           func(S, T) S
	emit        func(Windowed[Key, S]) error

	panes []*pane[Key, S] // by time
	last  *pane[Key, S]   // the one that was looked for last
	spare *pane[Key, S]   // an empty one
	held  int             // cells in all panes
	next  int64           // the watermark at which something is to be done
}

// pane is the windows of all keys in one span of time.
type pane[Key comparable, S any] struct {
	start, end int64
	fired      bool
	index      map[Key]int32
	cells      []paneCell[Key, S] // in the order in which the keys came
}

type paneCell[Key comparable, S any] struct {
	key   Key
	state S
	count int
}

func (w *aligned[T, S, Key]) take(item T) error {
	key, at, err := w.read(item)
	if err != nil {
		return err
	}
	if mark := at - w.disorder; mark > w.watermark {
		if err := w.advance(mark); err != nil {
			return err
		}
	}
	newest := at - mod(at, w.every)
	taken := false
	for start := newest - (w.size-1-(at-newest))/w.every*w.every; start <= newest; start += w.every {
		if w.over(start + w.size) {
			continue
		}
		took, err := w.add(start, key, item)
		if err != nil {
			return err
		}
		taken = taken || took
	}
	if !taken {
		return w.tooLate(item, at)
	}
	return nil
}

// mod is the remainder that is not negative.
func mod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

// add folds an item into one window of its key, if there is still one. In a window
// that has fired, it fires again.
func (w *aligned[T, S, Key]) add(start int64, key Key, item T) (took bool, err error) {
	p, c := w.find(start, key)
	if c == nil {
		if w.held >= w.most {
			if err := w.makeRoom(); err != nil {
				return false, err
			}
			if w.over(start + w.size) { // its own had to go
				return false, nil
			}
		}
		p = w.pane(start)
		p.index[key] = int32(len(p.cells))
		p.cells = append(p.cells, paneCell[Key, S]{key: key, state: w.seed})
		c = &p.cells[len(p.cells)-1]
		w.held++
	}
	w.in = true
	c.state = w.f(c.state, item)
	w.in = false
	c.count++
	if !p.fired {
		return true, nil
	}
	return true, w.emit(w.result(p, c, Late))
}

// find finds the window of a key.
func (w *aligned[T, S, Key]) find(start int64, key Key) (*pane[Key, S], *paneCell[Key, S]) {
	if w.last == nil || w.last.start != start {
		i, found := w.search(start)
		if !found {
			return nil, nil
		}
		w.last = w.panes[i]
	}
	w.in = true // hashing a key can panic, too
	at, ok := w.last.index[key]
	w.in = false
	if !ok {
		return w.last, nil
	}
	return w.last, &w.last.cells[at]
}

func (w *aligned[T, S, Key]) search(start int64) (int, bool) {
	return slices.BinarySearchFunc(w.panes, start, func(p *pane[Key, S], start int64) int { return cmp.Compare(p.start, start) })
}

// pane finds or opens a pane.
func (w *aligned[T, S, Key]) pane(start int64) *pane[Key, S] {
	if w.last != nil && w.last.start == start {
		return w.last
	}
	i, found := w.search(start)
	if !found {
		p := w.spare
		w.spare = nil
		if p == nil {
			p = &pane[Key, S]{index: map[Key]int32{}}
		}
		p.start, p.end = start, start+w.size
		p.fired = p.end <= w.watermark
		w.panes = slices.Insert(w.panes, i, p)
		w.plan()
	}
	w.last = w.panes[i]
	return w.last
}

// plan notes the watermark at which there is something to do. Panes are ordered by
// end, those that have fired are the first of them.
func (w *aligned[T, S, Key]) plan() {
	w.next = never64
	for i, p := range w.panes {
		if !p.fired {
			w.next = min(w.next, p.end)
			return
		}
		if i == 0 {
			w.next = p.end + w.lateness
		}
	}
}

// advance moves the watermark: windows fire, and those that are over are let go.
func (w *aligned[T, S, Key]) advance(mark int64) error {
	w.watermark = mark
	if mark < w.next || len(w.panes) == 0 {
		return nil
	}
	for _, p := range w.panes {
		if p.end > mark {
			break
		}
		if !p.fired {
			p.fired = true
			if err := w.fire(p, OnTime); err != nil {
				return err
			}
		}
	}
	for len(w.panes) > 0 && w.over(w.panes[0].end) {
		w.drop()
	}
	w.plan()
	return nil
}

func (w *aligned[T, S, Key]) fire(p *pane[Key, S], timing Timing) error {
	for i := range p.cells {
		if err := w.emit(w.result(p, &p.cells[i], timing)); err != nil {
			return err
		}
	}
	return nil
}

func (w *aligned[T, S, Key]) result(p *pane[Key, S], c *paneCell[Key, S], timing Timing) Windowed[Key, S] {
	return Windowed[Key, S]{
		Key: c.key, Value: c.state, Count: c.count,
		Opened: instant(p.start), Closed: instant(p.end), Fired: w.fired(), Timing: timing,
	}
}

// makeRoom lets the first pane go.
func (w *aligned[T, S, Key]) makeRoom() error {
	p := w.panes[0]
	w.evicted(len(p.cells))
	if p.fired {
		w.closed = max(w.closed, p.end)
	} else if err := w.fire(p, Early); err != nil {
		return err
	}
	w.drop()
	w.plan()
	return nil
}

// drop forgets the first pane. One is kept, empty, for the next that is opened,
// unless most of its space was of no use.
func (w *aligned[T, S, Key]) drop() {
	p := w.panes[0]
	if len(w.panes) < 64 { // few: moving them spares an allocation
		w.panes = slices.Delete(w.panes, 0, 1)
	} else {
		w.panes[0] = nil
		w.panes = w.panes[1:]
	}
	w.held -= len(p.cells)
	w.last = nil
	if cap(p.cells) > 4*len(p.cells)+64 {
		return
	}
	clear(p.index)
	clear(p.cells)
	p.cells, w.spare = p.cells[:0], p
}
