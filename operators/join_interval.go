package operators

import (
	"slices"
	"sort"
	"time"
)

// joining is one run of [Join].
type joining[A, B, C any, Key comparable] struct {
	l     *loop
	f     func(A, B) C
	emit  func(C) error
	meter *Meter
	most  int

	left      joinSide[A, Key]
	right     joinSide[B, Key]
	before    int64 // how much earlier the right one may be
	after     int64 // how much later
	disorder  int64
	watermark int64 // the earlier of the sides'
	expiries  expiries[Key]
}

// joinSide is one source: its next item, and those that are held.
type joinSide[T any, Key comparable] struct {
	source  *source[T]
	read    func(T) (Key, time.Time)
	tooLate func(T)
	mark    int64 // its watermark
	held    map[Key][]dated[T]

	head bool // there is a next item
	item T
	key  Key
	at   int64
}

// dated is an item and its time.
type dated[T any] struct {
	at   int64
	item T
}

// joinFrom runs one side's source. Each item waits until the other side's next one
// is there, too.
func joinFrom[T any, Key comparable](l *loop, s *joinSide[T, Key], source *source[T], step func() error) {
	s.source, s.mark, s.held = source, always64, map[Key][]dated[T]{}
	source.on = func(item T) (err error) {
		l.in = true
		key, at := s.read(item)
		l.in = false
		if s.at, err = nanos("Join", at); err != nil {
			return err
		}
		s.head, s.item, s.key = true, item, key
		source.pause()
		return step()
	}
	source.end = func(err error) error {
		if err != nil {
			return err
		}
		s.mark = never64
		return step()
	}
}

// step takes next items as long as it is known which comes first.
func (j *joining[A, B, C, Key]) step() error {
	for {
		var err error
		switch l, r := &j.left, &j.right; {
		case l.head && (r.source.ended || r.head && l.at <= r.at):
			err = j.takeLeft()
		case r.head && (l.source.ended || l.head):
			err = j.takeRight()
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (j *joining[A, B, C, Key]) takeLeft() error {
	s := &j.left
	defer s.source.resume()
	if ok, err := arrive(j, s); !ok {
		return err
	}
	for _, other := range between(heldOf(j.l, j.right.held, s.key), s.at-j.before, s.at+j.after) {
		if err := j.meet(s.item, other.item); err != nil {
			return err
		}
	}
	return hold(j, s, expiry[Key]{s.at + j.after, s.key, true})
}

func (j *joining[A, B, C, Key]) takeRight() error {
	s := &j.right
	defer s.source.resume()
	if ok, err := arrive(j, s); !ok {
		return err
	}
	for _, other := range between(heldOf(j.l, j.left.held, s.key), s.at-j.after, s.at+j.before) {
		if err := j.meet(other.item, s.item); err != nil {
			return err
		}
	}
	return hold(j, s, expiry[Key]{s.at + j.before, s.key, false})
}

func (j *joining[A, B, C, Key]) meet(a A, b B) error {
	j.l.in = true
	c := j.f(a, b)
	j.l.in = false
	return j.emit(c)
}

// arrive takes a side's next item, and reports whether it is in time. The watermark
// moves with it, and lets go what nothing can belong to any more.
func arrive[T, A, B, C any, Key comparable](j *joining[A, B, C, Key], s *joinSide[T, Key]) (ok bool, err error) {
	s.head = false
	s.mark = max(s.mark, s.at-j.disorder)
	j.watermark = min(j.left.mark, j.right.mark)
	for len(j.expiries) > 0 && j.expiries[0].at < j.watermark {
		j.expire()
	}
	if s.at >= j.watermark {
		return true, nil
	}
	if s.tooLate == nil && j.meter == nil {
		return false, &TooLateError{"Join", instant(s.at), instant(j.watermark)}
	}
	if j.meter != nil {
		j.meter.late.Add(1)
	}
	if s.tooLate != nil {
		j.l.in = true
		s.tooLate(s.item)
		j.l.in = false
	}
	return false, nil
}

// heldOf is what is held of a key. Hashing it can panic.
func heldOf[T any, Key comparable](l *loop, held map[Key][]dated[T], key Key) []dated[T] {
	l.in = true
	list := held[key]
	l.in = false
	return list
}

// between are the items from a time to a time, both included.
func between[T any](held []dated[T], from, to int64) []dated[T] {
	first := sort.Search(len(held), func(i int) bool { return held[i].at >= from })
	last := first
	for last < len(held) && held[last].at <= to {
		last++
	}
	return held[first:last]
}

// hold keeps an item until nothing of the other side can belong to it.
func hold[T, A, B, C any, Key comparable](j *joining[A, B, C, Key], s *joinSide[T, Key], e expiry[Key]) error {
	if e.at < j.watermark {
		return nil
	}
	if len(j.expiries) >= j.most {
		if j.meter == nil {
			return &FullError{"Join", j.most}
		}
		j.meter.evicted.Add(1)
		j.expire()
	}
	held := s.held[s.key]
	i := len(held)
	for i > 0 && held[i-1].at > s.at {
		i--
	}
	s.held[s.key] = slices.Insert(held, i, dated[T]{s.at, s.item})
	j.expiries.push(e)
	return nil
}

// expire lets the item go that would be first. It is its key's first on its side.
func (j *joining[A, B, C, Key]) expire() {
	if e := j.expiries.pop(); e.left {
		forget(j.left.held, e.key)
	} else {
		forget(j.right.held, e.key)
	}
}

func forget[T any, Key comparable](held map[Key][]dated[T], key Key) {
	list := held[key]
	if len(list) == 1 {
		delete(held, key)
		return
	}
	list[0] = dated[T]{}
	held[key] = list[1:]
}

// expiry is when an item of a key is let go.
type expiry[Key comparable] struct {
	at   int64
	key  Key
	left bool
}

// expiries is a heap by time.
type expiries[Key comparable] []expiry[Key]

func (h *expiries[Key]) push(e expiry[Key]) {
	*h = append(*h, e)
	q := *h
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if q[up].at <= q[i].at {
			return
		}
		q[up], q[i] = q[i], q[up]
		i = up
	}
}

func (h *expiries[Key]) pop() expiry[Key] {
	q := *h
	first, last := q[0], len(q)-1
	q[0], q[last] = q[last], expiry[Key]{}
	q = q[:last]
	*h = q
	for i := 0; ; {
		least := 2*i + 1
		if least >= last {
			return first
		}
		if right := least + 1; right < last && q[right].at < q[least].at {
			least = right
		}
		if q[i].at <= q[least].at {
			return first
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}
